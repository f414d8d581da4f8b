/** What the worker may rely on in the cache of answers. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PredictionCache } from '../../shared/aws/prediction-cache.ts';

export interface PredictionCacheUnderTest {
  /** A cache whose answers last this long. */
  lasting(seconds: number): PredictionCache;
  readonly withoutTable: PredictionCache;
  /** Erases a row of the table. */
  erase(id: string): Promise<void>;
  close(): Promise<void>;
}

const facts = {
  predictions: [
    { label: 'ship', class_id: 8, score: 0.1 + 0.2 },
    { label: 'Käfer "1"', class_id: 0, score: 1.1754943508222875e-38 },
  ],
  detections: [{ box: { x: -0.5, y: 0, width: 1_920, height: 1_080.25 } }],
  empty: [],
};

export function predictionCacheContract(name: string, open: () => Promise<PredictionCacheUnderTest>): void {
  describe(`the prediction cache (${name})`, () => {
    let under: PredictionCacheUnderTest;
    const written = new Set<string>();

    beforeAll(async () => {
      under = await open();
    });
    afterAll(async () => {
      await Promise.all([...written].map((key) => under.erase(`prediction_${key}`)));
      await under.close();
    });

    function newKey(): string {
      const key = randomUUID();
      written.add(key);
      return key;
    }

    it('gives back exactly what was stored, numbers to their last digit', async () => {
      const cache = under.lasting(60);
      const key = newKey();
      expect(await cache.get(key)).toBeUndefined();
      await cache.put(key, facts);
      expect(await cache.get(key)).toEqual(facts);
    });

    it('gives each of many who ask at once their own answer, more than one call takes', async () => {
      const cache = under.lasting(60);
      const keys = Array.from({ length: 130 }, newKey);
      await Promise.all(keys.map((key, number) => cache.put(key, { number })));
      const unknown = newKey();
      // Two ask the same.
      const asked = [...keys, unknown, keys[7] ?? ''];
      const answers = await Promise.all(asked.map((key) => cache.get(key)));
      expect(answers).toEqual([...keys.map((_, number) => ({ number })), undefined, { number: 7 }]);
    });

    it('knows an answer before it is in the table', async () => {
      const cache = under.lasting(60);
      const key = newKey();
      const kept = cache.put(key, facts);
      expect(await cache.get(key)).toEqual(facts);
      await kept;
    });

    it('keeps the later of two answers to one question', async () => {
      const cache = under.lasting(60);
      const key = newKey();
      await cache.put(key, facts);
      await cache.put(key, { predictions: [] });
      expect(await cache.get(key)).toEqual({ predictions: [] });
    });

    it('uses no answer beyond its time, although the row is still there', async () => {
      const key = newKey();
      await under.lasting(-1).put(key, facts);
      expect(await under.lasting(60).get(key)).toBeUndefined();
    });

    it('stores nothing where answers last no time', async () => {
      const key = newKey();
      await under.lasting(0).put(key, facts);
      expect(await under.lasting(60).get(key)).toBeUndefined();
    });

    it('costs nobody an error where the table does not answer', async () => {
      const key = newKey();
      await under.withoutTable.put(key, facts);
      expect(await under.withoutTable.get(key)).toBeUndefined();
    });
  });
}
