/**
 * Arrivals of one's own: a CSV file with `time_s,work_s` a line, times rising, a header line allowed. Read line by line,
 * so that its size does not matter.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Arrival } from './traces.ts';

/** @throws Error that names the line, when it is no pair of numbers, is negative or goes back in time. */
export function* csvTrace(file: string): Generator<Arrival> {
  let number = 0;
  let last = 0;
  for (const line of lines(file)) {
    number++;
    if (line.trim() === '' || (number === 1 && /[a-z]/i.test(line))) continue;
    const [at, work, ...more] = line
      .split(',')
      .map((field) => (field.trim() === '' ? Number.NaN : Number(field)));
    const wrong = (what: string): Error => new Error(`${file}, line ${number}: ${what}: ${line.trim()}`);
    if (at === undefined || work === undefined || more.length > 0) throw wrong('not two columns');
    if (!(at >= 0) || !(work > 0) || !Number.isFinite(at + work)) {
      throw wrong('not a time of at least 0 and a work above 0, in seconds');
    }
    if (at < last) throw wrong('earlier than the line before');
    last = at;
    yield { at, work };
  }
}

function* lines(file: string): Generator<string> {
  const open = openSync(file, 'r');
  try {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(65_536);
    let rest = '';
    for (let size = readSync(open, chunk); size > 0; size = readSync(open, chunk)) {
      const parts = (rest + decoder.decode(chunk.subarray(0, size), { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(open);
  }
}
