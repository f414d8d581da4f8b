/** Finds out by running how many classes a classifier has and whether its numbers are probabilities yet. */

import { fittingOf } from '../../gpu-worker/image/fitting.ts';
import type { Resize } from '../../shared/model.ts';
import { builtInPictures } from '../golden/pictures.ts';
import { madeBy } from '../onnx/made-by.ts';
import { readModel } from '../onnx/model-file.ts';
import { Refusal } from '../refusal.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { settleLabels, settlePreprocessing, settleSize } from './ask.ts';
import { runBaseline } from './baseline.ts';
import type { Activation, Readout } from './classification.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import type { Preprocessing } from './preprocessing.ts';
import { refuseMap, scoresOutput } from './scores-output.ts';
import type { Subject } from './subject.ts';

export interface ClassificationPlan extends Readout {
  readonly preprocessing: Preprocessing;
  readonly size: PictureSize;
  readonly resize: Resize;
  readonly output: string;
  readonly labels: string[] | undefined;
}

export async function planClassification(
  subject: Subject,
  options: ImportOptions,
  runtime: Runtime,
  note: Note,
): Promise<ClassificationPlan> {
  const preprocessing = settlePreprocessing(subject, options, note);
  const size = settleSize(subject, options, 'usual: 224x224', note);
  const output = await scoresOutput(subject, options);
  const rows: number[][] = [];
  for (const picture of builtInPictures(size)) {
    const { [output]: answer } = await runBaseline(runtime, subject, picture, preprocessing, [output]);
    refuseMap(output, answer?.dims ?? []);
    const values = (answer?.data.length ?? 0) / (subject.batch ?? 1);
    rows.push([...(answer?.data.subarray(0, values) ?? [])]);
  }
  const values = rows[0]?.length ?? 0;
  const found = await (values > 1 ? activationOf : activationOfOne)(rows, subject, output, options);
  const activation = options.activation ?? found;
  const classes = Math.max(values, 2);
  note(
    values > 1
      ? `classes: ${classes}, in output ${output}.`
      : `classes: 2; output ${output} has one value a picture, read as the score of class 1 against class 0.`,
  );
  if (options.activation === undefined) note(`activation: ${activation}; ${why[activation]}`);
  const resize = settleResize(options, size, note);
  return {
    preprocessing,
    size,
    resize,
    output,
    values,
    classes,
    activation,
    labels: await settleLabels(subject, options, classes, note),
  };
}

function settleResize(options: ImportOptions, { height, width }: PictureSize, note: Note): Resize {
  const mode = options.resize ?? 'cover';
  const crop_fraction = options.crop ?? 1;
  if (mode !== 'cover' && options.crop !== undefined) {
    throw new Refusal(
      `Only --resize cover crops; --resize ${mode} shows the whole picture. Leave --crop out.`,
      {
        flag: '--crop',
      },
    );
  }
  if (options.crop !== undefined) {
    const { scaled } = fittingOf(
      { height, width },
      { height, width },
      { mode, anchor: 'centre', crop_fraction },
    );
    note(
      `resize: to ${scaled.height}×${scaled.width} or more, of which the middle ${height}×${width} is shown.`,
    );
  } else if (options.resize === undefined) {
    note(
      'resize: cover (the middle of the picture), assumed; or --resize stretch, letterbox; --crop 0.875 where training resized to 256 and cropped 224.',
    );
  }
  return {
    mode,
    anchor: options.anchor ?? 'centre',
    fill: [...(options.fill ?? ([0, 0, 0] as const))],
    crop_fraction,
  };
}

const why: Readonly<Record<Activation, string>> = {
  none: 'the numbers are scores of 0 to 1 already.',
  softmax:
    'the numbers are no probabilities, so they are logits (--activation sigmoid where classes do not exclude each other).',
  sigmoid: 'the one number is no probability, so it is a logit.',
};

const NEAR = 1e-3;
/** Of a sum of many numbers in float16. */
const NEARLY_ONE = 0.02;

/** Small logits lie between 0 and 1 as well: only a sum of 1 or the operator they come from shows that they are scores. */
async function activationOf(
  rows: readonly (readonly number[])[],
  { path }: Subject,
  output: string,
  { activation: asked }: ImportOptions,
): Promise<Activation> {
  if (asked !== undefined) return asked;
  if (!rows.every((row) => row.every((value) => value >= -NEAR && value <= 1 + NEAR))) return 'softmax';
  const sums = rows.map((row) => row.reduce((a, b) => a + b, 0));
  if (sums.every((sum) => Math.abs(sum - 1) < NEARLY_ONE)) return 'none';
  const { graph } = await readModel(path);
  if (madeBy(graph, output)?.op_type === 'Sigmoid') return 'none';
  throw new Refusal(
    `The numbers lie between 0 and 1, but those of a picture add up to ${sums[0]?.toFixed(3)} and not to 1. Say --activation none where they are scores of classes that do not exclude each other, or --activation softmax where they are logits.`,
    { flag: '--activation' },
  );
}

/** One number tells two classes apart, or is a measure of something: only a sigmoid shows which. */
async function activationOfOne(
  rows: readonly (readonly number[])[],
  { path }: Subject,
  output: string,
  { activation: asked }: ImportOptions,
): Promise<Activation> {
  if (asked === 'softmax' || rows[0]?.length !== 1)
    throw new Refusal(
      `The output ${output} has ${rows[0]?.length ?? 0} value a picture; softmax takes two or more.`,
      {
        flag: '--activation',
      },
    );
  if (asked !== undefined) return asked;
  const { graph } = await readModel(path);
  if (madeBy(graph, output)?.op_type === 'Sigmoid') return 'none';
  throw new Refusal(
    `The output ${output} has one value a picture. Where it tells two classes apart, say --activation sigmoid (a logit) or --activation none (a score of 0 to 1); where it measures something, the model is no classifier.`,
    { flag: '--activation' },
  );
}
