/** Makes a package of a classifier. */

import { pngOf, readPicture } from '../golden/picture-file.ts';
import { proveClassification } from '../golden/prove-classification.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { type Bench, freestProved, goldenPictures, type Packed } from './bench.ts';
import { CLASS_IDS, classesReturned, foldClassification, SCORES } from './classification.ts';
import { imageSize } from './freedom.ts';
import { declareImage, floatPixels, foldPreprocessing, IMAGE } from './image-input.ts';
import { planClassification } from './plan-classification.ts';
import { inner } from './wrap.ts';

const SHOWN = 4;

export async function packClassification(bench: Bench): Promise<Packed> {
  const { subject, options, runtime, note } = bench;
  const plan = await planClassification(subject, options, runtime, note);
  const { size, classes, resize, labels } = plan;
  const pictures = await goldenPictures(bench, size, (file) => readPicture(file, size, resize));
  const { proof, path, freedom } = await freestProved(
    bench,
    false,
    (model, free) => {
      declareImage(model, imageSize(subject, size, free));
      const front = new GraphBuilder(model, 'input');
      foldPreprocessing(front, floatPixels(front), plan.preprocessing, inner(subject.input.name));
      front.prepend();
      foldClassification(model, inner(plan.output), plan);
    },
    (file, free) => proveClassification(runtime, subject, file, plan, pictures, free),
  );
  note(
    `proved: at most ${proof.drift.toExponential(1)} from the untouched model's scores on ${pictures.length} pictures.`,
  );
  const [best = 0] = proof.expected.class_ids;
  note(
    `golden example: class ${labels?.[best] ?? best}, score ${(proof.expected.scores[0] ?? 0).toFixed(SHOWN)}.`,
  );
  return {
    graphPath: path,
    files: { 'golden-input.png': await pngOf(proof.input) },
    manifest: (common, graph) => ({
      ...common,
      task: 'classification',
      graphs: [
        {
          ...graph,
          input: {
            name: IMAGE,
            dtype: 'uint8',
            layout: 'NHWC',
            channels: 3,
            batch: freedom.isBatchFree ? 'dynamic' : (subject.batch ?? 1),
            ...size,
          },
          outputs: { class_ids: CLASS_IDS, scores: SCORES },
          k: classesReturned(classes),
        },
      ],
      resize,
      ...(labels === undefined ? {} : { labels }),
      classes,
      golden: { input: 'golden-input.png', ...proof.expected, tolerance: proof.tolerance },
    }),
  };
}
