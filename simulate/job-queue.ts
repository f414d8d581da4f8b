/** Jobs that wait, first in first out: a growing ring of typed arrays, so that millions of them cost 24 bytes each. */
export interface Job {
  /** When it was submitted, seconds. */
  arrivedAt: number;
  /** Device seconds it takes. */
  work: number;
  /** Device seconds it was predicted to take. */
  predicted: number;
}

const FIELDS = 3;

export class JobQueue {
  #ring = new Float64Array(1024 * FIELDS);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(arrivedAt: number, work: number, predicted: number): void {
    this.#grow();
    this.#write(this.#first + this.#length, arrivedAt, work, predicted);
    this.#length++;
  }

  /** Puts a job back in front of all others: its worker was taken away. */
  putBack({ arrivedAt, work, predicted }: Job): void {
    this.#grow();
    this.#first = this.#slot(this.#first - 1);
    this.#write(this.#first, arrivedAt, work, predicted);
    this.#length++;
  }

  /** Moves the oldest job into `job`, which saves an object a job. */
  shiftInto(job: Job): void {
    const at = this.#first * FIELDS;
    job.arrivedAt = this.#ring[at] as number;
    job.work = this.#ring[at + 1] as number;
    job.predicted = this.#ring[at + 2] as number;
    this.#first = this.#slot(this.#first + 1);
    this.#length--;
  }

  /** The capacity is a power of two, so a mask wraps. */
  #slot(index: number): number {
    return index & (this.#ring.length / FIELDS - 1);
  }

  #write(index: number, arrivedAt: number, work: number, predicted: number): void {
    const at = this.#slot(index) * FIELDS;
    this.#ring[at] = arrivedAt;
    this.#ring[at + 1] = work;
    this.#ring[at + 2] = predicted;
  }

  #grow(): void {
    const capacity = this.#ring.length / FIELDS;
    if (this.#length < capacity) return;
    const larger = new Float64Array(2 * this.#ring.length);
    larger.set(this.#ring.subarray(this.#first * FIELDS));
    larger.set(this.#ring.subarray(0, this.#first * FIELDS), this.#ring.length - this.#first * FIELDS);
    this.#ring = larger;
    this.#first = 0;
  }
}
