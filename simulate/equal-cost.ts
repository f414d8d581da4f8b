/**
 * Makes a comparison fair: the baseline's one free number is moved until it costs what the other policy costs, and only
 * then are the waiting times compared.
 */
import type { Outcome } from './simulation.ts';

export interface EqualCost {
  readonly parameter: number;
  readonly outcome: Outcome;
}

const HALVINGS = 16;
const CLOSE_ENOUGH = 0.003;

/**
 * The parameter in [low, high] (searched by halving its logarithm) with which `run`, whose cost falls as the parameter
 * grows, costs closest to `cost`. When even the cheapest end costs more, that end: see the outcome's own cost.
 */
export function atEqualCost(
  run: (parameter: number) => Outcome,
  cost: number,
  [low, high]: readonly [number, number],
): EqualCost {
  let best: EqualCost | undefined;
  const consider = (parameter: number): Outcome => {
    const outcome = run(parameter);
    if (best === undefined || Math.abs(outcome.cost - cost) < Math.abs(best.outcome.cost - cost)) {
      best = { parameter, outcome };
    }
    return outcome;
  };
  let [from, to] = [Math.log(low), Math.log(high)];
  consider(high);
  for (let halving = 0; halving < HALVINGS; halving++) {
    if (best !== undefined && Math.abs(best.outcome.cost / cost - 1) < CLOSE_ENOUGH) break;
    const middle = (from + to) / 2;
    if (consider(Math.exp(middle)).cost > cost) from = middle;
    else to = middle;
  }
  return best as unknown as EqualCost;
}
