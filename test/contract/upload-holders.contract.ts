/** What a table must do for uploads that several jobs use: the last one to leave, and nobody else, may erase the file. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UploadHolders } from '../../shared/aws/upload-holders.ts';

interface Stores {
  readonly holders: UploadHolders;
  close(): Promise<void>;
}

const NOW = new Date('2031-03-01T12:00:00.000Z');
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

export function uploadHoldersContract(where: string, open: () => Promise<Stores>): void {
  describe(`the holders of uploads (${where})`, () => {
    let stores: Stores;
    const used: { key: string; by: string[] }[] = [];
    beforeAll(async () => {
      stores = await open();
    });
    afterAll(async () => {
      for (const { key, by } of used) {
        for (const holder of by) await stores.holders.release(key, holder, later(600));
        await stores.holders.forget(key);
      }
      await stores.close();
    });

    function upload() {
      const key = `uploads/tenant/${randomUUID()}`;
      const by: string[] = [];
      used.push({ key, by });
      const { holders } = stores;
      return {
        hold: (holder: string, now = NOW, once = false) => {
          by.push(holder);
          return holders.hold(key, holder, now, { once });
        },
        release: (holder: string, now = NOW) => holders.release(key, holder, now),
        forget: () => holders.forget(key),
      };
    }

    it('lets go with the last holder, in whatever order they leave', async () => {
      for (const order of [
        ['a', 'b', 'c'],
        ['c', 'a', 'b'],
      ] as const) {
        const { hold, release } = upload();
        for (const holder of ['a', 'b', 'c']) expect(await hold(holder)).toBe('held');
        expect(await release(order[0])).toBe(false);
        expect(await release(order[1])).toBe(false);
        expect(await release(order[2])).toBe(true);
      }
    });

    it('counts a holder once, however often it holds or leaves', async () => {
      const { hold, release } = upload();
      for (const holder of ['a', 'a', 'b', 'a']) expect(await hold(holder)).toBe('held');
      expect(await release('a')).toBe(false);
      expect(await release('a')).toBe(false);
      expect(await release('b')).toBe(true);
      expect(await release('b')).toBe(true);
    });

    it('says of a file that nobody ever held that it may go', async () => {
      expect(await upload().release('a')).toBe(true);
    });

    it('keeps the file of a holder from one who never held it', async () => {
      const { hold, release } = upload();
      await hold('a');
      expect(await release('stranger')).toBe(false);
      expect(await release('a')).toBe(true);
    });

    it('takes nobody while the file is erased, and anybody once that is done', async () => {
      const { hold, release, forget } = upload();
      await hold('a');
      await release('a');
      expect(await hold('b')).toBe('leaving');
      await forget();
      expect(await hold('b')).toBe('held');
    });

    it('takes holders again where whoever erased the file died over it', async () => {
      const { hold, release } = upload();
      await hold('a');
      await release('a');
      expect(await hold('b', later(59))).toBe('leaving');
      expect(await hold('b', later(61))).toBe('held');
      expect(await release('a', later(62))).toBe(false);
    });

    it('is not forgotten while somebody holds it', async () => {
      const { hold, release, forget } = upload();
      await hold('a');
      await forget();
      expect(await release('stranger')).toBe(false);
    });

    it('refuses one who left and must hold once only, and tells that from a file that is erased', async () => {
      const { hold, release } = upload();
      expect(await hold('a', NOW, true)).toBe('held');
      expect(await hold('a', NOW, true)).toBe('held');
      await hold('b');
      await release('a');
      expect(await hold('a', NOW, true)).toBe('left');
      expect(await hold('a')).toBe('held');
      await release('a');
      await release('b');
      expect(await hold('c', NOW, true)).toBe('leaving');
    });

    it('has a last holder, however many leave at once', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { hold, release } = upload();
        const all = Array.from({ length: 6 }, (_, index) => `job ${index}`);
        await Promise.all(all.map((holder) => hold(holder)));
        const last = await Promise.all(all.map((holder) => release(holder)));
        expect(last.filter(Boolean).length, String(last)).toBeGreaterThanOrEqual(1);
        expect(await hold('late')).toBe('leaving');
      }
    });
  });
}
