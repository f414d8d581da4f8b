/**
 * SQS, DynamoDB and S3 of the local stack in one process, so that their CPU time is nobody else's. Answers how many
 * objects were stored in the results bucket, of all jobs or of one, also those that were erased since: that is how the
 * bench sees progress without asking the worker, and what was done twice.
 */
import path from 'node:path';
import { startQueue } from '../local/queue.ts';
import { startS3Server } from '../local/s3/server.ts';
import { credentials, names, portsFrom } from '../local/settings.ts';
import { startTable } from '../local/table.ts';
import { answerWith } from './child.ts';

const [port, directory = ''] = process.argv.slice(2);
const ports = portsFrom(Number(port));
let stored = 0;
const storedOf = new Map<string, number>();
const started = Promise.all([
  startQueue(ports.sqs),
  startTable(ports.dynamodb),
  startS3Server({
    port: ports.s3,
    directory: path.join(directory, 's3'),
    credentials,
    buckets: [names.uploads, names.results, names.models].map((name) => ({ name })),
    onObjectCreated: ({ bucket, key }) => {
      if (bucket !== names.results) return;
      stored += 1;
      const job = key.split('/')[1] ?? '';
      storedOf.set(job, (storedOf.get(job) ?? 0) + 1);
    },
  }),
]);
answerWith(async (question: 'stored' | { readonly storedOf: string }) => {
  await started;
  return question === 'stored' ? stored : (storedOf.get(question.storedOf) ?? 0);
});
