/** What a torture run has to show at its end: for each job whether it ended as it must, and for the stores that they hold no more. */
import type { ObjectStore } from '../../shared/aws/object-store.ts';
import { isTerminal, type Job } from '../../shared/job.ts';
import { codeOf } from './broken.ts';
import type { Sent } from './client.ts';
import { compare } from './compare.ts';

/** What a client did to a job, and what it was answered. */
export interface Change {
  readonly kind: 'cancel' | 'erase';
  readonly status: number;
}

export type End = Job['status'] | 'refused' | 'erased';

export const endOf = ({ refused }: Sent, row: Job | undefined): End =>
  refused !== undefined ? 'refused' : (row?.status ?? 'erased');

/** @returns what is wrong with how the job ended, or undefined */
export function wrongEnd(sent: Sent, row: Job | undefined, change: Change | undefined): string | undefined {
  const { picture } = sent.planned;
  const end = endOf(sent, row);
  const code = sent.refused ?? row?.error?.code ?? '';
  if (typeof picture === 'string') {
    const isRight = (end === 'failed' || end === 'refused') && codeOf(picture).test(code);
    return isRight ? undefined : `${picture} is ${end} (${code})`;
  }
  if (row !== undefined && !isTerminal(row.status)) return `is still ${row.status}`;
  // A change that came too late was refused, and the job ended as any other.
  const allowed: End[] =
    change === undefined || change.status === 409
      ? ['succeeded']
      : change.kind === 'cancel'
        ? ['canceled']
        : ['erased'];
  return allowed.includes(end) ? undefined : `is ${end} (${code}), not ${allowed}`;
}

/** Compares the answer of a job that succeeded. */
export async function wrongAnswer(
  { planned, source }: Sent,
  { id, output, fence }: Job,
  results: Pick<ObjectStore, 'get'>,
): Promise<string | undefined> {
  if (output === undefined) return 'has no output';
  const files: Record<string, Buffer> = {};
  for (const [role, { key, bytes }] of Object.entries(output.files)) {
    if (!key.startsWith(`results/${id}/${fence}/`)) return `${role} is not of its last attempt: ${key}`;
    const file = await results.get(key, Number.POSITIVE_INFINITY);
    if (file.length !== bytes) return `${role} has ${file.length} bytes, not ${bytes}`;
    files[role] = file;
  }
  return compare(planned, source, output, files);
}

/** Objects that no job needs. @param keys all of both buckets */
export function strangers(
  keys: { readonly uploads: readonly string[]; readonly results: readonly string[] },
  rows: ReadonlyMap<string, Job>,
): string[] {
  const jobs = [...rows.values()];
  const inputs = new Set(jobs.flatMap(({ input }) => (input.kind === 'object' ? [input.key] : [])));
  const outputs = new Set(
    jobs.flatMap(({ output }) => Object.values(output?.files ?? {}).map(({ key }) => key)),
  );
  return [
    ...keys.uploads.filter((key) => !inputs.has(key)),
    ...keys.results.filter((key) => !outputs.has(key)),
  ];
}

/** Counts by two names, as a table. */
export function table(head: string, counts: readonly (readonly [row: string, column: string])[]): string {
  const columns = [...new Set(counts.map(([, column]) => column))].sort();
  const rows = [...new Set(counts.map(([row]) => row))].sort();
  const count = (row: string, column: string) =>
    counts.filter((pair) => pair[0] === row && pair[1] === column).length;
  const lines = rows.map((row) => [row, ...columns.map((column) => String(count(row, column) || ''))]);
  const all = [[head, ...columns], ['---', ...columns.map(() => '---:')], ...lines];
  return all.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
