/**
 * The dashboard of a stage, top to bottom as a request goes: API, queue, fleet, work, errors. Names of resources that
 * CloudFormation chooses are put in when the stack is made.
 */
import type { Fragment, Variables } from './variables.ts';

/** Namespace, name, then dimensions and options, as CloudWatch writes a metric in a dashboard. */
type Metric = readonly (string | Readonly<Record<string, unknown>>)[];

interface Graph {
  readonly title: string;
  readonly stat: 'Sum' | 'Maximum' | 'Average' | 'p50' | 'p99';
  readonly metrics: readonly Metric[];
}

const WIDTH = 8;
const HEIGHT = 6;
const PER_ROW = 3;

export async function dashboard({
  resolveVariable,
  resolveConfigurationProperty,
}: Variables): Promise<Fragment> {
  const stage = String(await resolveVariable('sls:stage'));
  const functions = Object.keys((await resolveConfigurationProperty(['functions'])) ?? {});
  const body = { widgets: graphs(stage, functions).map(widget) };
  return {
    Resources: {
      Dashboard: {
        Type: 'AWS::CloudWatch::Dashboard',
        Properties: {
          DashboardName: `outboard-${stage}`,
          DashboardBody: { 'Fn::Sub': JSON.stringify(body) },
        },
      },
    },
  };
}

function graphs(stage: string, functions: readonly string[]): Graph[] {
  const api = (name: string): Metric => [
    'AWS/ApiGateway',
    name,
    'ApiName',
    `${stage}-outboard`,
    'Stage',
    stage,
  ];
  const sqs = (name: string, queue: string): Metric => [
    'AWS/SQS',
    name,
    'QueueName',
    `\${${queue}.QueueName}`,
  ];
  const own = (name: string): Metric => ['Outboard', name, 'Stage', stage];
  const table = (name: string): Metric => ['AWS/DynamoDB', name, 'TableName', `\${JobsTable}`];
  const lambda = (metric: string): Metric[] =>
    functions.map((name) => [
      'AWS/Lambda',
      metric,
      'FunctionName',
      `outboard-${stage}-${name}`,
      { label: name },
    ]);
  return [
    { title: 'API: requests', stat: 'Sum', metrics: [api('Count')] },
    {
      title: 'API: refused (4xx) and failed (5xx)',
      stat: 'Sum',
      metrics: [api('4XXError'), api('5XXError')],
    },
    { title: 'API: latency p99, waiting calls included', stat: 'p99', metrics: [api('Latency')] },
    {
      title: 'Queue: messages waiting and in hand',
      stat: 'Maximum',
      metrics: [
        sqs('ApproximateNumberOfMessagesVisible', 'JobQueue'),
        sqs('ApproximateNumberOfMessagesNotVisible', 'JobQueue'),
      ],
    },
    {
      title: 'Queue: age of the oldest message, seconds',
      stat: 'Maximum',
      metrics: [sqs('ApproximateAgeOfOldestMessage', 'JobQueue')],
    },
    {
      title: 'Queue: dead letters',
      stat: 'Maximum',
      metrics: [sqs('ApproximateNumberOfMessagesVisible', 'DeadLetterQueue')],
    },
    {
      title: 'Fleet: workers wanted and running',
      stat: 'Maximum',
      metrics: [own('DesiredWorkers'), own('RunningWorkers')],
    },
    { title: 'Fleet: worker hours today', stat: 'Maximum', metrics: [own('GpuHoursToday')] },
    {
      title: 'Fleet: capacity errors, budget used up',
      stat: 'Maximum',
      metrics: [own('CapacityErrors'), own('BudgetExhausted')],
    },
    { title: 'Work: open and waiting jobs', stat: 'Maximum', metrics: [own('OpenJobs'), own('QueuedJobs')] },
    { title: 'Work: backlog, device seconds', stat: 'Maximum', metrics: [own('BacklogSeconds')] },
    { title: 'Work: jobs ended', stat: 'Sum', metrics: [own('JobsSucceeded'), own('JobsFailed')] },
    {
      title: 'Webhooks: messages waiting and being sent',
      stat: 'Maximum',
      metrics: [
        sqs('ApproximateNumberOfMessagesVisible', 'WebhookQueue'),
        sqs('ApproximateNumberOfMessagesNotVisible', 'WebhookQueue'),
      ],
    },
    {
      title: 'Webhooks: age of the oldest message, seconds',
      stat: 'Maximum',
      metrics: [sqs('ApproximateAgeOfOldestMessage', 'WebhookQueue')],
    },
    {
      title: 'Webhooks: given up',
      stat: 'Maximum',
      metrics: [sqs('ApproximateNumberOfMessagesVisible', 'WebhookDeadLetterQueue')],
    },
    { title: 'Errors: functions', stat: 'Sum', metrics: lambda('Errors') },
    { title: 'Errors: throttled functions', stat: 'Sum', metrics: lambda('Throttles') },
    {
      title: 'Errors: models that failed to load, throttled table',
      stat: 'Sum',
      metrics: [own('ModelLoadFailures'), table('ReadThrottleEvents'), table('WriteThrottleEvents')],
    },
  ];
}

const widget = ({ title, stat, metrics }: Graph, index: number) => ({
  type: 'metric',
  x: (index % PER_ROW) * WIDTH,
  y: Math.floor(index / PER_ROW) * HEIGHT,
  width: WIDTH,
  height: HEIGHT,
  properties: { title, stat, metrics, period: 60, region: `\${AWS::Region}`, view: 'timeSeries' },
});
