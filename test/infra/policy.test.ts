/** Who may do what in a stage: read from the templates as they are deployed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { exceptions } from '../../infra/wildcards.ts';
import type { Template } from '../../scripts/package-stage.ts';
import { policyProblems, rightsOf } from './policies.ts';
import { type Kind, kindNames, ofType, packaged } from './stages.ts';

let templates: Map<Kind, Template>;
const template = (kind: Kind): Template => templates.get(kind) as Template;

beforeAll(async () => {
  templates = await packaged();
}, 240_000);

/** What each function does on AWS, written down from its code; its log is not repeated here. */
const SEND = ['sqs:SendMessage'];
const READ_AND_MAKE = ['dynamodb:GetItem', 'dynamodb:PutItem'];
const JOB = ['dynamodb:GetItem', 'dynamodb:UpdateItem'];
const WAKE = ['lambda:InvokeFunction'];
/** Telling listeners: their connections, the message, and the row of one that is gone; and webhooks, by a message. */
const TELL = ['dynamodb:Query', 'execute-api:ManageConnections', 'dynamodb:DeleteItem'];
const does: Readonly<Record<string, readonly string[]>> = {
  // create, markEnqueued, fleet.read, claimWake, holders; depth; catalog, inline picture, head of an upload, links
  CreateJobRole: [
    ...JOB,
    ...SEND,
    ...WAKE,
    'dynamodb:PutItem',
    'dynamodb:DeleteItem',
    'sqs:GetQueueAttributes',
    's3:GetObject',
    's3:PutObject',
    's3:ListBucket',
  ],
  GetJobRole: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 's3:GetObject'],
  ListJobsRole: ['dynamodb:GetItem', 'dynamodb:Query'],
  CancelJobRole: [...JOB, ...TELL, ...SEND],
  RetryJobRole: [...JOB, ...TELL, ...SEND, ...WAKE, 'dynamodb:PutItem'],
  DeleteJobRole: [...JOB, ...TELL, 's3:ListBucket', 's3:DeleteObject'],
  ListDeliveriesRole: ['dynamodb:GetItem'],
  RedeliverRole: [...JOB, ...SEND],
  GetWebhookSecretRole: READ_AND_MAKE,
  RotateWebhookSecretRole: READ_AND_MAKE,
  DeliverWebhookRole: [
    ...JOB,
    ...SEND,
    'dynamodb:PutItem',
    's3:GetObject',
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
  ],
  CreateUploadRole: ['s3:GetObject', 's3:PutObject'],
  ListModelsRole: ['s3:GetObject'],
  GetFleetRole: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query', 'sqs:GetQueueAttributes'],
  HealthRole: ['s3:GetObject', 'sqs:GetQueueAttributes'],
  OpenapiRole: [],
  OnUploadRole: [
    ...JOB,
    ...SEND,
    ...WAKE,
    'dynamodb:PutItem',
    'dynamodb:DeleteItem',
    's3:GetObject',
    's3:ListBucket',
  ],
  OnDeadLetterRole: [
    ...JOB,
    ...TELL,
    ...SEND,
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
  ],
  SweepRole: [...JOB, ...TELL, ...SEND],
  ScaleRole: [...JOB, 'dynamodb:Query'],
  ChannelRole: [
    ...JOB,
    'dynamodb:PutItem',
    'dynamodb:DeleteItem',
    'dynamodb:Query',
    's3:GetObject',
    'execute-api:ManageConnections',
  ],
};

const LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const ORDER = ['ecs:DescribeServices', 'ecs:UpdateService'];
const ORDER_INSTANCES = [
  'autoscaling:DescribeAutoScalingGroups',
  'autoscaling:DescribeScalingActivities',
  'autoscaling:SetDesiredCapacity',
  'autoscaling:TerminateInstanceInAutoScalingGroup',
  'ecs:ListContainerInstances',
  'ecs:DescribeContainerInstances',
  'ecs:UpdateContainerInstancesState',
];
const worker: Readonly<Record<string, readonly string[]>> = {
  WorkerTaskRole: [
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:ChangeMessageVisibility',
    ...JOB,
    ...TELL,
    ...SEND,
    'dynamodb:PutItem',
    // Stored answers.
    'dynamodb:BatchGetItem',
    'dynamodb:BatchWriteItem',
    's3:GetObject',
    's3:PutObject',
    's3:DeleteObject',
    's3:ListBucket',
    'ecs:GetTaskProtection',
    'ecs:UpdateTaskProtection',
  ],
  WorkerExecutionRole: [
    ...LOG,
    'ecr:GetAuthorizationToken',
    'ecr:BatchCheckLayerAvailability',
    'ecr:GetDownloadUrlForLayer',
    'ecr:BatchGetImage',
  ],
};
const agent: Readonly<Record<string, readonly string[]>> = {
  InstanceRole: [
    'ecs:DiscoverPollEndpoint',
    'ecs:RegisterContainerInstance',
    'ecs:DeregisterContainerInstance',
    'ecs:SubmitContainerStateChange',
    'ecs:SubmitTaskStateChange',
    'ecs:SubmitAttachmentStateChanges',
    'ecs:Poll',
    'ecs:StartTelemetrySession',
    'ecs:UpdateContainerInstancesState',
  ],
};

describe.each(kindNames)('%s', (kind) => {
  it('gives every function a role of its own, and no right beyond this stack but those listed with a reason', () => {
    expect(policyProblems(template(kind))).toEqual([]);
    expect(template(kind).Resources.IamRoleLambdaExecution).toBeUndefined();
  });

  it('lets each role do exactly what its code does', () => {
    const fleet = { prod: 'gpu', 'prod without fleet': 'none', dev: 'cpu', 'pr-1': 'cpu' }[kind];
    const order = { gpu: [...ORDER, ...ORDER_INSTANCES], cpu: ORDER, none: [] }[fleet] ?? [];
    const functions = Object.entries(does).map(([role, actions]) => [
      role,
      [...LOG, ...actions, ...(role === 'ScaleRole' ? order : [])],
    ]);
    const expected = {
      ...Object.fromEntries(functions),
      ...(fleet === 'none' ? {} : worker),
      ...(fleet === 'gpu' ? agent : {}),
    };
    const found = Map.groupBy(rightsOf(template(kind)), ({ role }) => role);
    const actions = [...found].map(([role, rights]) => [role, rights.map(({ action }) => action)]);
    expect(sorted(Object.fromEntries(actions))).toEqual(sorted(expected));
  });

  it('lets a function write to no log but its own', () => {
    const logs = rightsOf(template(kind)).filter(({ action }) => action === 'logs:PutLogEvents');
    const groups = logs.map(({ resource }) => resource);
    expect(new Set(groups).size).toBe(groups.length);
  });
});

it('lets nobody write where results are read, but the worker', () => {
  const writers = rightsOf(template('prod')).filter(
    ({ action, resource }) => action === 's3:PutObject' && resource.includes('Results'),
  );
  expect(writers.map(({ role }) => role)).toEqual(['WorkerTaskRole']);
});

it('lets nobody in a stage change its models', () => {
  const writers = rightsOf(template('prod')).filter(
    ({ action, resource }) => /^s3:(Put|Delete)/.test(action) && resource.includes('Models'),
  );
  expect(writers).toEqual([]);
});

it('lists no exception that no template needs', () => {
  const used = new Set(kindNames.flatMap((kind) => rightsOf(template(kind)).map(({ action }) => action)));
  expect(exceptions.filter(({ action }) => !used.has(action))).toEqual([]);
});

describe('the rules themselves', () => {
  const broken = (change: (copy: Template) => void): string[] => {
    const copy = structuredClone(template('prod'));
    change(copy);
    return policyProblems(copy);
  };
  const statements = (copy: Template, role: string) =>
    copy.Resources[role]?.Properties.Policies[0].PolicyDocument.Statement;

  it.each<[string, (copy: Template) => void]>([
    [
      'a wildcard for a resource',
      (copy) => Object.assign(statements(copy, 'CreateJobRole')[1], { Resource: '*' }),
    ],
    [
      'a wildcard in an action',
      (copy) => Object.assign(statements(copy, 'SweepRole')[1], { Action: 'dynamodb:*' }),
    ],
    [
      'a bucket of somebody else',
      (copy) => Object.assign(statements(copy, 'HealthRole')[2], { Resource: 'arn:aws:s3:::other/*' }),
    ],
    [
      'all buckets whose name begins like ours',
      (copy) =>
        Object.assign(statements(copy, 'HealthRole')[2], {
          Resource: { 'Fn::Sub': `arn:\${AWS::Partition}:s3:::outboard-*` },
        }),
    ],
    [
      'passing a role',
      (copy) =>
        statements(copy, 'ScaleRole').push({
          Effect: 'Allow',
          Action: 'iam:PassRole',
          Resource: { 'Fn::GetAtt': ['WorkerTaskRole', 'Arn'] },
        }),
    ],
    [
      'a shared role',
      (copy) =>
        Object.assign(copy.Resources.SweepLambdaFunction?.Properties, {
          Role: copy.Resources.ScaleLambdaFunction?.Properties.Role,
        }),
    ],
    [
      'a managed policy',
      (copy) =>
        Object.assign(copy.Resources.InstanceRole?.Properties, {
          ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'],
        }),
    ],
    [
      'a trust in another account',
      (copy) =>
        Object.assign(copy.Resources.ScaleRole?.Properties.AssumeRolePolicyDocument.Statement[0], {
          Principal: { AWS: '111122223333' },
        }),
    ],
    [
      'a function that all of S3 may call',
      (copy) => delete copy.Resources.OnUploadPermission?.Properties.SourceArn,
    ],
  ])('see %s', (_what, change) => {
    expect(broken(change)).not.toEqual([]);
  });

  it('find every function in the table above', () => {
    expect(ofType(template('prod'), 'AWS::Lambda::Function')).toHaveLength(Object.keys(does).length);
  });
});

const sorted = (rights: Readonly<Record<string, Iterable<string>>>) =>
  Object.fromEntries(Object.entries(rights).map(([role, actions]) => [role, [...new Set(actions)].sort()]));
