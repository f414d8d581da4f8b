import { describe, expect, it } from 'vitest';
import { classesDrift, detectionsDrift, pictureDrift } from '../../gpu-worker/tensor/drift.ts';

const ranked = (class_ids: number[], scores: number[]) => ({ class_ids, scores });

describe('drift of pictures', () => {
  it('is the largest difference of a level, and infinite for another size', () => {
    expect(pictureDrift(Uint8Array.of(1, 250, 3), Uint8Array.of(1, 247, 4))).toBe(3);
    expect(pictureDrift(Uint8Array.of(1), Uint8Array.of(1, 1))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('drift of classes', () => {
  it('is the largest difference of a score', () => {
    expect(classesDrift(ranked([3, 1], [0.7, 0.2]), ranked([3, 1], [0.65, 0.2]), 1e-3)).toBeCloseTo(0.05);
  });

  it('lets classes change places only where their scores tie', () => {
    expect(classesDrift(ranked([3, 1], [0.5, 0.4999]), ranked([1, 3], [0.5, 0.4999]), 1e-3)).toBeLessThan(
      1e-3,
    );
    expect(classesDrift(ranked([3, 1], [0.7, 0.2]), ranked([1, 3], [0.7, 0.2]), 1e-3)).toBeCloseTo(0.5);
  });

  it('takes another class at the last rank for a tie only if its score is the last', () => {
    expect(classesDrift(ranked([3, 1], [0.7, 0.2]), ranked([3, 9], [0.7, 0.2]), 1e-3)).toBe(0);
    expect(classesDrift(ranked([3, 1], [0.7, 0.2]), ranked([9, 1], [0.7, 0.2]), 1e-3)).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  it('counts NaN as far away', () => {
    expect(classesDrift(ranked([0], [0.5]), ranked([0], [Number.NaN]), 1e-3)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('drift of detections', () => {
  const row = (id: number, score: number, x = 0) => [id, score, x, 0, x + 10, 10];

  it('pairs each row with the nearest of its class, in any order', () => {
    const expected = [row(1, 0.9), row(1, 0.8, 50), row(2, 0.7)];
    const actual = [row(2, 0.7), row(1, 0.8, 50.25), row(1, 0.91)];
    const { score, pixels } = detectionsDrift(expected, actual);
    expect(score).toBeCloseTo(0.01);
    expect(pixels).toBe(0.25);
  });

  it('is infinite where one is missing, too many, or of another class', () => {
    for (const actual of [[], [row(1, 0.9), row(1, 0.9)], [row(2, 0.9)]]) {
      expect(detectionsDrift([row(1, 0.9)], actual).pixels).toBe(Number.POSITIVE_INFINITY);
    }
  });
});
