/**
 * Model packages: the manifest beside the graphs (`models/<name>/<version>/model.json`), and the catalog that the API and
 * the workers share. The manifest is the whole contract with a model: whoever serves one reads nothing off the graph or
 * off file names. Every graph takes pictures as uint8 NHWC RGB, with pre- and post-processing inside.
 */
import * as z from 'zod';

export const modelName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes');
const modelVersion = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}$/);
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a plain file name inside the package');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** A size that the graph insists on, or any. */
const size = z.union([z.int().positive(), z.literal('dynamic')]);

const imageTensor = z.strictObject({
  name: z.string(),
  dtype: z.literal('uint8'),
  layout: z.literal('NHWC'),
  channels: z.literal(3),
});

const imageInput = imageTensor.extend({
  batch: size.default('dynamic'),
  height: size.default('dynamic'),
  width: size.default('dynamic'),
  /** Height and width must be multiples of this. */
  multiple_of: z.int().positive().default(1),
});

const graphFile = {
  file: fileName,
  sha256,
  bytes: z.int().positive(),
  input: imageInput,
};

/** The output is `scale` times larger; pre- and post-processing are in the graph. */
const superResolutionGraph = z.strictObject({
  ...graphFile,
  scale: z.int().min(1).max(8),
  output: imageTensor,
  /**
   * Input pixels that one output pixel can see in each direction; the overlap that makes tiling exact. Of nets whose
   * operators do not tell: the overlap that was measured, or said at import. `null`: tiles would show seams.
   */
  receptive_radius: z.int().nonnegative().nullable(),
  /** The one input shape that large pictures are cut into, in input pixels. */
  tile: z.strictObject({ height: z.int().positive(), width: z.int().positive() }),
});

/** Outputs int64 [batch, k] and float32 [batch, k], best first. */
const classificationGraph = z.strictObject({
  ...graphFile,
  outputs: z.strictObject({ class_ids: z.string(), scores: z.string() }),
  k: z.int().positive(),
});

/**
 * Output float32 [n, 7]: batch index, class, score, x1, y1, x2, y2 in pixels of the graph's input, best first. The two
 * thresholds are float32 inputs of shape [1].
 */
const objectDetectionGraph = z.strictObject({
  ...graphFile,
  inputs: z.strictObject({ score_threshold: z.string(), iou_threshold: z.string() }),
  outputs: z.strictObject({ detections: z.string() }),
  /** Most detections of one class in one picture. */
  most_per_class: z.int().positive(),
});

/** With less than this no network is trained, and the resized picture would have a hundred times the input's pixels. */
export const MOST_CROPPED = 0.1;

/** How a picture of any size becomes the graph's input. */
const resize = z
  .strictObject({
    /** `stretch` ignores the aspect, `cover` crops the middle, `letterbox` fills the rest with `fill`. */
    mode: z.enum(['stretch', 'cover', 'letterbox']),
    fill: z.tuple([z.int(), z.int(), z.int()]).default([114, 114, 114]),
    /** Where a letterboxed picture lies. */
    anchor: z.enum(['centre', 'top-left']).default('centre'),
    /**
     * Of `cover`: the input's share of what the short side is resized to, timm's `crop_pct`. 0.875 for an input of 224: the
     * short side becomes 256 and the middle 224 of it is shown.
     */
    crop_fraction: z.number().min(MOST_CROPPED).max(1).default(1),
  })
  .refine(({ mode, crop_fraction }) => mode === 'cover' || crop_fraction === 1, {
    path: ['crop_fraction'],
    error: 'only `cover` crops',
  });

/** One input with what must come out, to be run before a version serves. The input has the graph's own size. */
const golden = <Expected extends z.ZodRawShape>(expected: Expected) =>
  z.strictObject({ input: fileName, ...expected });

const everyModel = {
  schema_version: z.literal(1),
  name: modelName,
  version: modelVersion,
  description: z.string(),
  licence: z.string(),
  parameters: z.int().positive(),
  /** The file that the package was made from, and how. */
  source: z
    .strictObject({
      file: z.string(),
      sha256,
      producer: z.string(),
      opset: z.int(),
      /** What was read off the model, and what the person who imported it said. */
      decisions: z.array(z.string()),
    })
    .optional(),
  /** Files beside the graphs. */
  files: z.record(fileName, z.strictObject({ sha256, bytes: z.int().positive() })).default({}),
  metrics: z.record(z.string(), z.unknown()).optional(),
};

/** What classes are called, by class id; absent where nobody said. */
const labels = z.array(z.string()).optional();

export const modelManifest = z.discriminatedUnion('task', [
  z.strictObject({
    ...everyModel,
    task: z.literal('super-resolution'),
    graphs: z.array(superResolutionGraph).min(1),
    golden: golden({ output: fileName, tolerance: z.strictObject({ levels: z.number() }) }).optional(),
  }),
  z.strictObject({
    ...everyModel,
    task: z.literal('classification'),
    graphs: z.array(classificationGraph).length(1),
    resize,
    labels,
    classes: z.int().positive(),
    golden: golden({
      class_ids: z.array(z.int()),
      scores: z.array(z.number()),
      tolerance: z.strictObject({ score: z.number() }),
    }).optional(),
  }),
  z.strictObject({
    ...everyModel,
    task: z.literal('object-detection'),
    graphs: z.array(objectDetectionGraph).length(1),
    resize,
    labels,
    classes: z.int().positive(),
    head: z.enum(['yolox', 'yolov5', 'yolov8', 'ssd', 'detr', 'end-to-end']),
    golden: golden({
      score_threshold: z.number(),
      iou_threshold: z.number(),
      /** Rows of class, score, x1, y1, x2, y2. */
      detections: z.array(z.array(z.number()).length(6)),
      tolerance: z.strictObject({ score: z.number(), pixels: z.number() }),
    }).optional(),
  }),
]);

export type ModelManifest = z.infer<typeof modelManifest>;
export type Task = ModelManifest['task'];
export type ManifestOf<T extends Task> = Extract<ModelManifest, { task: T }>;
export type SuperResolutionGraph = z.infer<typeof superResolutionGraph>;
export type Resize = z.infer<typeof resize>;

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
export const filesOf = (manifest: ModelManifest): { readonly file: string; readonly sha256: string }[] => [
  ...manifest.graphs.map(({ file, sha256 }) => ({ file, sha256 })),
  ...Object.entries(manifest.files).map(([file, { sha256 }]) => ({ file, sha256 })),
];
