/**
 * A lane: runs of one graph at one exact size. Each size of batch it uses has a session of its own in every thread, so
 * that the device never plans anew; few sizes are used, because each holds weights and working memory.
 */
import type { LaneState } from './batch-queue.ts';
import type { DeviceKind, GraphFile, ImageShape, TensorGraphFile } from './session.ts';

interface Picture {
  readonly kind: 'picture';
  readonly graph: GraphFile;
}

/** @param scalars further inputs; items of one run share them */
interface Tensors {
  readonly kind: 'tensors';
  readonly graph: TensorGraphFile;
  readonly scalars: Readonly<Record<string, number>>;
}

export type LaneSpec = (Picture | Tensors) & {
  /** Of the input, pixels. */
  readonly height: number;
  readonly width: number;
  /** How many pictures the graph takes in one run: one number, or as many as one likes. */
  readonly batch: number | 'dynamic';
  /** False for a size that comes once: a small picture. Such runs share a session and are never batched. */
  readonly isUsual: boolean;
};

/** A lane that ran out of memory is tried at its full size again after this long: another model may be gone by then. */
const LIMITED_MS = 600_000;
/** Milliseconds a run is taken to last before the first one was measured. */
const UNKNOWN_BATCH_MS = 20;
/** Weight of the newest run in the average. */
const NEWEST = 0.2;

export function laneKey({ kind, graph, height, width, isUsual, ...rest }: LaneSpec): string {
  const scalars = 'scalars' in rest ? JSON.stringify(rest.scalars) : '';
  return `${kind} ${graph.path} ${height}x${width} ${isUsual ? 'usual' : 'once'} ${scalars}`;
}

export class Lane implements LaneState {
  readonly key: string;
  readonly spec: LaneSpec;
  size: number;
  batchMs = UNKNOWN_BATCH_MS;
  /** Whether its sessions stay open while nothing runs on them. */
  stays = false;
  readonly #full: number;
  readonly #isPadded: boolean;
  #isMeasured = false;
  #limitedUntil = 0;
  #refusesUntil = 0;

  /** @param most pictures in one run, where the graph leaves it open */
  constructor(spec: LaneSpec, device: DeviceKind, most: number) {
    this.key = laneKey(spec);
    this.spec = spec;
    this.#full = spec.batch === 'dynamic' ? (spec.isUsual ? most : 1) : spec.batch;
    // CUDA plans anew for each batch size; on the CPU an empty place costs as much as a full one.
    this.#isPadded = device === 'cuda' || spec.batch !== 'dynamic';
    this.size = this.#full;
  }

  /** What people read in metrics: the package's file and the size. */
  get label(): string {
    const { graph, height, width, isUsual } = this.spec;
    return `${graph.path.split('/').slice(-3).join('/')} ${isUsual ? `${width}x${height}` : 'smaller'}`;
  }

  /** The sizes that are made ready before the first job. */
  get usualRuns(): number[] {
    return this.spec.batch === 'dynamic' ? [...new Set([1, this.size])] : [this.size];
  }

  /** Pictures in the run that takes this many items. */
  runSize(items: number): number {
    if (!this.#isPadded) return items;
    return this.usualRuns.find((size) => size >= items) ?? items;
  }

  shape(runSize: number): ImageShape {
    return { batch: runSize, height: this.spec.height, width: this.spec.width };
  }

  /** Whether a run of this size has a session of its own. */
  hasSession(runSize: number): boolean {
    return this.spec.isUsual && this.usualRuns.includes(runSize);
  }

  get itemBytes(): number {
    return this.spec.height * this.spec.width * 3;
  }

  /** Bytes one item leaves in the slot; tensors travel in messages. */
  get answerBytes(): number {
    return this.spec.kind === 'picture' ? this.itemBytes * this.spec.graph.scale ** 2 : 0;
  }

  measured(runMs: number): void {
    this.batchMs = this.#isMeasured ? this.batchMs + NEWEST * (runMs - this.batchMs) : runMs;
    this.#isMeasured = true;
  }

  /** Whether fewer items a run would need less memory. */
  get canShrink(): boolean {
    return this.spec.batch === 'dynamic' && this.size > 1;
  }

  /** The device had no memory for a run of this size: half of it from now on. */
  shrink(runSize: number, now: number): void {
    if (!this.canShrink) return;
    this.size = Math.max(1, Math.min(this.size, Math.floor(runSize / 2)));
    this.#limitedUntil = now + LIMITED_MS;
  }

  /** Not even one item fits; its caller should make it smaller. */
  refuse(now: number): void {
    this.#refusesUntil = now + LIMITED_MS;
  }

  refuses(now: number): boolean {
    return now < this.#refusesUntil;
  }

  /** Lifts a limit that is over. */
  restore(now: number): void {
    if (this.size < this.#full && now >= this.#limitedUntil) this.size = this.#full;
  }
}
