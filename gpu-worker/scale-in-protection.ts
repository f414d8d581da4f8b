/**
 * Keeps ECS from ending a task that has work: protection is asked of the task's own agent, for a little longer than a
 * lease, renewed while the worker is busy and dropped when it is idle. A worker that died is thus unprotected soon, and
 * one that ECS ends anyway (a spot interruption) gets SIGTERM and drains.
 * The interface is that of the ECS agent: PUT $ECS_AGENT_URI/task-protection/v1/state.
 */
import type { Logger } from '../shared/log.ts';

/** Whole minutes are all that the agent takes; more than the renewal below, so that one may fail. */
const EXPIRES_MINUTES = 2;
const RENEW_MS = 30_000;
const TIMEOUT_MS = 5_000;

interface Options {
  /** The agent's address; undefined outside ECS, where nothing is to be protected from. */
  readonly agentUri: string | undefined;
  readonly busy: () => number;
  readonly log: Logger;
}

export class ScaleInProtection {
  readonly #options: Options;
  #timer: NodeJS.Timeout | undefined;
  #protected = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.agentUri === undefined) return;
    this.#timer = setInterval(() => this.update(true), RENEW_MS);
  }

  /** Called when the worker becomes busy or idle; asks only where that changes something. @param renew asks anyway */
  update(renew = false): void {
    if (this.#options.agentUri === undefined) return;
    this.#sending = this.#sending.then(async () => {
      const wanted = this.#options.busy() > 0;
      if (wanted === this.#protected && !(renew && wanted)) return;
      if (await this.#put(wanted)) this.#protected = wanted;
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.update();
    await this.#sending;
  }

  async #put(wanted: boolean): Promise<boolean> {
    const { agentUri, log } = this.#options;
    try {
      const answer = await fetch(`${agentUri}/task-protection/v1/state`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ProtectionEnabled: wanted,
          ...(wanted ? { ExpiresInMinutes: EXPIRES_MINUTES } : {}),
        }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const body = await answer.text();
      // The agent tells of some failures with 200 and a member that says so.
      if (answer.ok && !/"(failure|error)"/.test(body)) return true;
      log.warn({ status: answer.status, body }, 'the ECS agent refused task protection');
    } catch (error) {
      log.warn({ err: error }, 'the ECS agent does not answer');
    }
    return false;
  }
}
