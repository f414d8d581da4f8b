/**
 * Events that AWS delivers by itself and moto does not: which function waits for which is read from the template, the
 * event is what AWS documents.
 */
import { randomUUID } from 'node:crypto';
import { newJob } from '../functions/jobs/submit.ts';
import { s3Event } from '../local/s3/events.ts';
import type { Template } from '../scripts/package-stage.ts';
import { connectJobs, type ServiceSettings } from '../shared/aws/connect.ts';
import { newJobId } from '../shared/job.ts';
import type { Functions } from './lambda/functions.ts';
import { type DeployedStack, resourcesOf } from './stack.ts';

/** Limits of jobs that no worker shall see. */
const limits = {
  OUTBOARD_JOB_DEADLINE_SECONDS: 3_600,
  OUTBOARD_JOB_RETENTION_SECONDS: 3_600,
  OUTBOARD_JOB_MAX_ATTEMPTS: 3,
};

interface Services {
  readonly template: Template;
  readonly stack: DeployedStack;
  readonly functions: Functions;
  readonly settings: ServiceSettings;
}

/** Tells the function of the bucket's notification that a file came. */
export async function tellOfUpload(
  { template, stack, functions }: Services,
  key: string,
  bytes: number,
): Promise<void> {
  const notified = resourcesOf(template, 'AWS::S3::Bucket').flatMap(([id, { Properties }]) =>
    (Properties?.NotificationConfiguration?.LambdaConfigurations ?? []).map(
      (each: { Function: { 'Fn::GetAtt': [string] } }) => ({
        id,
        functionId: each.Function['Fn::GetAtt'][0],
      }),
    ),
  );
  if (notified.length === 0) throw new Error('No bucket of the template tells a function of its files.');
  for (const { id, functionId } of notified) {
    const at = new Date();
    const created = { bucket: stack.physicalId(id), key, size: bytes, at, by: 'Post' as const };
    await functions.invoke(functionId, s3Event({ ...created, eTag: '0', sequencer: String(at.getTime()) }));
  }
}

/** A dead letter ends its job, and so does the sweeper one whose deadline has passed. */
export async function checkNets({ template, functions, settings }: Services): Promise<void> {
  const { jobs } = connectJobs(settings);
  const add = async (at: Date) => {
    const draft = {
      id: newJobId(),
      tenant: `check-${randomUUID()}`,
      task: 'super-resolution',
      model: 'super-resolution',
      parameters: {},
      input: { kind: 'url', url: 'https://pictures.example/none.jpg' } as const,
      requestHash: '',
    };
    await jobs.create(newJob(draft, limits, at));
    return draft.id;
  };
  const dead = await add(new Date());
  const [, mapping] =
    resourcesOf(template, 'AWS::Lambda::EventSourceMapping').find(([, { Properties }]) =>
      JSON.stringify(Properties.EventSourceArn).includes('"DeadLetterQueue"'),
    ) ?? [];
  await functions.invoke(functionOf(mapping?.Properties.FunctionName), {
    Records: [{ body: JSON.stringify({ job_id: dead }), attributes: { ApproximateReceiveCount: '20' } }],
  });
  const overdue = await add(new Date(Date.now() - 2 * limits.OUTBOARD_JOB_DEADLINE_SECONDS * 1000));
  const [[sweeper = ''] = []] = resourcesOf(template, 'AWS::Lambda::Function').filter(([, { Properties }]) =>
    Properties.Handler.endsWith('/sweep.handler'),
  );
  const swept = await functions.invoke(sweeper, {});
  const statuses = await Promise.all([dead, overdue].map(async (id) => (await jobs.get(id))?.status));
  await Promise.all([dead, overdue].map((id) => jobs.erase(id)));
  if (statuses.join() !== 'failed,expired')
    throw new Error(`They are ${statuses.join()}; the sweep said ${JSON.stringify(swept)}.`);
}

const functionOf = (reference: { readonly 'Fn::GetAtt'?: readonly [string] }): string =>
  reference?.['Fn::GetAtt']?.[0] ?? '';
