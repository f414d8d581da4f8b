/**
 * What can be asked of each task, as its model can do it: the one truth for validation, OpenAPI, the forms of a page
 * and the worker. Every parameter has a default, so that a picture alone is a complete request.
 */
import * as z from 'zod';
import type { ModelManifest, Task } from './model.ts';

/** A number, also as numeric text: forms and query strings send nothing else. */
export const numeric = (schema: z.ZodType<number>) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : value),
    schema,
  );

/**
 * For `z.toJSONSchema` and OpenAPI. Zod leaves the default of a converted value out of the schema of its input, but a
 * form, a command line and the docs all want to show it.
 */
export function keepDefault({ zodSchema, jsonSchema }: DescribedSchema): void {
  const fallback = z.globalRegistry.get(zodSchema as z.ZodType)?.default;
  if (fallback !== undefined) jsonSchema.default = fallback;
}
interface DescribedSchema {
  readonly zodSchema: z.core.$ZodType;
  readonly jsonSchema: { default?: unknown };
}

const outputFormat = z.enum(['png', 'jpeg', 'webp']).default('png');
const quality = numeric(z.int().min(1).max(100))
  .default(90)
  .meta({ description: 'For JPEG and WebP: 1 (smallest) to 100 (best).', default: 90 });

/** The factor that is used where nobody asks for one. */
export const usualScale = (scales: readonly number[]): number => (scales.includes(4) ? 4 : (scales[0] ?? 4));

const superResolution = (scales: readonly number[]) => {
  const fallback = usualScale(scales);
  return z.object({
    upscale_factor: numeric(z.literal(scales))
      .default(fallback)
      .meta({
        description: `How many times larger in each direction: ${scales.join(', ')}.`,
        default: fallback,
      }),
    output_format: outputFormat.meta({ description: 'Format of both result pictures.' }),
    quality,
  });
};

/** More predictions than this are of no use to anybody. */
const MOST_PREDICTIONS = 100;
const USUAL_PREDICTIONS = 5;

const classification = (classes: number) => {
  const most = Math.min(classes, MOST_PREDICTIONS);
  const fallback = Math.min(most, USUAL_PREDICTIONS);
  return z.object({
    top_k: numeric(z.int().min(1).max(most))
      .default(fallback)
      .meta({ description: `How many predictions, best first; at most ${most}.`, default: fallback }),
  });
};

const fraction = (fallback: number, description: string) =>
  numeric(z.number().min(0).max(1)).default(fallback).meta({ description, default: fallback });

const objectDetection = () =>
  z.object({
    score_threshold: fraction(0.25, 'Detections below this score, 0 to 1, are left out.'),
    iou_threshold: fraction(
      0.45,
      'Of two boxes of one class that overlap more than this, the better one stays.',
    ),
    annotated: z
      .boolean()
      .default(false)
      .meta({ description: 'Also make a picture with the boxes drawn on it.' }),
    output_format: outputFormat.meta({ description: 'Format of the annotated picture.' }),
    quality,
  });

export type ParametersOf = {
  'super-resolution': z.infer<ReturnType<typeof superResolution>>;
  classification: z.infer<ReturnType<typeof classification>>;
  'object-detection': z.infer<ReturnType<typeof objectDetection>>;
};

const known = new WeakMap<ModelManifest, ReturnType<typeof makeParameters>>();

/** The parameters of one model, each with a default. Made once for each manifest: that costs more than a small job's arithmetic. */
export function parametersFor(manifest: ModelManifest): ReturnType<typeof makeParameters> {
  const parameters = known.get(manifest) ?? makeParameters(manifest);
  known.set(manifest, parameters);
  return parameters;
}

function makeParameters(manifest: ModelManifest) {
  switch (manifest.task) {
    case 'super-resolution':
      return superResolution(manifest.graphs.map((graph) => graph.scale));
    case 'classification':
      return classification(manifest.classes);
    case 'object-detection':
      return objectDetection();
  }
}

/** The parameters of a task where no model is named yet, for OpenAPI: what the widest model takes. */
export const parametersByTask = (): Readonly<Record<Task, z.ZodObject>> => ({
  'super-resolution': superResolution([2, 4, 8]),
  classification: classification(MOST_PREDICTIONS),
  'object-detection': objectDetection(),
});
