/** Makes a package of an enlarging net. */
import { pngOf } from '../golden/picture-file.ts';
import { proveSuperResolution } from '../golden/prove-super-resolution.ts';
import { receptiveRadius } from '../onnx/receptive-radius.ts';
import { type Bench, freestProved, goldenPictures, type Packed } from './bench.ts';
import { imageSize } from './freedom.ts';
import { IMAGE } from './image-input.ts';
import { planSuperResolution } from './plan-super-resolution.ts';
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
  const radius = reach === undefined ? null : Math.max(reach, subject.channels === 1 ? BICUBIC_RADIUS : 0);
  note(
    radius === null
      ? 'sees: not known, so tiles of large pictures may show seams.'
      : `sees: ${radius} pixels, so tiles that overlap by as much are exact.`,
  );
  note(
    `proved: at most ${proof.drift} of 255 levels from the untouched model on ${pictures.length} pictures.`,
  );
  const tile = isSizeFree ? (options.tile ?? usualTile(subject.parameters, multipleOf)) : plan.size;
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
          receptive_radius: radius,
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

const LARGE_NET = 1_000_000;

/** Smaller tiles for larger nets, so that one run stays short. */
function usualTile(parameters: number, multiple: number): { height: number; width: number } {
  const side = Math.max(multiple, parameters > LARGE_NET ? 128 : 256);
  return { height: side, width: side };
}
