/**
 * What a model wants of a picture's numbers. The tool never guesses these constants for classifiers and detectors: a
 * wrong mean gives wrong answers that look right.
 */
import type { Layout } from '../signature.ts';

/** The range that 0 to 255 is brought into, before mean and deviation. */
export type Scale = '0-1' | '0-255' | '-1-1';

export interface Preprocessing {
  readonly layout: Layout;
  /** 1: the model takes brightness alone. */
  readonly channels: 1 | 3;
  readonly order: 'rgb' | 'bgr';
  readonly scale: Scale;
  /** One value for each channel in the model's own order, in units of `scale`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Type of the model's input. */
  readonly type: string;
}

/** value = pixel × gain + offset */
export const ranges: Readonly<Record<Scale, { readonly gain: number; readonly offset: number }>> = {
  '0-1': { gain: 1 / 255, offset: 0 },
  '0-255': { gain: 1, offset: 0 },
  '-1-1': { gain: 1 / 127.5, offset: -1 },
};

/** Weights of red, green and blue in brightness (BT.601), which is also what grey-scale conversion means. */
export const BRIGHTNESS = [0.299, 0.587, 0.114] as const;
