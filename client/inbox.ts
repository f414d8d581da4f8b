/** A WebSocket as something to wait for: what it says, in order, or that it said nothing, or that it is closed. */

export type Heard = { readonly data: string } | 'quiet' | 'closed';

export class Inbox {
  readonly #socket: WebSocket;
  readonly #signal: AbortSignal | undefined;
  readonly #messages: string[] = [];
  #wake = () => {};

  /** @param signal ends every waiting with its reason */
  constructor(url: string, signal: AbortSignal | undefined) {
    this.#socket = new WebSocket(url);
    this.#signal = signal;
    this.#socket.onmessage = ({ data }) => {
      this.#messages.push(String(data));
      this.#wake();
    };
    for (const change of ['open', 'error', 'close'] as const) {
      this.#socket.addEventListener(change, () => this.#wake());
    }
  }

  /** Whether it opens within that time. */
  async opened(withinMs: number): Promise<boolean> {
    await this.#until(() => this.#socket.readyState !== WebSocket.CONNECTING, withinMs);
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** The oldest message that was not taken yet. */
  async next(quietMs: number): Promise<Heard> {
    await this.#until(() => this.#messages.length > 0 || this.#closed(), quietMs);
    const data = this.#messages.shift();
    if (data !== undefined) return { data };
    return this.#closed() ? 'closed' : 'quiet';
  }

  send(message: string): void {
    // What is sent into a closed socket is dropped; the next wait says that it is closed.
    if (!this.#closed()) this.#socket.send(message);
  }

  close(): void {
    this.#socket.close();
  }

  #closed(): boolean {
    return this.#socket.readyState > WebSocket.OPEN;
  }

  async #until(holds: () => boolean, withinMs: number): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, withinMs);
    const stop = () => this.#wake();
    this.#signal?.addEventListener('abort', stop);
    try {
      this.#signal?.throwIfAborted();
      while (!holds() && !late) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#signal?.throwIfAborted();
      }
    } finally {
      clearTimeout(timer);
      this.#signal?.removeEventListener('abort', stop);
    }
  }
}
