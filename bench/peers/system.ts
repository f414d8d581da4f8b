/** What the comparison asks of every system, ours and the peers'. */
export type Task = 'classification' | 'super-resolution';

/** Until the answer is there: the result of a classification, both pictures of an enlargement. */
export const PATIENCE_MS = 60_000;
/** How long whoever supervises a dead process takes to start it again. */
export const RESTART_MS = 500;

export interface Running {
  /** Roots of the process trees that are charged to it. */
  readonly processes: readonly number[];
  /** One job as its client has it, from the request to the whole answer. @throws where it gets none */
  ask(task: Task, picture: Buffer): Promise<void>;
  /**
   * One job that is handed over and then followed for as long as it takes.
   * @returns how often it was finished: 0 is lost, 2 is done twice
   */
  follow(task: Task, picture: Buffer): Promise<number>;
  /** Kills whatever holds the model, without a word, and starts it again as its supervisor would. */
  killWorker(): Promise<void>;
  close(): Promise<void>;
}

export interface System {
  readonly name: string;
  readonly isOutboard: boolean;
  /** What is charged to it and what runs elsewhere. */
  readonly where: string;
  /** What was set, and why. */
  readonly settings: string;
  /** What it is asked for: a row that differs from another in one of them only is not asked for the other. */
  readonly asked: 'speed' | 'loss' | 'both';
  start(): Promise<Running>;
}
