/**
 * One readable line for each line a child process prints: its JSON logs become time, level, text and the fields
 * that matter; what is not JSON passes through, unless the part's filter drops it.
 */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

type Print = (line: string) => void;

const DULL = new Set(['level', 'time', 'service', 'msg', 'err', 'stack', '_aws', 'Stage']);
/** Lines that only CloudWatch reads. */
const FOR_CLOUD = new Set(['workers as before', 'metrics of the last minute']);

function formatLine(part: string, line: string): string {
  const label = part.padEnd(7);
  const log = readLog(line);
  if (log === undefined) return `${label} ${line}`;
  const time = String(log.time ?? '').slice(11, 19);
  const fields = Object.entries(log)
    .filter(([name, value]) => !DULL.has(name) && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
  const error =
    log.err !== null && typeof log.err === 'object' && 'message' in log.err ? [`(${log.err.message})`] : [];
  const level = log.level === 'info' ? '' : `${String(log.level).toUpperCase()} `;
  return [`${label} ${time} ${level}${log.msg ?? ''}`, ...fields, ...error].join('  ').trimEnd();
}

function readLog(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const log: unknown = JSON.parse(line);
    return log !== null && typeof log === 'object' && 'msg' in log
      ? (log as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** @param keep which lines that are not JSON logs are worth showing */
export function printOutput(
  part: string,
  child: ChildProcess,
  print: Print,
  keep: (line: string) => boolean,
): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      const log = readLog(line);
      if (log === undefined ? keep(line) : !FOR_CLOUD.has(String(log.msg))) print(formatLine(part, line));
    });
  }
}
