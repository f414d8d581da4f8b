/**
 * Which output of a classifier holds a score for each class. Outputs that have lost the scores (the best class alone, the
 * best five) or hold one for each place of the picture look much the same and would give answers about nothing.
 */
import { madeBy } from '../onnx/made-by.ts';
import { readModel } from '../onnx/model-file.ts';
import { Refusal } from '../refusal.ts';
import type { ImportOptions } from './options.ts';
import type { Subject } from './subject.ts';

/** Operators after which the scores of the other classes are gone. */
const PICKS = new Set(['ArgMax', 'TopK']);

export async function scoresOutput(subject: Subject, options: ImportOptions): Promise<string> {
  const { outputs, path } = subject;
  const [asked] = options.output ?? [];
  const candidates = outputs.filter(({ type }) => type === undefined || type.startsWith('float'));
  if (asked === undefined && candidates.length > 1) {
    const names = outputs.map(({ name }) => name).join(', ');
    throw new Refusal(
      `The model has several outputs (${names}). Say which holds the scores: --output NAME.`,
      {
        flag: '--output',
      },
    );
  }
  const output = asked ?? candidates[0]?.name ?? outputs[0]?.name ?? '';
  const maker = madeBy((await readModel(path)).graph, output);
  if (PICKS.has(maker?.op_type ?? '')) {
    const scores = maker?.input[0];
    throw new Refusal(
      `The output ${output} holds only what ${maker?.op_type} picked, not a score for each class. Say --output ${scores}, from which it picked.`,
      { flag: '--output' },
    );
  }
  if (asked === undefined && candidates.length === 0) {
    throw new Refusal(
      `The output ${output} holds whole numbers and no scores. Say --output NAME of a value that does.`,
      {
        flag: '--output',
      },
    );
  }
  return output;
}

/** @param dims of the answer, the batch first · @throws Refusal where there is more than one axis of numbers */
export function refuseMap(output: string, dims: readonly number[]): void {
  if (dims.slice(1).filter((size) => size > 1).length < 2) return;
  throw new Refusal(
    `The output ${output} is [${dims.join(', ')}], numbers for many places and not one for each class; that is no classifier (segmentation is no task here).`,
  );
}
