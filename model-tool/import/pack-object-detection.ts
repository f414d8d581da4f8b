/** Makes a package of a detector. */

import { pngOf, readPicture } from '../golden/picture-file.ts';
import { proveObjectDetection } from '../golden/prove-object-detection.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { type Bench, freestProved, goldenPictures, type Packed } from './bench.ts';
import { type DetectionPlan, MOST_PER_CLASS } from './detection-plan.ts';
import { imageSize } from './freedom.ts';
import { declareImage, floatPixels, foldPreprocessing, IMAGE } from './image-input.ts';
import { DETECTIONS, foldObjectDetection, IOU_THRESHOLD, SCORE_THRESHOLD } from './object-detection.ts';
import { planObjectDetection } from './plan-object-detection.ts';
import { inner } from './wrap.ts';

/** Far finer than the tolerances, and short to read. */
const DIGITS = 5;

export async function packObjectDetection(bench: Bench): Promise<Packed> {
  const { subject, options, runtime, note } = bench;
  const plan = await planObjectDetection(subject, options, runtime, note);
  const { size, resize, labels, detection } = plan;
  const pictures = await goldenPictures(bench, size, (file) => readPicture(file, size, resize));
  const { proof, path, freedom } = await freestProved(
    bench,
    false,
    (model, free) => {
      declareImage(model, imageSize(subject, size, free));
      const front = new GraphBuilder(model, 'input');
      foldPreprocessing(front, floatPixels(front), plan.preprocessing, inner(subject.input.name));
      front.prepend();
      foldObjectDetection(model, insidePlan(detection));
    },
    (file, free) => proveObjectDetection(runtime, subject, file, plan, pictures, free),
  );
  note(
    `proved: at most ${proof.drift.score.toExponential(1)} in score and ${proof.drift.pixels.toFixed(3)} pixels from the untouched model, over ${proof.seen} detections on ${pictures.length} pictures.`,
  );
  if (proof.seen === 0)
    note('nothing was detected on any picture tried: give one with something in it by --golden FILE.');
  return {
    graphPath: path,
    files: { 'golden-input.png': await pngOf(proof.input) },
    manifest: (common, graph) => ({
      ...common,
      task: 'object-detection',
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
          inputs: { score_threshold: SCORE_THRESHOLD, iou_threshold: IOU_THRESHOLD },
          outputs: { detections: DETECTIONS },
          most_per_class: MOST_PER_CLASS,
        },
      ],
      resize,
      ...(labels === undefined ? {} : { labels }),
      classes: detection.classes,
      head: detection.isSet ? 'detr' : detection.head,
      golden: {
        input: 'golden-input.png',
        score_threshold: proof.thresholds.score,
        iou_threshold: proof.thresholds.iou,
        detections: proof.expected.map((row) => row.map((value) => Number(value.toFixed(DIGITS)))),
        tolerance: proof.tolerance,
      },
    }),
  };
}

/** The same plan with the names that the outputs have inside the package. */
function insidePlan(plan: DetectionPlan): DetectionPlan {
  if (plan.head === 'ssd') return { ...plan, boxes: inner(plan.boxes), scores: inner(plan.scores) };
  if (plan.head === 'end-to-end' && plan.form === 'lists') {
    const count = plan.count === undefined ? undefined : inner(plan.count);
    return {
      ...plan,
      boxes: inner(plan.boxes),
      scores: inner(plan.scores),
      classIds: inner(plan.classIds),
      count,
    };
  }
  return { ...plan, output: inner(plan.output) };
}
