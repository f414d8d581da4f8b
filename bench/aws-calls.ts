/**
 * Stands at the one method through which every client of AWS sends: counts calls by name, and where it is asked to gives
 * the answers itself, in the least time and for one kind of job.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { newJobId } from '../shared/job.ts';
import { type TinyKind, tinyJob, tinyPicture } from './aws-jobs.ts';

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: Record<string, unknown>;
}
type Send = (command: Command, ...more: unknown[]) => Promise<unknown>;

const LATENCY_MS = 3;
const picture = await tinyPicture();

export function meetCalls() {
  let counts: Record<string, number> = {};
  let answer: ((command: Command) => unknown) | undefined;
  for (const client of [DynamoDBDocumentClient, SQSClient, S3Client]) {
    const { send } = client.prototype as unknown as { send: Send };
    const met: Send = async function met(this: unknown, command, ...more) {
      const name = command.constructor.name.replace(/Command$/, '');
      counts[name] = (counts[name] ?? 0) + 1;
      if (answer === undefined) return send.call(this, command, ...more);
      // An answer never comes at once: other work has its turn meanwhile.
      await sleep(LATENCY_MS);
      return answer(command);
    };
    Object.defineProperty(client.prototype, 'send', { value: met, configurable: true, writable: true });
  }
  return {
    /** @returns what has been called since */
    begin(stubbed?: {
      readonly kind: TinyKind;
      readonly jobs: number;
    }): () => Readonly<Record<string, number>> {
      counts = {};
      answer = stubbed === undefined ? undefined : answers(stubbed);
      return () => counts;
    },
  };
}

/** Every job is queued, is claimed once, and its picture is there. */
function answers({ kind, jobs }: { kind: TinyKind; jobs: number }): (command: Command) => unknown {
  const bucket = process.env.OUTBOARD_UPLOADS_BUCKET ?? '';
  const running = { status: 'running', attempt: 1, fence: 1, unreported: 1 } as const;
  let left = jobs;
  return ({ constructor: { name }, input }) => {
    switch (name) {
      case 'ReceiveMessageCommand': {
        const count = Math.min(left, Number(input.MaxNumberOfMessages));
        left -= count;
        const ids = Array.from({ length: count }, newJobId);
        return {
          Messages: ids.map((job_id) => ({ Body: JSON.stringify({ job_id }), ReceiptHandle: job_id })),
        };
      }
      case 'UpdateCommand': {
        const { id } = input.Key as { id: string };
        const job = tinyJob(kind, bucket, id);
        return { Attributes: { ...job, ...running, model_version: `${job.model}@1` } };
      }
      case 'GetObjectCommand':
        return { ContentLength: picture.length, Body: { transformToByteArray: async () => picture } };
      default:
        return {};
    }
  };
}
