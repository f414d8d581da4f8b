/**
 * The workers of a simulated stage, one device and one job each. A worker is paid for from its order until its instance
 * is gone; it works once it has started; only one that has nothing to do is stopped, whatever was ordered.
 */
import { EventHeap } from './event-heap.ts';
import { type Job, JobQueue } from './job-queue.ts';
import { Random } from './random.ts';

export interface FleetOptions {
  readonly seed: number;
  /** From the order to the first job: instance, container, model. Uniform between these, seconds. */
  readonly startupSeconds: readonly [low: number, high: number];
  /** From the end of a worker to the end of its bill, seconds. */
  readonly releaseSeconds: number;
  /** Spot interruptions of one worker, per hour; its job goes back to the front and starts over. */
  readonly interruptionsPerHour: number;
}

const READY = 0;
const DONE = 1;
const GONE = 2;
const INTERRUPTED = 3;

interface Worker extends Job {
  state: 'off' | 'starting' | 'idle' | 'busy';
  startedJobAt: number;
  /** Grows when the worker ends, so that events of its past are recognised. */
  life: number;
}

type Finished = (job: Job, startedAt: number, endedAt: number) => void;

export class Fleet {
  readonly queue = new JobQueue();
  readonly #events = new EventHeap();
  readonly #workers: Worker[] = [];
  readonly #free: number[] = [];
  readonly #idle: number[] = [];
  /** In the order of their start; some may be ready or gone by now. */
  #starting: { id: number; life: number }[] = [];
  readonly #counts = { off: 0, starting: 0, idle: 0, busy: 0, releasing: 0 };
  readonly #options: FleetOptions;
  readonly #startups: Random;
  readonly #interruptions: Random;
  readonly #finished: Finished;
  #desired = 0;
  #now = 0;
  paidSeconds = 0;
  busySeconds = 0;
  /** Most workers at once that were ordered and not stopped. */
  peak = 0;

  constructor(options: FleetOptions, finished: Finished) {
    this.#options = options;
    this.#startups = new Random(options.seed, 11);
    this.#interruptions = new Random(options.seed, 12);
    this.#finished = finished;
  }

  get desired(): number {
    return this.#desired;
  }
  get busy(): number {
    return this.#counts.busy;
  }
  /** Workers that take jobs. */
  get ready(): number {
    return this.#counts.idle + this.#counts.busy;
  }
  /** Workers that are paid for. */
  get paid(): number {
    return this.ready + this.#counts.starting + this.#counts.releasing;
  }
  get nextEventAt(): number {
    return this.#events.nextAt;
  }

  /** Moves the clock and the bill. */
  advance(now: number): void {
    this.paidSeconds += this.paid * (now - this.#now);
    this.busySeconds += this.busy * (now - this.#now);
    this.#now = now;
  }

  order(desired: number): void {
    this.#desired = desired;
    while (this.#active < desired) this.#start();
    // One that is on its way is the least use; a busy one is left alone until it has nothing to do.
    while (this.#active > desired && this.#counts.starting > 0) this.#stop(this.#lastStarting());
    while (this.#active > desired && this.#counts.idle > 0) this.#stop(this.#idle.pop() as number);
    this.peak = Math.max(this.peak, this.#active);
  }

  /** Workers that are there from the beginning, ready at once. */
  begin(workers: number): void {
    for (this.#desired = workers; this.#active < workers; ) this.#becomeIdle(this.#take('idle'));
    this.peak = workers;
  }

  submit(arrivedAt: number, work: number, predicted: number): void {
    this.queue.push(arrivedAt, work, predicted);
    this.#assign();
  }

  /** Lets the soonest event happen. */
  step(): void {
    const { kind, worker: id, life } = this.#events.pop();
    if (kind === GONE) {
      this.#counts.releasing--;
      return;
    }
    const worker = this.#workers[id] as Worker;
    if (worker.life !== life) return;
    if (kind === DONE) this.#finished(worker, worker.startedJobAt, this.#now);
    if (kind === INTERRUPTED) this.#interrupt(id, worker);
    else this.#becomeIdle(id);
    this.#assign();
    // The order may have fallen while this worker was busy.
    if (worker.state === 'idle' && this.#active > this.#desired) this.#stop(this.#idle.pop() as number);
  }

  get #active(): number {
    return this.ready + this.#counts.starting;
  }

  #assign(): void {
    while (this.queue.length > 0 && this.#counts.idle > 0) {
      const id = this.#idle.pop() as number;
      const worker = this.#workers[id] as Worker;
      this.#enter(worker, 'busy');
      this.queue.shiftInto(worker);
      worker.startedJobAt = this.#now;
      this.#events.push(this.#now + worker.work, DONE, id, worker.life);
    }
  }

  #start(): void {
    const id = this.#take('starting');
    const { life } = this.#workers[id] as Worker;
    const [low, high] = this.#options.startupSeconds;
    this.#starting.push({ id, life });
    this.#events.push(this.#now + this.#startups.between(low, high), READY, id, life);
    const { interruptionsPerHour } = this.#options;
    if (interruptionsPerHour > 0) {
      const after = this.#interruptions.exponential(3600 / interruptionsPerHour);
      this.#events.push(this.#now + after, INTERRUPTED, id, life);
    }
  }

  #interrupt(id: number, worker: Worker): void {
    if (worker.state === 'busy') this.queue.putBack(worker);
    if (worker.state === 'idle') this.#idle.splice(this.#idle.indexOf(id), 1);
    this.#stop(id, 0);
    if (this.#active < this.#desired) this.#start();
  }

  #stop(id: number, releaseSeconds = this.#options.releaseSeconds): void {
    const worker = this.#workers[id] as Worker;
    this.#enter(worker, 'off');
    worker.life++;
    this.#free.push(id);
    if (releaseSeconds > 0) {
      this.#counts.releasing++;
      this.#events.push(this.#now + releaseSeconds, GONE, id, 0);
    }
  }

  #becomeIdle(id: number): void {
    this.#enter(this.#workers[id] as Worker, 'idle');
    this.#idle.push(id);
  }

  #lastStarting(): number {
    for (;;) {
      const last = this.#starting.pop() as { id: number; life: number };
      const worker = this.#workers[last.id] as Worker;
      if (worker.life === last.life && worker.state === 'starting') return last.id;
    }
  }

  #take(state: Worker['state']): number {
    let id = this.#free.pop();
    if (id === undefined) {
      id = this.#workers.length;
      const none = { arrivedAt: 0, work: 0, predicted: 0, startedJobAt: 0, life: 0 };
      this.#workers.push({ ...none, state: 'off' });
      this.#counts.off++;
    }
    this.#enter(this.#workers[id] as Worker, state);
    return id;
  }

  #enter(worker: Worker, state: Worker['state']): void {
    this.#counts[worker.state]--;
    this.#counts[state]++;
    worker.state = state;
  }
}
