/** Settles how the rows of a detector with its own suppression are to be read. */
import { Refusal } from '../refusal.ts';
import type { NumberTensor } from '../runtime/runtime.ts';
import type { Outputs } from './baseline.ts';
import type { Column, ListsPlan, RowsPlan } from './detection-plan.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { shapes, unitsOf } from './plan-head.ts';
import type { Subject } from './subject.ts';

export function planEndToEnd(
  runs: readonly Outputs[],
  size: PictureSize,
  subject: Subject,
  options: ImportOptions,
  note: Note,
): RowsPlan | ListsPlan {
  const entries = Object.entries(runs[0] ?? {});
  const [only] = entries;
  const classes = subject.metadata.names?.match(/\d+"?\s*:/g)?.length;
  if (entries.length === 1 && only !== undefined)
    return planRows(only[0], runs, size, classes, options, note);
  return planLists(entries, runs, size, classes, options, note);
}

function planRows(
  output: string,
  runs: readonly Outputs[],
  size: PictureSize,
  named: number | undefined,
  options: ImportOptions,
  note: Note,
): RowsPlan {
  const width = runs[0]?.[output]?.dims.at(-1) ?? 0;
  const rows = runs
    .flatMap((run) => rowsOf(run[output], width))
    .filter((row) => row.some((value) => value !== 0));
  const columns = options.columns ?? columnsOf(rows, width);
  if (options.columns === undefined) note(`columns: ${columns.join(',')}; seen in ${rows.length} rows.`);
  if (columns.length !== width)
    throw new Refusal(`--columns names ${columns.length} columns; there are ${width}.`, {
      flag: '--columns',
    });
  const column = (name: Column) => rows.map((row) => row[columns.indexOf(name)] ?? 0);
  const numbers = (['x1', 'y1', 'x2', 'y2'] as const).flatMap(column);
  const firstClass = options.firstClass ?? 0;
  return {
    head: 'end-to-end',
    form: 'rows',
    output,
    columns,
    hasBatchAxis: runs[0]?.[output]?.dims.length === 3,
    firstClass,
    classes: named ?? classesSeen(column('class'), firstClass, options, note),
    format: options.boxFormat ?? 'xyxy',
    units: unitsOf(numbers, options, note),
    ...size,
  };
}

function rowsOf(tensor: NumberTensor | undefined, width: number): number[][] {
  const data = tensor?.data ?? new Float32Array();
  return Array.from({ length: data.length / width }, (_, row) => [
    ...data.subarray(row * width, (row + 1) * width),
  ]);
}

/** Two orders are in use: score before class, and class before score. Class ids are whole, scores are not. */
function columnsOf(rows: readonly (readonly number[])[], width: number): Column[] {
  const corners: Column[] = ['x1', 'y1', 'x2', 'y2'];
  const lead: Column[] = width === 7 ? ['batch'] : [];
  const at = (index: number) => rows.map((row) => row[index] ?? 0);
  const areScores = (values: number[]) =>
    values.every((value) => value >= -1e-3 && value <= 1.001) &&
    values.some((value) => !Number.isInteger(value));
  const areIds = (values: number[]) => values.every((value) => Number.isInteger(value) && value >= 0);
  const [fifth, last] = [at(width - 2), at(width - 1)];
  if (areScores(fifth) && areIds(last)) return [...lead, ...corners, 'score', 'class'];
  if (areIds(fifth) && areScores(last)) return [...lead, ...corners, 'class', 'score'];
  throw new Refusal(
    'What the columns of the rows mean did not show: nothing was detected on the pictures tried. Give one with something in it by --golden FILE, or say --columns x1,y1,x2,y2,score,class (YOLOv10) or batch,x1,y1,x2,y2,class,score (YOLOv7).',
    { flag: '--columns' },
  );
}

function planLists(
  entries: readonly (readonly [string, NumberTensor])[],
  runs: readonly Outputs[],
  size: PictureSize,
  named: number | undefined,
  options: ImportOptions,
  note: Note,
): ListsPlan {
  const byName = (pattern: RegExp) => entries.find(([name]) => pattern.test(name))?.[0];
  const scored = entries.find(([, { dims }]) => dims.at(-1) === 5)?.[0];
  const boxes = scored ?? byName(/box/i) ?? entries.find(([, { dims }]) => dims.at(-1) === 4)?.[0];
  const boxed = entries
    .find(([name]) => name === boxes)?.[1]
    .dims.slice(0, -1)
    .join();
  // Exporters that number the outputs leave only this: one value a box, ids whole and scores not.
  const only = (isIds: boolean) => {
    const found = entries.filter(([, { dims, type }]) => dims.join() === boxed && /int/.test(type) === isIds);
    return found.length === 1 ? found[0]?.[0] : undefined;
  };
  const scores = scored ?? byName(/score|conf/i) ?? only(false);
  const classIds = byName(/class|label|cls/i) ?? only(true);
  const count = byName(/num/i);
  if (boxes === undefined || scores === undefined || classIds === undefined) {
    throw new Refusal(
      `Boxes, scores and classes are not to be told apart in ${shapes(Object.fromEntries(entries))}. Where boxes and the scores of all classes are among them, say --head ssd --output BOXES --output SCORES, and Outboard suppresses; else name the outputs at export (boxes, scores, labels).`,
      { flag: '--output' },
    );
  }
  const isTensorFlow = /detection_boxes/.test(boxes);
  const all = (name: string) => runs.flatMap((run) => [...(run[name]?.data ?? [])]);
  const firstClass = options.firstClass ?? (isTensorFlow ? 1 : 0);
  const format = options.boxFormat ?? (isTensorFlow ? 'yxyx' : 'xyxy');
  if (options.boxFormat === undefined)
    note(
      `box format: ${format}, ${isTensorFlow ? 'by the names TensorFlow gives' : 'assumed; or --box-format'}.`,
    );
  if (options.firstClass === undefined)
    note(
      `first class: ${firstClass}${isTensorFlow ? ', as TensorFlow counts' : ', assumed; or --first-class'}.`,
    );
  return {
    head: 'end-to-end',
    form: 'lists',
    boxes,
    scores,
    classIds,
    count,
    hasBatchAxis: entries.find(([name]) => name === boxes)?.[1].dims.length === 3,
    firstClass,
    classes: named ?? classesSeen(all(classIds), firstClass, options, note),
    format,
    units: unitsOf(
      scored === undefined ? all(boxes) : all(boxes).filter((_, at) => at % 5 < 4),
      options,
      note,
    ),
    ...size,
  };
}

/** A model that gives ids alone does not say how many there are; the labels do. */
function classesSeen(ids: readonly number[], firstClass: number, options: ImportOptions, note: Note): number {
  const seen = ids.reduce((top, id) => Math.max(top, id - firstClass + 1), 1);
  if (options.labels === undefined)
    note(`classes: at least ${seen}, the highest seen; the labels would say how many.`);
  return seen;
}
