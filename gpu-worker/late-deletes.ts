/**
 * The queue as a worker uses it: messages of settled jobs are deleted ten at a call, a moment later. The row says that the
 * job is over before its message is handed in here, so a message whose delete is lost comes back, finds that, and goes.
 */
import { type JobQueue, MAX_BATCH } from '../shared/aws/job-queue.ts';
import type { Logger } from '../shared/log.ts';

const WITHIN_MS = 200;

export class LateDeletes implements Pick<JobQueue, 'receive' | 'delete' | 'setVisibility'> {
  readonly receive: JobQueue['receive'];
  readonly setVisibility: JobQueue['setVisibility'];
  readonly #queue: Pick<JobQueue, 'deleteAll'>;
  readonly #log: Logger;
  #receipts: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(queue: Pick<JobQueue, 'receive' | 'setVisibility' | 'deleteAll'>, log: Logger) {
    this.receive = queue.receive.bind(queue);
    this.setVisibility = queue.setVisibility.bind(queue);
    this.#queue = queue;
    this.#log = log;
  }

  /** Never waits for the call and never fails. */
  async delete(receipt: string): Promise<void> {
    this.#receipts.push(receipt);
    if (this.#receipts.length === MAX_BATCH) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), WITHIN_MS);
  }

  /** Resolves when everything handed in was tried. */
  async flush(): Promise<void> {
    this.#send();
    await this.#sending;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const receipts = this.#receipts.splice(0);
    if (receipts.length === 0) return;
    const sent = this.#queue
      .deleteAll(receipts)
      .catch((error: unknown) =>
        this.#log.warn({ err: error }, 'could not delete messages; they come back and are deleted then'),
      );
    this.#sending = Promise.all([this.#sending, sent]).then(() => undefined);
  }
}
