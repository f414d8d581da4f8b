/**
 * The files of jobs that have not been given memory for their pixels yet. Nobody knows a file's size before it is here, so each
 * fetch is taken to bring the largest that is allowed, and counts as what it brought from then on: many small files
 * come in at once, large ones few at a time.
 */
import type { MemoryGate } from './memory-gate.ts';

export interface Fetched {
  readonly source: Buffer;
  /** The file is counted elsewhere from now on, or gone. */
  leave(): void;
}

export class Door {
  readonly #gate: Pick<MemoryGate, 'enter' | 'hold'>;
  readonly #largest: number;

  /** @param largest file that `fetch` may bring, bytes; at most what the gate has */
  constructor(gate: Pick<MemoryGate, 'enter' | 'hold'>, largest: number) {
    this.#gate = gate;
    this.#largest = largest;
  }

  /** @throws what `fetch` throws, and the signal's reason */
  async fetch(fetch: () => Promise<Buffer>, signal: AbortSignal): Promise<Fetched> {
    const giveBack = await this.#gate.enter({ memory: this.#largest, disk: 0 }, signal);
    try {
      const source = await fetch();
      return { source, leave: this.#gate.hold({ memory: source.length, disk: 0 }) };
    } finally {
      giveBack();
    }
  }
}
