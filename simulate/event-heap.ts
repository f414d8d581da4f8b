/** What will happen to workers, soonest first: a binary heap over typed arrays. */
export class EventHeap {
  #times = new Float64Array(256);
  #events = new Int32Array(3 * 256);
  #length = 0;

  /** Time of the soonest event, Infinity without one. */
  get nextAt(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  push(time: number, kind: number, worker: number, life: number): void {
    if (this.#length === this.#times.length) this.#grow();
    let hole = this.#length++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if ((this.#times[parent] as number) <= time) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#put(hole, time, kind, worker, life);
  }

  /** Takes the soonest event out. Only when `nextAt` is finite. */
  pop(): { kind: number; worker: number; life: number } {
    const kind = this.#events[0] as number;
    const worker = this.#events[1] as number;
    const life = this.#events[2] as number;
    const last = --this.#length;
    const time = this.#times[last] as number;
    let hole = 0;
    while (2 * hole + 1 < last) {
      let child = 2 * hole + 1;
      if (child + 1 < last && (this.#times[child + 1] as number) < (this.#times[child] as number)) child++;
      if (time <= (this.#times[child] as number)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#move(last, hole);
    return { kind, worker, life };
  }

  #put(at: number, time: number, kind: number, worker: number, life: number): void {
    this.#times[at] = time;
    this.#events[3 * at] = kind;
    this.#events[3 * at + 1] = worker;
    this.#events[3 * at + 2] = life;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    for (let field = 0; field < 3; field++) {
      this.#events[3 * to + field] = this.#events[3 * from + field] as number;
    }
  }

  #grow(): void {
    const [times, events] = [this.#times, this.#events];
    this.#times = new Float64Array(2 * times.length);
    this.#times.set(times);
    this.#events = new Int32Array(2 * events.length);
    this.#events.set(events);
  }
}
