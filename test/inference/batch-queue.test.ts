/**
 * Which batch is formed when: the rules one by one, then hours of random load on a device with a virtual clock. The
 * device here takes a stated time for each run, whatever is in it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BatchQueue,
  type LaneState,
  type Turn,
  type Waiting,
} from '../../gpu-worker/inference/batch-queue.ts';

interface Piece extends Waiting {
  readonly name: string;
}

const lane = (key: string, size: number, batchMs = 100): LaneState => ({ key, size, batchMs });
const turnOf = (tenant: string, changes: Partial<Turn> = {}): Turn => ({
  tenant,
  job: `job of ${tenant}`,
  priority: 'normal',
  deadline: 1_000_000,
  ...changes,
});

function pieces(of: LaneState, turn: Turn, count: number, since = 0): Piece[] {
  return Array.from({ length: count }, (_, index) => ({
    lane: of,
    turn,
    since,
    name: `${turn.job} ${index}`,
  }));
}

function queueOf(...items: readonly Piece[]): BatchQueue<Piece> {
  const queue = new BatchQueue<Piece>();
  for (const item of items) queue.add(item);
  return queue;
}

const tenants = (items: readonly Piece[] | undefined) => (items ?? []).map(({ turn }) => turn.tenant).sort();

describe('a batch', () => {
  it('is formed at once when it is full', () => {
    const queue = queueOf(...pieces(lane('x', 4), turnOf('a'), 9));
    expect(queue.take(0, false)?.items).toHaveLength(4);
    expect(queue.take(0, false)?.items).toHaveLength(4);
    expect(queue.take(0, false)).toBeUndefined();
  });

  it('is formed of what there is when the device would idle', () => {
    const queue = queueOf(...pieces(lane('x', 4), turnOf('a'), 3));
    expect(queue.take(0, false)).toBeUndefined();
    expect(queue.take(0, true)?.items).toHaveLength(3);
  });

  it('is formed of what there is once the oldest has waited as long as a batch takes', () => {
    const queue = queueOf(...pieces(lane('x', 4, 100), turnOf('a'), 1, 50));
    expect(queue.nextRipe()).toBe(150);
    expect(queue.take(149, false)).toBeUndefined();
    expect(queue.take(150, false)?.items).toHaveLength(1);
    expect(queue.nextRipe()).toBeUndefined();
  });

  it('that is full goes before one that would only keep the device from idling', () => {
    const [part, full] = [lane('part', 4), lane('full', 4)];
    const queue = queueOf(...pieces(part, turnOf('a', { deadline: 1 }), 3), ...pieces(full, turnOf('b'), 4));
    expect(queue.take(0, true)?.lane).toBe(full);
    expect(queue.take(0, true)?.lane).toBe(part);
  });

  it('holds items of several jobs and tenants, the earlier deadline first where nobody was served yet', () => {
    const x = lane('x', 2);
    const queue = queueOf(
      ...pieces(x, turnOf('late', { deadline: 9 }), 2),
      ...pieces(x, turnOf('soon', { deadline: 5 }), 1),
      ...pieces(x, turnOf('sooner', { deadline: 3 }), 1),
    );
    expect(tenants(queue.take(0, false)?.items)).toEqual(['soon', 'sooner']);
  });

  it('leaves out what was taken back', () => {
    const [first, second] = pieces(lane('x', 1), turnOf('a'), 2) as [Piece, Piece];
    const queue = queueOf(first, second);
    expect(queue.remove(first)).toBe(true);
    expect(queue.remove(first)).toBe(false);
    expect(queue.take(0, false)?.items).toEqual([second]);
    expect(queue.depths()).toEqual([]);
  });
});

describe('tenants', () => {
  it('share each batch by weight, however much one of them brings', () => {
    const x = lane('x', 4);
    const queue = new BatchQueue<Piece>((tenant) => (tenant === 'heavy' ? 3 : 1));
    for (const item of [...pieces(x, turnOf('heavy'), 300), ...pieces(x, turnOf('light'), 300)])
      queue.add(item);
    const served = Array.from({ length: 50 }, () => tenants(queue.take(0, false)?.items)).flat();
    expect(served.filter((tenant) => tenant === 'heavy')).toHaveLength(150);
  });

  it('share the device by time, not by items, where their lanes differ', () => {
    const [quick, slow] = [lane('quick', 1, 10), lane('slow', 1, 90)];
    const queue = queueOf(...pieces(quick, turnOf('a'), 500), ...pieces(slow, turnOf('b'), 500));
    const spent = { a: 0, b: 0 };
    for (let run = 0; run < 200; run += 1) {
      const batch = queue.take(0, false);
      spent[batch?.items[0]?.turn.tenant as 'a' | 'b'] += batch?.lane.batchMs ?? 0;
    }
    expect(Math.abs(spent.a - spent.b)).toBeLessThanOrEqual(90);
  });

  it('save nothing up while they are away', () => {
    const x = lane('x', 1);
    const queue = queueOf(...pieces(x, turnOf('a'), 200));
    for (let run = 0; run < 100; run += 1) queue.take(0, false);
    for (const item of pieces(x, turnOf('b'), 50)) queue.add(item);
    const served = Array.from({ length: 20 }, () => tenants(queue.take(0, false)?.items)).flat();
    expect(served.filter((tenant) => tenant === 'b').length).toBeLessThanOrEqual(11);
  });

  it('wait a few batch times for one tile behind a thousand of another', () => {
    const batchMs = 100;
    const x = lane('x', 8, batchMs);
    const crowd = pieces(x, turnOf('a'), 1_000).map((item) => ({ at: 0, item }));
    const [one] = pieces(x, turnOf('b', { deadline: 2_000_000 }), 1, 1_030) as [Piece];
    const { ended } = drive([...crowd, { at: 1_030, item: one }], 2, 2);
    expect((ended.get(one) ?? Number.NaN) - 1_030).toBeLessThanOrEqual(3 * batchMs);
    expect(Math.max(...ended.values())).toBe(Math.ceil(1_001 / 8 / 2) * batchMs);
  });

  it('have their own jobs share their part', () => {
    const x = lane('x', 1);
    const queue = queueOf(
      ...pieces(x, turnOf('a', { job: 'large', deadline: 1 }), 100),
      ...pieces(x, turnOf('a', { job: 'small', deadline: 2 }), 2),
    );
    const order = Array.from({ length: 5 }, () => queue.take(0, false)?.items[0]?.turn.job);
    expect(order).toEqual(['large', 'small', 'large', 'small', 'large']);
  });
});

describe('priority batch', () => {
  const idle = turnOf('idle', { priority: 'batch', deadline: 0 });

  it('runs when nothing else waits', () => {
    const queue = queueOf(...pieces(lane('x', 2), idle, 2));
    expect(queue.take(0, false)?.items).toHaveLength(2);
  });

  it('waits while anything else does, in whatever lane, full or not', () => {
    const queue = queueOf(...pieces(lane('x', 2), idle, 2), ...pieces(lane('y', 2), turnOf('a'), 1, 1_000));
    expect(queue.take(1_000, false)).toBeUndefined();
    expect(tenants(queue.take(1_000, true)?.items)).toEqual(['a']);
    expect(tenants(queue.take(1_000, false)?.items)).toEqual(['idle', 'idle']);
  });

  it('takes places that would stay empty, and those only', () => {
    const x = lane('x', 3);
    const queue = queueOf(...pieces(x, idle, 3), ...pieces(x, turnOf('a'), 5));
    expect(tenants(queue.take(0, false)?.items)).toEqual(['a', 'a', 'a']);
    expect(tenants(queue.take(0, false)?.items)).toEqual(['a', 'a', 'idle']);
  });
});

interface Arrival {
  readonly at: number;
  readonly item: Piece;
}

interface Run {
  readonly start: number;
  readonly items: readonly Piece[];
  readonly size: number;
  readonly wouldIdle: boolean;
  readonly othersWaited: boolean;
}

/** A device of so many threads with two slots each, on a clock of its own, until everything has run. */
function drive(arrivals: readonly Arrival[], threads: number, slots = 2) {
  const queue = new BatchQueue<Piece>();
  const pending = arrivals.toSorted((a, b) => a.at - b.at);
  const inHand = Array.from({ length: threads }, (): number[] => []);
  const ended = new Map<Piece, number>();
  const runs: Run[] = [];
  const waiting = new Set<Piece>();
  for (let now = 0; pending.length > 0 || waiting.size > 0; ) {
    while (pending[0] !== undefined && pending[0].at <= now) {
      const { item } = pending.shift() as Arrival;
      waiting.add(item);
      queue.add(item);
    }
    for (;;) {
      const thread = inHand.reduce((best, other) => (other.length < best.length ? other : best));
      if (thread.length >= slots) break;
      const wouldIdle = thread.length === 0;
      const batch = queue.take(now, wouldIdle);
      if (batch === undefined) break;
      const othersWaited = [...waiting].some(({ turn }) => turn.priority === 'normal');
      const end = Math.max(now, thread.at(-1) ?? 0) + batch.lane.batchMs;
      thread.push(end);
      runs.push({ start: now, items: batch.items, size: batch.lane.size, wouldIdle, othersWaited });
      for (const item of batch.items) {
        if (!waiting.delete(item)) throw new Error(`${item.name} ran twice`);
        ended.set(item, end);
      }
    }
    const next = [pending[0]?.at, ...inHand.flat(), queue.nextRipe()].filter(
      (time) => time !== undefined && time > now,
    ) as number[];
    if (next.length === 0) {
      if (waiting.size > 0) throw new Error(`${waiting.size} items wait for ever`);
      break;
    }
    now = Math.min(...next);
    for (const thread of inHand) while (thread[0] !== undefined && thread[0] <= now) thread.shift();
  }
  return { ended, runs };
}

const LANES = [lane('one', 1, 40), lane('four', 4, 100), lane('eight', 8, 70)];
const load = fc.array(
  fc.record({
    at: fc.nat({ max: 3_000 }),
    lane: fc.nat({ max: LANES.length - 1 }),
    tenant: fc.nat({ max: 3 }),
    job: fc.nat({ max: 2 }),
    count: fc.integer({ min: 1, max: 40 }),
    isBatch: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
);

function arrivalsOf(bursts: typeof load extends fc.Arbitrary<infer T> ? T : never): Arrival[] {
  const turns = new Map<string, Turn>();
  return bursts.flatMap(({ at, lane: place, tenant, job, count, isBatch }) => {
    const name = `${tenant}/${job}/${isBatch}`;
    const fresh = turnOf(`tenant ${tenant}`, {
      job: name,
      priority: isBatch ? 'batch' : 'normal',
      deadline: 10_000 + at,
    });
    const turn = turns.get(name) ?? fresh;
    turns.set(name, turn);
    return pieces(LANES[place] as LaneState, turn, count, at).map((item) => ({ at, item }));
  });
}

describe('under any load', () => {
  it('everything runs once, in lanes that fit, and a batch is never smaller than it must be', () => {
    fc.assert(
      fc.property(load, fc.integer({ min: 1, max: 3 }), (bursts, threads) => {
        const arrivals = arrivalsOf(bursts);
        const { ended, runs } = drive(arrivals, threads);
        expect(ended.size).toBe(arrivals.length);
        for (const { items, size, start, wouldIdle, othersWaited } of runs) {
          expect(items.length).toBeLessThanOrEqual(size);
          expect(new Set(items.map(({ lane: of }) => of.key)).size).toBe(1);
          const oldest = Math.min(...items.map(({ since }) => since));
          const isRipe = start - oldest >= (items[0]?.lane.batchMs ?? 0);
          expect(items.length === size || wouldIdle || isRipe).toBe(true);
          if (items.every(({ turn }) => turn.priority === 'batch')) expect(othersWaited).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('nobody starves: whatever others bring, a tenant with one item waits a bounded time', () => {
    fc.assert(
      fc.property(load, fc.nat({ max: 3_000 }), fc.nat({ max: LANES.length - 1 }), (bursts, at, place) => {
        const [one] = pieces(LANES[place] as LaneState, turnOf('alone', { deadline: 99_999 }), 1, at) as [
          Piece,
        ];
        const { ended } = drive([...arrivalsOf(bursts), { at, item: one }], 1);
        // Ripe after one batch time; then behind the two runs in hand and one run for each of the four others.
        const longest = Math.max(...LANES.map(({ batchMs }) => batchMs));
        expect((ended.get(one) ?? Number.POSITIVE_INFINITY) - at).toBeLessThanOrEqual(
          (1 + 2 + 4 + 1) * longest,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('the device is busy from the first item to the last while enough waits', () => {
    const arrivals = LANES.flatMap((of) =>
      pieces(of, turnOf('a', { job: of.key }), 400).map((item) => ({ at: 0, item })),
    );
    const { ended, runs } = drive(arrivals, 2);
    const work = runs.reduce((sum, { items }) => sum + (items[0]?.lane.batchMs ?? 0), 0);
    expect(work / (2 * Math.max(...ended.values()))).toBeGreaterThan(0.97);
    expect(runs.filter(({ items, size }) => items.length < size).length).toBeLessThanOrEqual(LANES.length);
  });
});
