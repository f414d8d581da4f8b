/**
 * Everything a stage may set for itself, with its default and its meaning. Precedence: `--param name=value` on the
 * command line, `params.<stage>` in serverless.yml, the preview's value for stages named `pr-…`, the default. The table
 * in docs/deploy.md is made from this one.
 */
import type { Variables } from './variables.ts';

/** What a container gets is text: CloudFormation may write the number 4000000000 as 4.0E9 there. */
type Value = string | number | boolean;

export interface Parameter {
  readonly name: string;
  readonly value: Value;
  /** What a stage named `pr-…` has instead: nothing that costs while nobody uses it, nothing that outlives it. */
  readonly preview?: Value;
  readonly meaning: string;
}

export const isPreview = (stage: string): boolean => stage.startsWith('pr-');

export const parameters: readonly Parameter[] = [
  {
    name: 'fleet',
    value: 'gpu',
    preview: 'cpu',
    meaning: 'Who works: `gpu` (EC2 instances), `cpu` (Fargate), `none` (workers run elsewhere).',
  },
  { name: 'minWorkers', value: 0, meaning: 'Workers that are always there.' },
  { name: 'maxWorkers', value: 4, preview: 1, meaning: 'Most workers at once.' },
  {
    name: 'targetSeconds',
    value: 120,
    meaning: 'Wanted time to work off the backlog; less means more workers.',
  },
  { name: 'graceSeconds', value: 120, preview: 60, meaning: 'How long an idle worker stays.' },
  {
    name: 'startSeconds',
    value: 150,
    preview: 90,
    meaning: 'How long a worker takes from order to first job.',
  },
  {
    name: 'maxGpuHoursPerDay',
    value: 48,
    preview: 4,
    meaning: 'Budget guard: worker hours in one UTC day; 0 means no guard.',
  },
  {
    name: 'instanceTypes',
    value: 'g6.xlarge,g5.xlarge,g4dn.xlarge',
    meaning:
      'GPU instance types that may be taken, by commas; one GPU each. More types find capacity sooner.',
  },
  {
    name: 'onDemandWorkers',
    value: 1,
    meaning: 'The first so many GPU workers are on-demand instances, so work goes on where spot has run out.',
  },
  {
    name: 'onDemandPercent',
    value: 0,
    meaning: 'Share of on-demand among the GPU workers above those; the others are spot. 100: no spot.',
  },
  { name: 'gpuMemory', value: 13_000, meaning: 'Memory of a GPU worker, MiB; must fit the smallest type.' },
  { name: 'diskGib', value: 100, meaning: 'Disk of a GPU instance, GiB: image, models and scratch.' },
  {
    name: 'fargateProvider',
    value: 'FARGATE',
    preview: 'FARGATE_SPOT',
    meaning: '`FARGATE_SPOT` costs about a third and may be taken away.',
  },
  {
    name: 'cpuUnits',
    value: 4096,
    preview: 2048,
    meaning: 'Processor of a Fargate worker; 1024 is one vCPU.',
  },
  { name: 'cpuMemory', value: 16_384, preview: 8_192, meaning: 'Memory of a Fargate worker, MiB.' },
  { name: 'cpuScratchGib', value: 50, preview: 21, meaning: 'Disk of a Fargate worker, GiB.' },
  {
    name: 'modelMemoryBytes',
    value: '4000000000',
    preview: '2000000000',
    meaning: 'Idle models are let go while all take more.',
  },
  {
    name: 'imageTag',
    value: `\${sls:stage}`,
    meaning: 'Tag of the worker; by default the name of the stage.',
  },
  { name: 'logLevel', value: 'info', meaning: 'Least level the worker logs.' },
  { name: 'vpcId', value: '', meaning: 'VPC of the workers; empty means the default VPC.' },
  {
    name: 'subnetIds',
    value: '',
    meaning: 'Subnets of the workers, by commas; empty means all of that VPC.',
  },
  {
    name: 'assignPublicIp',
    value: 'ENABLED',
    meaning: 'Of Fargate workers: `DISABLED` in subnets that have a NAT gateway.',
  },
  {
    name: 'gatewayEndpoints',
    value: true,
    preview: false,
    meaning:
      'S3 and DynamoDB gateway endpoints, where the VPC has none: traffic stays off the internet. Free.',
  },
  { name: 'apiRate', value: 100, preview: 20, meaning: 'Requests a second of one API key, in the long run.' },
  { name: 'apiBurst', value: 200, preview: 40, meaning: 'Requests of one API key at once.' },
  {
    name: 'apiQuota',
    value: 1_000_000,
    preview: 10_000,
    meaning: 'Requests of one API key in a quota period.',
  },
  { name: 'apiQuotaPeriod', value: 'MONTH', preview: 'DAY', meaning: '`DAY`, `WEEK` or `MONTH`.' },
  { name: 'jobDeadlineSeconds', value: 21_600, meaning: 'Time from accepting a job to `expired`.' },
  { name: 'jobRetentionSeconds', value: 604_800, meaning: 'How long a row stays after its deadline.' },
  { name: 'maxInputBytes', value: '33554432', meaning: 'Largest file taken as input.' },
  { name: 'maxQueuedJobs', value: 100_000, meaning: 'With more jobs waiting, new ones get 429.' },
  { name: 'jobMaxAttempts', value: 5, meaning: 'How often a job is started before it fails for good.' },
  { name: 'resultUrlSeconds', value: '3600', meaning: 'Life of a link to a result.' },
  { name: 'uploadUrlSeconds', value: 900, meaning: 'Life of an upload form.' },
  {
    name: 'webhookConcurrency',
    value: 20,
    preview: 2,
    meaning: 'Webhooks that are sent at once, 2 to 1000; each may take ten seconds.',
  },
  {
    name: 'keepDays',
    value: 8,
    meaning: 'Uploads and results are erased after this long; never before the rows that name them.',
  },
  {
    name: 'removal',
    value: 'Retain',
    preview: 'Delete',
    meaning: 'What `serverless remove` does with table and buckets. `Delete` empties them first.',
  },
  { name: 'logRetentionDays', value: 30, preview: 7, meaning: 'How long logs are kept.' },
  { name: 'alarms', value: true, preview: false, meaning: 'CloudWatch alarms, about 0.10 USD a month each.' },
  {
    name: 'alarmWaitSeconds',
    value: 900,
    meaning: 'The oldest message may wait this long before an alarm; more than startSeconds.',
  },
  {
    name: 'alarmEmail',
    value: '',
    meaning: 'Who is told of alarms; empty: nobody, they show on the dashboard.',
  },
  {
    name: 'page',
    value: true,
    preview: false,
    meaning:
      'The page behind CloudFront; a distribution takes minutes to make and to remove, and nothing while idle.',
  },
  { name: 'dashboard', value: true, preview: false, meaning: 'A CloudWatch dashboard, 3 USD a month.' },
];

/** The defaults of this stage. @throws Error naming what serverless.yml sets for the stage and nobody knows */
export async function stageParameters({
  resolveVariable,
  resolveConfigurationProperty,
}: Variables): Promise<Record<string, Value>> {
  const stage = String(await resolveVariable('sls:stage'));
  await refuseUnknown(stage, resolveConfigurationProperty);
  return Object.fromEntries(
    parameters.map(({ name, value, preview }) => [name, isPreview(stage) ? (preview ?? value) : value]),
  );
}

/** The local stack has names of its own (`custom.stage` in serverless.yml); nothing else does. */
const LOCAL = 'local';

/** A misspelt parameter would else be silently the default, and a misspelt budget is none. */
async function refuseUnknown(stage: string, read: Variables['resolveConfigurationProperty']): Promise<void> {
  if (stage === LOCAL) return;
  const own = await read(['params', stage]);
  const known = new Set(parameters.map(({ name }) => name));
  const unknown = Object.keys(own ?? {}).filter((name) => !known.has(name));
  if (unknown.length > 0) throw new Error(`params.${stage} sets what nobody reads: ${unknown.join(', ')}.`);
}
