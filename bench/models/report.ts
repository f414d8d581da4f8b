/** Classifiers and a detector as tables: the ratios, and beside them the figures that they are made of. */
import { median } from '../median.ts';
import type { Results } from '../run.ts';
import { columnMeanings, shares, shareTable } from '../shares.ts';
import { figure, table } from '../tables.ts';
import { type ModelFigures, type ModelTurn, modelPartsMs } from './measure.ts';

const shareRow = ({ title, reason, repeats }: ModelFigures, cores: number) => {
  const turns = repeats.map(({ parts, load }) => {
    return { partsMs: modelPartsMs(parts), rawPerSecond: parts.raw?.perSecond, load };
  });
  return [title, reason === undefined ? shares(turns, cores) : `not measured: ${reason}`] as const;
};

function partsRow({ title, repeats }: ModelFigures): string[] {
  const of = (read: (turn: ModelTurn) => number) => {
    const value = median(repeats.map(read));
    return Number.isNaN(value) ? '' : figure(value);
  };
  return [
    title,
    of(({ parts }) => parts.raw?.perSecond ?? Number.NaN),
    of(({ parts }) => parts.raw?.perSecondByClock ?? Number.NaN),
    of(({ parts }) => parts.inference),
    of(({ parts }) => parts.picture),
    of(({ parts }) => parts.services),
    figure(Math.max(...repeats.map(({ load }) => load.loopP99Ms))),
  ];
}

export function models({ models: figures, machine: { cores } }: Pick<Results, 'models' | 'machine'>): string {
  const measured = figures.filter(({ reason }) => reason === undefined);
  return `## Classifiers and a detector

How much of what the machine could do at most reaches the client, where a job is small: a JPEG of 640×480 in, classes or boxes out. Both
classifiers have random weights, which cost what learnt ones do, and take 224×224; YOLOX-nano is its authors' file and takes 416×416. All were packaged by
\`outboard model import\`. The parts of a job are the run of its graph, its picture from the header to the model's input, and its calls of SQS,
DynamoDB and S3 with as many jobs a call as these take. The worker chooses how many jobs it has in hand. No two jobs share an answer, but in the
last row: there every job asks what was asked before, no model runs, and all is done by the main thread, so one core is the most it keeps busy.

${columnMeanings(cores)}

${shareTable(figures.map((row) => shareRow(row, cores)))}

${table(
  [
    'CPU ms a job',
    'raw onnxruntime, runs/s',
    'by the clock',
    'inference',
    'picture',
    'SQS, DynamoDB, S3',
    'main thread p99 under load, ms',
  ],
  measured.map(partsRow),
)}
`;
}
