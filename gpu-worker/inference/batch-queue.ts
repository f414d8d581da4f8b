/**
 * What waits for the device, and which batch is formed next. Pure: the time is handed in, so that tests can run
 * hours of load in a moment. The rules:
 *   1. A batch holds items of one lane only and is formed when a slot is free, never before.
 *   2. Ready are lanes whose batch is full, or whose oldest item has waited as long as a batch takes. Only where none is
 *      ready and the device would idle, a batch may be formed of what there is.
 *   3. Among these, and for each place in the batch: the tenant that had least of the device for its weight, of its jobs
 *      the one that had least, then the earlier deadline, then the older item.
 *   4. Items of priority `batch` run when no other item waits, or in a place that would stay empty.
 */
import { FairShare } from './fair-share.ts';

/** On whose account an item runs. One object a job. */
export interface Turn {
  readonly tenant: string;
  readonly job: string;
  readonly priority: 'normal' | 'batch';
  /** Epoch milliseconds. */
  readonly deadline: number;
}

/** What batches of one kind are like; the batcher learns and changes it. */
export interface LaneState {
  readonly key: string;
  /** Most items in one run. */
  size: number;
  /** Milliseconds that one run takes. */
  batchMs: number;
}

export interface Waiting {
  readonly lane: LaneState;
  readonly turn: Turn;
  /** Milliseconds, on the clock that `take` is given. */
  readonly since: number;
}

export interface Batch<Item extends Waiting> {
  readonly lane: Item['lane'];
  readonly items: readonly Item[];
}

/** The items of one job in one lane, oldest first. */
interface Line<Item> {
  readonly turn: Turn;
  readonly items: Item[];
}

interface LaneQueue<Item extends Waiting> {
  readonly lane: Item['lane'];
  readonly lines: Map<string, Line<Item>>;
}

export class BatchQueue<Item extends Waiting> {
  readonly #lanes = new Map<string, LaneQueue<Item>>();
  /** Apart by priority: who only waits for an idle device must not save up a claim on a busy one. */
  readonly #tenants: Readonly<Record<Turn['priority'], FairShare>>;
  /** Of each tenant that has something waiting, how its jobs of one priority share its part. */
  readonly #jobs = new Map<string, FairShare>();

  /** @param weightOf a tenant of weight 2 gets twice the device time of one of weight 1 while both wait */
  constructor(weightOf?: (tenant: string) => number) {
    this.#tenants = { normal: new FairShare(weightOf), batch: new FairShare(weightOf) };
  }

  /** Items that wait, by lane. */
  depths(): { readonly lane: Item['lane']; readonly depth: number }[] {
    return [...this.#lanes.values()].map(({ lane, lines }) => ({ lane, depth: count(lines) }));
  }

  add(item: Item): void {
    const { lane, turn } = item;
    const queue = this.#lanes.get(lane.key) ?? { lane, lines: new Map<string, Line<Item>>() };
    this.#lanes.set(lane.key, queue);
    const line = queue.lines.get(turn.job) ?? { turn, items: [] };
    queue.lines.set(turn.job, line);
    line.items.push(item);
    this.#tenants[turn.priority].enter(turn.tenant);
    const share = this.#jobs.get(ownerOf(turn)) ?? new FairShare();
    this.#jobs.set(ownerOf(turn), share);
    share.enter(turn.job);
  }

  /** @returns false where the item was taken before */
  remove(item: Item): boolean {
    const line = this.#lanes.get(item.lane.key)?.lines.get(item.turn.job);
    const place = line?.items.indexOf(item) ?? -1;
    if (line === undefined || place < 0) return false;
    line.items.splice(place, 1);
    this.#left(item, 0);
    return true;
  }

  /** The next batch, which then no longer waits. @param wouldIdle whether the device has nothing to do without it */
  take(now: number, wouldIdle: boolean): Batch<Item> | undefined {
    const waiting = this.#inTurn();
    const ready = waiting.filter(({ lane, lines }) => isFull(lane, lines) || now >= ripeAt(lane, lines));
    const among = ready.length > 0 || !wouldIdle ? ready : waiting;
    const next = among
      .map((queue) => ({ queue, first: this.#first(queue) }))
      .reduce<{ queue: LaneQueue<Item>; first: Line<Item> } | undefined>(
        (best, { queue, first }) =>
          first !== undefined && (best === undefined || this.#isBefore(first, best.first))
            ? { queue, first }
            : best,
        undefined,
      );
    return next === undefined ? undefined : this.#form(next.queue);
  }

  /** When a lane becomes ready by itself; undefined where nothing waits. */
  nextRipe(): number | undefined {
    const times = this.#inTurn().map(({ lane, lines }) => ripeAt(lane, lines));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Lanes that may run now: while anything else waits, a lane with nothing but `batch` items must not. */
  #inTurn(): LaneQueue<Item>[] {
    const all = [...this.#lanes.values()];
    const normal = all.filter(({ lines }) =>
      [...lines.values()].some(({ turn }) => turn.priority === 'normal'),
    );
    return normal.length > 0 ? normal : all;
  }

  #form({ lane, lines }: LaneQueue<Item>): Batch<Item> {
    const items: Item[] = [];
    const cost = lane.batchMs / lane.size;
    while (items.length < lane.size) {
      const item = this.#first({ lane, lines })?.items.shift();
      if (item === undefined) break;
      items.push(item);
      this.#left(item, cost);
    }
    return { lane, items };
  }

  #first({ lines }: LaneQueue<Item>): Line<Item> | undefined {
    return [...lines.values()].reduce<Line<Item> | undefined>(
      (best, line) => (best === undefined || this.#isBefore(line, best) ? line : best),
      undefined,
    );
  }

  #isBefore(a: Line<Item>, b: Line<Item>): boolean {
    const isSameOwner = ownerOf(a.turn) === ownerOf(b.turn);
    const rank = ({ turn, items }: Line<Item>) => [
      turn.priority === 'normal' ? 0 : 1,
      this.#tenants[turn.priority].startOf(turn.tenant),
      // Jobs of two tenants cannot be compared by it; where the tenants are equal, deadlines can.
      isSameOwner ? (this.#jobs.get(ownerOf(turn))?.startOf(turn.job) ?? 0) : 0,
      turn.deadline,
      items[0]?.since ?? 0,
    ];
    const [left, right] = [rank(a), rank(b)];
    const differs = left.findIndex((value, place) => value !== right[place]);
    return differs >= 0 && (left[differs] ?? 0) < (right[differs] ?? 0);
  }

  /** Keeps the books after an item left its line, and forgets what is empty. */
  #left({ lane, turn }: Item, cost: number): void {
    this.#tenants[turn.priority].leave(turn.tenant, cost);
    this.#jobs.get(ownerOf(turn))?.leave(turn.job, cost);
    const queue = this.#lanes.get(lane.key);
    if (queue?.lines.get(turn.job)?.items.length === 0) queue.lines.delete(turn.job);
    if (queue?.lines.size === 0) this.#lanes.delete(lane.key);
    const waits = [...this.#lanes.values()].some(({ lines }) =>
      [...lines.values()].some((line) => ownerOf(line.turn) === ownerOf(turn)),
    );
    if (!waits) this.#jobs.delete(ownerOf(turn));
  }
}

const ownerOf = ({ tenant, priority }: Turn): string => `${priority} ${tenant}`;

const count = <Item>(lines: ReadonlyMap<string, Line<Item>>): number =>
  [...lines.values()].reduce((sum, { items }) => sum + items.length, 0);

const isFull = <Item>(lane: LaneState, lines: ReadonlyMap<string, Line<Item>>): boolean =>
  count(lines) >= lane.size;

/** When the oldest item has waited as long as a batch takes; what has no hurry hurries nobody else's batch. */
function ripeAt<Item extends Waiting>(lane: LaneState, lines: ReadonlyMap<string, Line<Item>>): number {
  const all = [...lines.values()];
  const normal = all.filter(({ turn }) => turn.priority === 'normal');
  const oldest = (normal.length > 0 ? normal : all).map(({ items }) => items[0]?.since ?? 0);
  return Math.min(...oldest) + lane.batchMs;
}
