/** Finds out by running how many classes a classifier has and whether its numbers are probabilities yet. */

import { fittingOf } from '../../gpu-worker/image/fitting.ts';
import type { Resize } from '../../shared/model.ts';
import { builtInPictures } from '../golden/pictures.ts';
import { Refusal } from '../refusal.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { settleLabels, settlePreprocessing, settleSize } from './ask.ts';
import { runBaseline } from './baseline.ts';
import type { Activation } from './classification.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import type { Preprocessing } from './preprocessing.ts';
import type { Subject } from './subject.ts';

export interface ClassificationPlan {
  readonly preprocessing: Preprocessing;
  readonly size: PictureSize;
  readonly resize: Resize;
  readonly output: string;
  readonly classes: number;
  readonly activation: Activation;
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
  const output = scoresOutput(subject, options);
  const rows: number[][] = [];
  for (const picture of builtInPictures(size)) {
    const { [output]: answer } = await runBaseline(runtime, subject, picture, preprocessing, [output]);
    const classes = (answer?.data.length ?? 0) / (subject.batch ?? 1);
    rows.push([...(answer?.data.subarray(0, classes) ?? [])]);
  }
  const classes = rows[0]?.length ?? 0;
  if (classes < 2)
    throw new Refusal(`The output ${output} has ${classes} value a picture; a classifier has two or more.`);
  const activation = options.activation ?? activationOf(rows);
  note(`classes: ${classes}, in output ${output}.`);
  if (options.activation === undefined) note(`activation: ${activation}; ${why[activation]}`);
  const resize = settleResize(options, size, note);
  return {
    preprocessing,
    size,
    resize,
    output,
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

/** The last float output: those before it are class ids of exporters that append a ZipMap, or features. */
function scoresOutput(subject: Subject, options: ImportOptions): string {
  const [asked] = options.output ?? [];
  if (asked !== undefined) return asked;
  const candidates = subject.outputs.filter(({ type }) => type === undefined || type.startsWith('float'));
  const [only] = candidates;
  if (only === undefined || candidates.length > 1) {
    const names = subject.outputs.map(({ name }) => name).join(', ');
    throw new Refusal(
      `The model has several outputs (${names}). Say which holds the scores: --output NAME.`,
      { flag: '--output' },
    );
  }
  return only.name;
}

const why: Readonly<Record<Activation, string>> = {
  none: 'the numbers are scores of 0 to 1 already.',
  softmax:
    'the numbers are no probabilities, so they are logits (--activation sigmoid where classes do not exclude each other).',
  sigmoid: '',
};

const NEAR = 1e-3;

function activationOf(rows: readonly (readonly number[])[]): Activation {
  const areScores = rows.every((row) => row.every((value) => value >= -NEAR && value <= 1 + NEAR));
  return areScores ? 'none' : 'softmax';
}
