/**
 * Where an emulator is known to do otherwise than AWS. A test listed here must fail on that emulator: when it begins to
 * pass, the check fails until the line is taken off. docs/emulators.md is made from this list.
 */
export interface Difference {
  readonly engine: string;
  /** Suite › test. */
  readonly test: string;
  /** What the emulator does, and what AWS documents. */
  readonly why: string;
}

const differences: readonly Difference[] = [];

export const differencesOf = (engine: string): readonly Difference[] =>
  differences.filter((difference) => difference.engine === engine);
