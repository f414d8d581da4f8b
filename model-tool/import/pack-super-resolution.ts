/** Makes a package of an enlarging net. */
import { pngOf } from '../golden/picture-file.ts';
import { proveSuperResolution } from '../golden/prove-super-resolution.ts';
import { receptiveRadius } from '../onnx/receptive-radius.ts';
import { type Bench, freestProved, goldenPictures, type Packed } from './bench.ts';
import { imageSize } from './freedom.ts';
import { IMAGE } from './image-input.ts';
import { planSuperResolution } from './plan-super-resolution.ts';
import { planTiling } from './plan-tiles.ts';
import { ENLARGED, foldSuperResolution } from './super-resolution.ts';
import { inner, wrappable } from './wrap.ts';

const IMAGE_TENSOR = { dtype: 'uint8', layout: 'NHWC', channels: 3 } as const;
/** Bicubic colour sees this far, whatever the net does. */
const BICUBIC_RADIUS = 2;

export async function packSuperResolution(bench: Bench): Promise<Packed> {
  const { subject, options, runtime, note } = bench;
  const plan = await planSuperResolution(subject, options, runtime, note);
  const pictures = await goldenPictures(bench, plan.size);
  const reach = await radiusOf(bench);
  const { proof, path, freedom } = await freestProved(
    bench,
    true,
    (model, free) =>
      foldSuperResolution(model, {
        ...plan,
        input: inner(subject.input.name),
        output: inner(plan.output),
        size: imageSize(subject, plan.size, free),
      }),
    (file, free) => proveSuperResolution(runtime, subject, file, plan, pictures, free, reach),
  );
  const { isSizeFree, isBatchFree } = freedom;
  const { multipleOf } = proof;
  note(
    isSizeFree
      ? `size: any${multipleOf > 1 ? ` multiple of ${multipleOf}` : ''}.`
      : `size: ${plan.size.height}×${plan.size.width} only; no other proved right.`,
  );
  const { tile, overlap } = await planTiling(bench, {
    path,
    factor: plan.factor,
    multipleOf,
    size: isSizeFree ? undefined : plan.size,
    batch: isBatchFree ? 1 : (subject.batch ?? 1),
    reach: reach === undefined ? undefined : Math.max(reach, subject.channels === 1 ? BICUBIC_RADIUS : 0),
  });
  note(
    `proved: at most ${proof.drift} of 255 levels from the untouched model on ${pictures.length} pictures.`,
  );
  return {
    graphPath: path,
    files: { 'golden-input.png': await pngOf(proof.input), 'golden-output.png': await pngOf(proof.output) },
    manifest: (common, graph) => ({
      ...common,
      task: 'super-resolution',
      graphs: [
        {
          scale: plan.factor,
          ...graph,
          input: {
            name: IMAGE,
            ...IMAGE_TENSOR,
            batch: isBatchFree ? 'dynamic' : (subject.batch ?? 1),
            height: isSizeFree ? 'dynamic' : plan.size.height,
            width: isSizeFree ? 'dynamic' : plan.size.width,
            multiple_of: multipleOf,
          },
          output: { name: ENLARGED, ...IMAGE_TENSOR },
          receptive_radius: overlap ?? null,
          tile,
        },
      ],
      golden: { input: 'golden-input.png', output: 'golden-output.png', tolerance: proof.tolerance },
    }),
  };
}

/** Counted on the net alone, after its pixel shuffle is one operator and before anything is put around it. */
async function radiusOf({ subject }: Bench): Promise<number | undefined> {
  const { graph } = await wrappable(subject, { batchRule: undefined, isBatchFree: true, isSizeFree: true });
  return receptiveRadius(graph, inner(subject.input.name));
}
