/**
 * The job and its states: the contract between the API and the worker. The row in DynamoDB is the truth; the
 * SQS message carries the id alone and only wakes a worker. See docs/architecture.md, "Job states".
 */
import { createHash, randomBytes } from 'node:crypto';
import type { PublicError } from './errors.ts';

export const jobStatuses = ['queued', 'running', 'succeeded', 'failed', 'canceled', 'expired'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** States that nothing leaves but a deliberate retry. */
const terminalStatuses: ReadonlySet<JobStatus> = new Set(['succeeded', 'failed', 'canceled', 'expired']);
export const isTerminal = (status: JobStatus): boolean => terminalStatuses.has(status);

/** `batch` waits until no job of priority `normal` wants the device. */
export const jobPriorities = ['normal', 'batch'] as const;
export type JobPriority = (typeof jobPriorities)[number];

/** Where the worker finds the picture. */
export type JobInput =
  | { readonly kind: 'url'; readonly url: string; readonly name?: string }
  | { readonly kind: 'object'; readonly bucket: string; readonly key: string; readonly name?: string };

/** What the worker is doing now: `completed` of `total` `unit`s of this `phase`. */
export interface JobProgress {
  readonly phase:
    | 'loading model'
    | 'fetching'
    | 'waiting for memory'
    | 'decoding'
    | 'running model'
    | 'enlarging'
    | 'encoding'
    | 'storing';
  readonly completed: number;
  readonly total: number;
  readonly unit: 'tile' | 'byte' | 'step';
  /** Estimate for the rest of this phase, by what it took so far. */
  readonly eta_seconds?: number;
}

/** One file among the results. `key` is in the results bucket. */
export interface ResultFile {
  readonly key: string;
  readonly content_type: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
}

/** What a finished job leaves: files by role (`sr_image`, `original_image`) and plain facts. */
export interface JobOutput {
  readonly files: Readonly<Record<string, ResultFile>>;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Whether the answer was stored before; absent where answers are not stored. */
  readonly cache?: 'hit' | 'miss';
}

/**
 * What is known of a job that may end its worker's process: written before each step, because afterwards nobody is
 * left to write it. Shown to clients where the job was put in quarantine.
 */
export interface JobEvidence {
  readonly worker: string;
  readonly model_version?: string;
  /** Of the file as it was fetched. */
  readonly input_sha256?: string;
  readonly phase: JobProgress['phase'];
  /** The steps of the last attempt, oldest first, each with its time. */
  readonly log: readonly string[];
}

/** A job that so many workers did not survive is not started again. */
export const QUARANTINE_AFTER = 3;

/** Milliseconds spent by the successful attempt, by phase. */
export type JobTimings = Readonly<Partial<Record<TimedPhase, number>>>;
export type TimedPhase =
  | 'load_ms'
  | 'queue_ms'
  | 'fetch_ms'
  | 'decode_ms'
  | 'compute_ms'
  /** What the job took of one whole device, however many jobs shared it. */
  | 'device_ms'
  | 'encode_ms'
  | 'store_ms'
  | 'total_ms';

/** Who wants to hear of a job's end, and of which ends. */
export interface Webhook {
  readonly url: string;
  readonly events: readonly string[];
  /** Where the client reached the API: what the links in the message begin with. */
  readonly api: string;
}

/** A row of the jobs table. Times are ISO 8601 unless the name says otherwise. */
export interface Job {
  readonly id: string;
  readonly tenant: string;
  readonly status: JobStatus;
  readonly task: string;
  /** The model as it was asked for: a name, an alias or `name@version`. */
  readonly model: string;
  /** `name@version` fixed by the first write after the first attempt's claim; later attempts use the same. */
  readonly model_version?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly input: JobInput;
  /** Absent means `normal`. */
  readonly priority?: JobPriority;
  /** The client asked not to be given a stored answer. */
  readonly no_cache?: boolean;
  /** Predicted device seconds (shared/cost.ts). */
  readonly work_seconds?: number;
  /** Grows with every change: what tells a listener old from new. */
  readonly seq?: number;
  /** Epoch seconds until which somebody may be listening. */
  readonly watched_until?: number;
  readonly webhook?: Webhook;
  /** Ids of what was told to the webhook, oldest first. */
  readonly deliveries?: readonly string[];
  /** Hash of the request, so that a reused Idempotency-Key with another body is seen. */
  readonly request_hash: string;
  readonly created_at: string;
  readonly enqueued_at?: string;
  readonly started_at?: string;
  readonly finished_at?: string;
  /** No job outlives this, whether or not a worker ever comes. */
  readonly deadline_at: string;
  /** Counted when work starts, before anything can crash, so a job that kills its process is bounded. */
  readonly attempt: number;
  /** Grows with every claim and never shrinks (a released attempt is given back, its fence is not): the token of every later write. */
  readonly fence: number;
  readonly max_attempts: number;
  /** Attempts that began and whose end nobody reported, the one that runs now included. */
  readonly unreported?: number;
  readonly evidence?: JobEvidence;
  readonly worker?: string;
  /** Epoch milliseconds until which `worker` alone may write. */
  readonly lease_until?: number;
  readonly progress?: JobProgress;
  readonly output?: JobOutput;
  readonly error?: PublicError;
  readonly timings?: JobTimings;
  /** Epoch seconds at which the table drops the row. */
  readonly expires_at: number;
  /** Present only while the job is open, or its end has still to be told: the index of due jobs holds nothing else. */
  readonly open_shard?: string;
  /**
   * When somebody should look at the job: its message may be missing, its lease has run out, its back-off is over, or
   * its deadline has come.
   */
  readonly sweep_at?: string;
}

/** The wake-up that travels through SQS. */
export interface JobMessage {
  readonly job_id: string;
}

const ID_BYTES = 15;
const ID_PATTERN = /^job_[0-9a-z]{24}$/;

/** 15 bytes as 24 characters of RFC 4648 base32, lower case: safe in URLs, keys and file names. */
function encodeId(bytes: Uint8Array): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let shift = bytes.length * 8 - 5; shift >= 0; shift -= 5) {
    text += alphabet.charAt(Number((bits >> BigInt(shift)) & 31n));
  }
  return `job_${text}`;
}

export const newJobId = (): string => encodeId(randomBytes(ID_BYTES));

/** The same parts always give the same id: this makes a repeated request or event find the first job. */
export function deriveJobId(...parts: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest();
  return encodeId(hash.subarray(0, ID_BYTES));
}

export const isJobId = (text: string): boolean => ID_PATTERN.test(text);

const OPEN_SHARDS = 4;

/** Open jobs are spread over a few partitions of the index of due jobs; one partition takes 1,000 writes/s. */
export const openShards: readonly string[] = Array.from(
  { length: OPEN_SHARDS },
  (_, index) => `open-${index}`,
);
export const openShardOf = (id: string): string => `open-${id.charCodeAt(id.length - 1) % OPEN_SHARDS}`;
