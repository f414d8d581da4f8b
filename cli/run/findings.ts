/** What a classifier or a detector found, as a table for a person. */
import type { Job } from '../../client/outboard.ts';
import { tableText } from '../table.ts';

/** @returns undefined for a job whose result is a picture */
export function findings({ output }: Job): string | undefined {
  if (output === undefined) return undefined;
  if ('predictions' in output) {
    return tableText(
      ['LABEL', 'SCORE'],
      output.predictions.map(({ label, score }) => [label, score.toFixed(3)]),
    );
  }
  if ('detections' in output) {
    const header = ['LABEL', 'SCORE', 'X', 'Y', 'WIDTH', 'HEIGHT'];
    const rows = output.detections.map(({ label, score, box: { x, y, width, height } }) => [
      label,
      score.toFixed(3),
      ...[x, y, width, height].map((pixels) => pixels.toFixed(0)),
    ]);
    return rows.length === 0 ? 'nothing found' : tableText(header, rows);
  }
  return undefined;
}
