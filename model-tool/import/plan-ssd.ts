/** Settles how boxes and scores that come apart are to be read. What a box's four numbers mean is asked, and checked. */
import { Refusal } from '../refusal.ts';
import type { Outputs } from './baseline.ts';
import type { BoxFormat, SsdPlan } from './detection-plan.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { shapes, unitsOf } from './plan-head.ts';

const NEAR = 1e-2;

export function planSsd(
  runs: readonly Outputs[],
  size: PictureSize,
  options: ImportOptions,
  note: Note,
  isSet = false,
): SsdPlan {
  const entries = Object.entries(runs[0] ?? {});
  const fours = entries.filter(([, { dims }]) => dims.length === 3 && dims[2] === 4);
  const [boxes] = fours.find(([name]) => fours.length === 1 || /box|loc/i.test(name)) ?? [];
  const [scores, scoreTensor] = entries.find(([name, { dims }]) => name !== boxes && dims.length === 3) ?? [];
  if (boxes === undefined || scores === undefined || scoreTensor === undefined) {
    throw new Refusal(
      `Boxes [batch, n, 4] and scores [batch, n, classes] are not to be found in ${shapes(runs[0] ?? {})}. Name them: --output BOXES --output SCORES.`,
      { flag: '--output' },
    );
  }
  const boxNumbers = runs.flatMap((run) => [...(run[boxes]?.data ?? [])]);
  const format = settleFormat(
    boxNumbers,
    isSet ? { ...options, boxFormat: options.boxFormat ?? 'cxcywh' } : options,
  );
  const rows = runs[0]?.[boxes]?.dims[1] ?? 0;
  const [, second = 0, third = 0] = scoreTensor.dims;
  const scoresTransposed = second !== rows && third === rows;
  const columns = scoresTransposed ? second : third;
  const table = runs.flatMap((run) =>
    scoreRows([...(run[scores]?.data ?? [])], rows, columns, scoresTransposed),
  );
  const areProbabilities = table.every((row) => row.every((value) => value >= -1e-3 && value <= 1.001));
  const activation = options.activation ?? (areProbabilities ? 'none' : undefined);
  if (activation === undefined) {
    throw new Refusal(
      'The scores are no probabilities. Say --activation softmax (with a background class: SSD, DETR) or --activation sigmoid (RetinaNet, RT-DETR, Deformable DETR).',
      { flag: '--activation' },
    );
  }
  if (options.activation === undefined) note('scores: probabilities already.');
  const usual = isSet ? (activation === 'softmax' ? 'last' : 'none') : undefined;
  const background = settleBackground(table, columns, activation, options.background ?? usual, note);
  const classes = columns - (background === undefined ? 0 : 1);
  note(`classes: ${classes}.`);
  return {
    head: 'ssd',
    boxes,
    scores,
    scoresTransposed,
    background,
    activation,
    classes,
    format,
    units: unitsOf(boxNumbers, options, note),
    ...size,
  };
}

function scoreRows(data: readonly number[], rows: number, columns: number, transposed: boolean): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, c) => data[transposed ? c * rows + row : row * columns + c] ?? 0),
  );
}

/** Corners show: the second point is never before the first. Anything else may be offsets from anchors as well. */
function settleFormat(numbers: readonly number[], options: ImportOptions): BoxFormat {
  const boxes = Array.from({ length: numbers.length / 4 }, (_, i) => numbers.slice(i * 4, i * 4 + 4));
  const share = (isSo: (box: readonly number[]) => boolean) => boxes.filter(isSo).length / boxes.length;
  const ordered = share(([a = 0, b = 0, c = 0, d = 0]) => c >= a && d >= b);
  const sized = share(([, , c = 0, d = 0]) => c >= 0 && d >= 0);
  const looks =
    ordered > 1 - NEAR
      ? 'They look like corners.'
      : sized > 1 - NEAR
        ? 'They look like a place and a size.'
        : 'Many sizes are negative, so they may be offsets from anchor boxes, which only the model can decode: then export it with its post-processing.';
  if (options.boxFormat === undefined) {
    throw new Refusal(
      `What the four numbers of a box mean cannot be seen in the file. ${looks} Say --box-format xyxy, yxyx (TensorFlow), cxcywh or xywh.`,
      { flag: '--box-format' },
    );
  }
  const isCorners = options.boxFormat === 'xyxy' || options.boxFormat === 'yxyx';
  if ((isCorners ? ordered : sized) < 0.9) {
    throw new Refusal(`The boxes do not fit --box-format ${options.boxFormat}. ${looks}`, {
      flag: '--box-format',
    });
  }
  return options.boxFormat;
}

/** Scores that share out one whole have a class for "nothing here": the one that nearly always has most of it. */
function settleBackground(
  table: readonly (readonly number[])[],
  columns: number,
  activation: SsdPlan['activation'],
  said: ImportOptions['background'],
  note: Note,
): number | undefined {
  if (said !== undefined) {
    note(`background class: ${said}.`);
    return said === 'none' ? undefined : said === 'first' ? 0 : columns - 1;
  }
  const sharesOut =
    activation === 'softmax' ||
    (columns > 1 && table.every((row) => Math.abs(row.reduce((a, b) => a + b, 0) - 1) < NEAR));
  if (!sharesOut) {
    note('background class: none, since the scores of a box do not add up to 1.');
    return undefined;
  }
  const wins = (index: number) =>
    table.filter((row) => row.every((value) => value <= (row[index] ?? 0))).length / table.length;
  const found = [0, columns - 1].find((index) => wins(index) > 0.5);
  if (found === undefined) {
    throw new Refusal(
      'Which score means "nothing here" cannot be seen. Say --background first, last or none.',
      {
        flag: '--background',
      },
    );
  }
  note(
    `background class: the ${found === 0 ? 'first' : 'last'}, which wins on most boxes; it is left out of the class ids.`,
  );
  return found;
}
