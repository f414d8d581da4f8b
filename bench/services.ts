/**
 * SQS, DynamoDB and S3 of the local stack in one process, so that their CPU time is nobody else's. Answers how many
 * objects were stored in the results bucket: that is how the bench sees progress without asking the worker.
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
const started = Promise.all([
  startQueue(ports.sqs),
  startTable(ports.dynamodb),
  startS3Server({
    port: ports.s3,
    directory: path.join(directory, 's3'),
    credentials,
    buckets: [names.uploads, names.results, names.models].map((name) => ({ name })),
    onObjectCreated: ({ bucket }) => {
      if (bucket === names.results) stored += 1;
    },
  }),
]);
answerWith(async () => {
  await started;
  return stored;
});
