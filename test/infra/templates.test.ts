/** What a deployed stage is, read from its templates: what is kept safe, and what costs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Template } from '../../scripts/package-stage.ts';
import { OPEN_INDEX, OPEN_INDEX_ATTRIBUTES, TENANT_INDEX } from '../../shared/aws/job-index.ts';
import { builtFunctions, type Kind, listed, ofType, packaged } from './stages.ts';

/** CloudFormation takes no more. */
const MAX_RESOURCES = 500;
const MAX_BUNDLE_BYTES = 1_000_000;

/** A fleet of each kind. */
const kinds: readonly Kind[] = ['prod', 'prod without fleet', 'pr-1'];

let templates: Map<Kind, Template>;
const template = (kind: Kind): Template => templates.get(kind) as Template;
const only = (kind: Kind, type: string) => {
  const [found, ...more] = ofType(template(kind), type);
  expect(more).toEqual([]);
  return found?.[1].Properties;
};

beforeAll(async () => {
  templates = await packaged(kinds);
}, 240_000);

it('has the alarms that docs/deploy.md counts and docs/operations.md explains', () => {
  const docs = (file: string) => readFileSync(path.resolve(import.meta.dirname, '../../docs', file), 'utf8');
  const alarms = ofType(template('prod'), 'AWS::CloudWatch::Alarm');
  expect(docs('deploy.md')).toContain(`CloudWatch: ${alarms.length} alarms`);
  const names = alarms.map(([, { Properties }]) =>
    String(Properties.AlarmName).replace(/^outboard-prod-(function-)?/, (_, one) => (one ? 'function-' : '')),
  );
  const explained = docs('operations.md');
  for (const name of names)
    expect(explained).toContain(`| \`${name.replace(/^function-.*/, 'function-<name>')}\` |`);
});

it('has functions of less than a megabyte each', async () => {
  const tooBig = (await builtFunctions()).filter(({ zipBytes }) => zipBytes >= MAX_BUNDLE_BYTES);
  expect(tooBig).toEqual([]);
});

describe.each(kinds)('%s', (kind) => {
  it('stays well below the number of resources a stack may have', () => {
    expect(Object.keys(template(kind).Resources).length).toBeLessThan(MAX_RESOURCES / 2);
  });

  it('keeps every bucket private, encrypted and closed to plain HTTP', () => {
    const buckets = ofType(template(kind), 'AWS::S3::Bucket');
    expect(buckets).toHaveLength(kind === 'pr-1' ? 4 : 5);
    const policies = ofType(template(kind), 'AWS::S3::BucketPolicy').map(([, { Properties }]) => Properties);
    for (const [id, { Properties }] of buckets) {
      expect(JSON.stringify(Properties.BucketEncryption), id).toContain('AES256');
      const policy = policies.find(({ Bucket }) => Bucket.Ref === id);
      const statements = listed(policy?.PolicyDocument.Statement ?? []);
      const tls = statements.find(({ Effect, Condition }) => Effect === 'Deny' && Condition !== undefined);
      expect(tls, id).toMatchObject({
        Action: 's3:*',
        Principal: '*',
        Condition: { Bool: { 'aws:SecureTransport': expect.anything() } },
      });
      expect(String(tls?.Condition.Bool['aws:SecureTransport']), id).toBe('false');
      for (const { Effect, Condition, Action } of statements) {
        if (Effect !== 'Allow') continue;
        // The page's distribution reads the page, and nobody else anything.
        expect([id, Action, Object.keys(Condition.StringEquals)], id).toEqual([
          'PageBucket',
          's3:GetObject',
          ['aws:SourceArn'],
        ]);
      }
      // The bucket of deployments is made by serverless, which leaves new buckets to S3's own default: private.
      if (id === 'ServerlessDeploymentBucket') continue;
      expect(Properties.PublicAccessBlockConfiguration, id).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(Properties.OwnershipControls.Rules, id).toEqual([{ ObjectOwnership: 'BucketOwnerEnforced' }]);
    }
  });

  it('erases uploads and results, though never before the rows that name them', () => {
    const environment =
      template(kind).Resources.CreateDashjobLambdaFunction?.Properties.Environment.Variables;
    const rowSeconds =
      Number(environment.OUTBOARD_JOB_DEADLINE_SECONDS) + Number(environment.OUTBOARD_JOB_RETENTION_SECONDS);
    for (const id of ['UploadsBucket', 'ResultsBucket']) {
      const bucket = template(kind).Resources[id]?.Properties;
      const [rule] = bucket.LifecycleConfiguration.Rules;
      expect(rule).toMatchObject({ Status: 'Enabled' });
      expect(rule.Prefix ?? rule.Filter).toBeUndefined();
      expect(rule.ExpirationInDays * 86_400).toBeGreaterThan(rowSeconds);
    }
    expect(template(kind).Resources.ModelsBucket?.Properties.VersioningConfiguration.Status).toBe('Enabled');
  });

  it('has a table that can be restored, drops old rows, and is indexed as the code asks it', () => {
    const table = only(kind, 'AWS::DynamoDB::Table');
    expect(table.BillingMode).toBe('PAY_PER_REQUEST');
    expect(table.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(true);
    expect(table.TimeToLiveSpecification).toEqual({ AttributeName: 'expires_at', Enabled: true });
    const indexes = table.GlobalSecondaryIndexes.map(({ IndexName, Projection }: Record<string, unknown>) => [
      IndexName,
      Projection,
    ]);
    expect(Object.fromEntries(indexes)).toEqual({
      [TENANT_INDEX]: { ProjectionType: 'ALL' },
      [OPEN_INDEX]: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...OPEN_INDEX_ATTRIBUTES] },
    });
  });

  it('keeps every log for a stated time', () => {
    const functions = ofType(template(kind), 'AWS::Lambda::Function').map(
      ([, { Properties }]) => `/aws/lambda/${Properties.FunctionName}`,
    );
    const groups = ofType(template(kind), 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties);
    expect(groups.filter(({ RetentionInDays }) => !(RetentionInDays > 0))).toEqual([]);
    expect(groups.map(({ LogGroupName }) => LogGroupName)).toEqual(expect.arrayContaining(functions));
  });

  it('asks every route for a key but health and the OpenAPI document, and bounds each key', () => {
    const open = ofType(template(kind), 'AWS::ApiGateway::Method')
      .filter(([, { Properties }]) => !Properties.ApiKeyRequired && Properties.HttpMethod !== 'OPTIONS')
      .map(([id]) => id);
    expect(open).toEqual(['ApiGatewayMethodV1HealthGet', 'ApiGatewayMethodV1OpenapijsonGet']);
    const { Throttle, Quota } = only(kind, 'AWS::ApiGateway::UsagePlan');
    expect(Throttle.RateLimit).toBeGreaterThan(0);
    expect(Throttle.BurstLimit).toBeGreaterThan(0);
    expect(Quota.Limit).toBeGreaterThan(0);
  });

  it('tells the outboard command where everything is', () => {
    const always = ['JobQueueUrl', 'DeadLetterQueueUrl', 'JobsTableName', 'ServiceEndpoint'];
    const buckets = ['UploadsBucketName', 'ResultsBucketName', 'ModelsBucketName'];
    const fleet = kind === 'prod without fleet' ? [] : ['ClusterName', 'WorkerServiceName'];
    const group = kind === 'prod' ? ['WorkerGroupName'] : [];
    const outputs = Object.keys(template(kind).Outputs ?? {});
    expect(outputs).toEqual(expect.arrayContaining([...always, ...buckets, ...fleet, ...group]));
  });

  it('lets nothing in from the network', () => {
    expect(ofType(template(kind), 'AWS::EC2::SecurityGroupIngress')).toEqual([]);
    for (const [, { Properties }] of ofType(template(kind), 'AWS::EC2::SecurityGroup')) {
      expect(Properties.SecurityGroupIngress ?? []).toEqual([]);
    }
  });

  it('starts with no worker, and leaves their number alone from then on', () => {
    for (const [, { Properties }] of ofType(template(kind), 'AWS::ECS::Service')) {
      expect(Properties.DesiredCount).toEqual({ 'Fn::If': ['NewFleet', 0, { Ref: 'AWS::NoValue' }] });
    }
    for (const [, { Properties }] of ofType(template(kind), 'AWS::AutoScaling::AutoScalingGroup')) {
      expect(Properties).not.toHaveProperty('DesiredCapacity');
      expect(Number(Properties.MinSize)).toBe(0);
    }
  });

  it('costs nothing by the hour', () => {
    const types = new Set(Object.values(template(kind).Resources).map(({ Type }) => Type));
    const hourly =
      /NatGateway|::EIP$|LoadBalancer|::RDS::|ElastiCache|OpenSearch|::EC2::Instance$|KinesisStream|::KMS::Key$/;
    expect([...types].filter((type) => hourly.test(type))).toEqual([]);
    for (const [, { Properties }] of ofType(template(kind), 'AWS::EC2::VPCEndpoint'))
      expect(Properties.VpcEndpointType).toBe('Gateway');
    for (const [, { Properties }] of ofType(template(kind), 'AWS::Lambda::Function'))
      expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
    expect([...types]).not.toContain('AWS::Lambda::Alias');
  });
});

describe('a worker', () => {
  it.each<Kind>(['prod', 'pr-1'])('of %s can write to its scratch volume only, as nobody special', (kind) => {
    const task = only(kind, 'AWS::ECS::TaskDefinition');
    const [container, ...others] = task.ContainerDefinitions;
    expect(others).toEqual([]);
    expect(container).toMatchObject({
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: '/scratch', SourceVolume: task.Volumes[0].Name }],
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
      HealthCheck: { Command: ['CMD', 'node', 'gpu-worker/healthcheck.ts'] },
    });
    expect(container.User).not.toMatch(/^(0|root)/);
    expect(container.Privileged).toBeUndefined();
    expect(container.LogConfiguration.Options['awslogs-group']).toEqual({ Ref: 'WorkerLog' });
  });

  it.each<Kind>(['prod', 'pr-1'])(
    'of %s has longer to stop than it drains, and less than spot gives',
    (kind) => {
      const [container] = only(kind, 'AWS::ECS::TaskDefinition').ContainerDefinitions;
      const drain = container.Environment.find(
        ({ Name }: { Name: string }) => Name === 'OUTBOARD_SHUTDOWN_SECONDS',
      );
      expect(container.StopTimeout).toBeGreaterThan(Number(drain.Value));
      expect(container.StopTimeout).toBeLessThan(120);
    },
  );

  it('has a GPU of its own in prod, out of reach of the instance metadata', () => {
    const task = only('prod', 'AWS::ECS::TaskDefinition');
    expect(task.ContainerDefinitions[0].ResourceRequirements).toEqual([{ Type: 'GPU', Value: '1' }]);
    expect(task.NetworkMode).toBe('bridge');
    const { MetadataOptions, BlockDeviceMappings, UserData } = only('prod', 'AWS::EC2::LaunchTemplate')
      .LaunchTemplateData as Record<string, never>;
    expect(MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
    expect(BlockDeviceMappings).toMatchObject([{ Ebs: { Encrypted: true, VolumeType: 'gp3' } }]);
    expect(JSON.stringify(UserData)).toContain('ECS_ENABLE_SPOT_INSTANCE_DRAINING=true');
  });

  it('leaves its instance before the instance goes', () => {
    const group = only('prod', 'AWS::AutoScaling::AutoScalingGroup');
    expect(group).toMatchObject({ NewInstancesProtectedFromScaleIn: true, CapacityRebalance: true });
    expect(group.MixedInstancesPolicy.InstancesDistribution).toMatchObject({
      SpotAllocationStrategy: 'price-capacity-optimized',
    });
    expect(group.MixedInstancesPolicy.LaunchTemplate.Overrides.length).toBeGreaterThan(1);
    expect(only('prod', 'AWS::ECS::CapacityProvider').AutoScalingGroupProvider).toMatchObject({
      ManagedTerminationProtection: 'ENABLED',
      ManagedDraining: 'ENABLED',
      ManagedScaling: { Status: 'ENABLED' },
    });
  });
});

describe('a preview', () => {
  it('has nothing that costs while nobody uses it', () => {
    const types = Object.values(template('pr-1').Resources).map(({ Type }) => Type);
    expect(types.filter((type) => /CloudWatch|SNS|AutoScaling/.test(type))).toEqual([]);
  });

  it('goes with all it holds, while prod keeps its data', () => {
    const keeping = (kind: Kind) =>
      ['AWS::S3::Bucket', 'AWS::DynamoDB::Table'].flatMap((type) =>
        ofType(template(kind), type)
          .filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain')
          .map(([id]) => id),
      );
    expect(keeping('pr-1')).toEqual([]);
    expect(keeping('prod')).toEqual(['UploadsBucket', 'ResultsBucket', 'ModelsBucket', 'JobsTable']);
  });
});

describe('alarms', () => {
  it('each say what they mean and what to do, and tell somebody', () => {
    const alarms = ofType(template('prod'), 'AWS::CloudWatch::Alarm');
    expect(alarms.length).toBeGreaterThan(10);
    for (const [id, { Properties }] of alarms) {
      expect(Properties.AlarmDescription.length, id).toBeGreaterThan(100);
      expect(Properties.AlarmActions, id).toContainEqual({ Ref: 'AlarmTopic' });
      expect(Properties.TreatMissingData, id).toBe('notBreaching');
    }
  });

  it('watch every function', () => {
    const alarms = JSON.stringify(ofType(template('prod'), 'AWS::CloudWatch::Alarm'));
    for (const [id] of ofType(template('prod'), 'AWS::Lambda::Function'))
      expect(alarms, id).toContain(JSON.stringify({ Name: 'FunctionName', Value: { Ref: id } }));
  });

  it('call the scaling function where work waits and nobody works, and may', () => {
    const scale = { 'Fn::GetAtt': ['ScaleLambdaFunction', 'Arn'] };
    expect(template('prod').Resources.NoWorkerAlarm?.Properties.AlarmActions).toContainEqual(scale);
    expect(template('prod').Resources.NoWorkerMayScale?.Properties).toMatchObject({
      Principal: 'lambda.alarms.cloudwatch.amazonaws.com',
      SourceArn: { 'Fn::GetAtt': ['NoWorkerAlarm', 'Arn'] },
      FunctionName: { Ref: 'ScaleLambdaFunction' },
    });
  });
});
