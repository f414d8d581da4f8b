/**
 * Messages that no worker could finish end up here, and their jobs end with them: failed, with the reason on the
 * row, ready for a retry by hand. No job ends in silence.
 */
import type { SQSEvent } from 'aws-lambda';
import { connectJobs } from '../shared/aws/connect.ts';
import { connectPublisher } from '../shared/aws/connect-channel.ts';
import { readJobId } from '../shared/aws/job-queue.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { OutboardError } from '../shared/errors.ts';
import { isTerminal } from '../shared/job.ts';
import { createLogger, type Logger } from '../shared/log.ts';

export function onDeadLetter(jobs: Pick<JobStore, 'get' | 'end'>, log: Logger) {
  return async (event: SQSEvent): Promise<void> => {
    for (const record of event.Records) {
      const id = readJobId(record.body);
      const job = id === '' ? undefined : await jobs.get(id);
      if (job === undefined || isTerminal(job.status)) continue;
      // A second message of a job that a worker is busy with; the deadline still guards the job.
      if (job.status === 'running' && (job.lease_until ?? 0) > Date.now()) continue;
      const detail = `Its message came back ${record.attributes.ApproximateReceiveCount} times.`;
      const reason = new OutboardError('attempts_exhausted', { detail }).toPublic();
      await jobs.end(id, 'failed', new Date(), reason);
      log.error({ job_id: id, attempt: job.attempt, worker: job.worker }, 'job ended as a dead letter');
    }
  };
}

const settings = readFunctionsEnvironment(process.env);
const log = createLogger('on-dead-letter');
const { jobs } = connectJobs(settings, connectPublisher(settings, log));
export const handler = onDeadLetter(jobs, log);
