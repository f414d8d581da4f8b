/** Chance that a seed decides, so that a run can be repeated. */

/** Numbers in [0, 1) (Lehmer). */
export function seededRandom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export class Dice {
  readonly roll: () => number;

  constructor(seed: number) {
    this.roll = seededRandom(seed);
    // The first numbers of near seeds are near each other.
    for (let skipped = 0; skipped < 8; skipped += 1) this.roll();
  }

  /** @returns `least` to `most`, both included */
  whole(least: number, most: number): number {
    return least + Math.floor(this.roll() * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.roll() < share;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.roll() * choices.length)] ?? choices[0];
  }
}
