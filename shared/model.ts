/**
 * Model packages: the manifest beside the ONNX files (`models/<name>/<version>/model.json`) and the catalog that
 * the API and the workers share. The manifest is the whole contract with a model; nothing is read off file names.
 */
import { z } from 'zod';

const modelName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes');
const modelVersion = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}$/);
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a plain file name inside the package');

const imageTensor = z.strictObject({
  name: z.string(),
  dtype: z.literal('uint8'),
  layout: z.literal('NHWC'),
  channels: z.literal(3),
});

/** One ONNX file: uint8 NHWC in, uint8 NHWC out, `scale` times larger; pre- and post-processing are in the graph. */
const superResolutionGraph = z.strictObject({
  scale: z.int().min(1).max(8),
  file: fileName,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  input: imageTensor,
  output: imageTensor,
  /** Input pixels that one output pixel can see in each direction; the overlap that makes tiling exact. */
  receptive_radius: z.int().nonnegative(),
  /** The one input shape that large pictures are cut into, in input pixels. */
  tile: z.strictObject({ height: z.int().positive(), width: z.int().positive() }),
});

export const modelManifest = z.strictObject({
  schema_version: z.literal(1),
  name: modelName,
  version: modelVersion,
  task: z.literal('super-resolution'),
  description: z.string(),
  licence: z.string(),
  parameters: z.int().positive(),
  graphs: z.array(superResolutionGraph).min(1),
  metrics: z.record(z.string(), z.unknown()).optional(),
});

export type ModelManifest = z.infer<typeof modelManifest>;
export type SuperResolutionGraph = z.infer<typeof superResolutionGraph>;
export type Task = ModelManifest['task'];

/** A version that took over a model's name, and when. */
const promotion = z.strictObject({ version: modelVersion, at: z.iso.datetime() });

/** Everything that can be asked for: the packages, and the names that point at one of them. */
export const modelCatalog = z.strictObject({
  models: z.array(modelManifest),
  /** Another name for a model, or for one version of it. */
  aliases: z.record(z.string(), z.string()),
  /** model name → the versions that answered to it, the one that does now last. */
  promotions: z.record(modelName, z.array(promotion).min(1)).default({}),
});

export type ModelCatalog = z.infer<typeof modelCatalog>;

export const versionOf = (manifest: Pick<ModelManifest, 'name' | 'version'>): string =>
  `${manifest.name}@${manifest.version}`;

/**
 * The package that `asked` (an alias, a name or `name@version`) means now. A bare name means the version promoted
 * last; where none ever was, the highest.
 * @returns undefined where the catalog has nothing of that name.
 */
export function resolveModel(catalog: ModelCatalog, asked: string): ModelManifest | undefined {
  const target = catalog.aliases[asked] ?? asked;
  const promoted = catalog.promotions[target]?.at(-1);
  const version = promoted === undefined ? target : versionOf({ name: target, version: promoted.version });
  const exact = catalog.models.find((model) => versionOf(model) === version);
  return exact ?? versionsOf(catalog, target).at(-1);
}

/** All packages of one name, lowest version first; numbers inside versions count as numbers. */
export function versionsOf(catalog: ModelCatalog, name: string): ModelManifest[] {
  return catalog.models
    .filter((model) => model.name === name)
    .sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));
}

/** The files of a package beside its manifest. */
export const filesOf = (
  manifest: ModelManifest,
): readonly { readonly file: string; readonly sha256: string }[] => manifest.graphs;
