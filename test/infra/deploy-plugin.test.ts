/** What the deploy plugin looks up and clears, against an account in moto's server (a Python package). */
import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling';
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import {
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import {
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import DeployPlugin, { type Serverless } from '../../infra/deploy-plugin.ts';
import { testPort } from '../port.ts';
import { hasMoto, startMoto } from './moto.ts';

const region = 'us-east-1';
const STAGE = 'pr-7';
const STACK = `outboard-${STAGE}`;
const nowhere = { vpcId: '', subnetIds: '', gatewayEndpoints: true };
let moto: Awaited<ReturnType<typeof startMoto>>;

describe.skipIf(!hasMoto)('deploying and removing (skipped without moto_server on PATH)', () => {
  beforeAll(async () => {
    moto = await startMoto(testPort(5_900));
  });
  afterAll(() => moto?.close());
  beforeEach(async () => {
    await fetch(`${moto.url}/moto-api/reset`, { method: 'POST' });
  });

  const config = () => ({
    region,
    endpoint: moto.url,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    forcePathStyle: true,
  });

  /** serverless, as far as the plugin sees it. */
  function setup(placement = nowhere, compiledCloudFormationTemplate: object = { Parameters: {} }) {
    const said: string[] = [];
    const provider: Serverless['service']['provider'] = { compiledCloudFormationTemplate };
    const serverless: Serverless = {
      service: { custom: { placement }, provider },
      getProvider: () => ({
        getStage: () => STAGE,
        getRegion: () => region,
        getAwsSdkV3Config: async () => config(),
        naming: { getStackName: () => STACK },
      }),
    };
    const plugin = new DeployPlugin(serverless, {}, { log: { notice: (text) => void said.push(text) } });
    const run = async (hook: string) => {
      await plugin.hooks[hook]?.();
      const set = provider.stackParameters ?? [];
      return Object.fromEntries(
        set.map(({ ParameterKey, ParameterValue }) => [ParameterKey, ParameterValue]),
      );
    };
    return {
      deploy: () => run('before:aws:deploy:deploy:updateStack'),
      remove: () => run('before:remove:remove'),
      said,
    };
  }

  const ec2 = () => new EC2Client(config());
  const defaultVpc = async () => {
    const { Vpcs = [] } = await ec2().send(new DescribeVpcsCommand({}));
    return Vpcs.find(({ IsDefault }) => IsDefault)?.VpcId ?? '';
  };

  it('places workers in all subnets of the default VPC and makes both gateway endpoints', async () => {
    const found = await setup().deploy();
    expect(found).toMatchObject({
      VpcId: await defaultVpc(),
      RouteTableIds: expect.stringMatching(/^rtb-\w+$/),
      MakeS3Endpoint: 'yes',
      MakeDynamoDbEndpoint: 'yes',
      FleetRuns: 'no',
    });
    expect(found.SubnetIds?.split(',').length).toBeGreaterThan(1);
  });

  it('takes the given subnets, and finds their VPC', async () => {
    const { Vpc } = await ec2().send(new CreateVpcCommand({ CidrBlock: '10.1.0.0/16' }));
    const { Subnet } = await ec2().send(
      new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: '10.1.0.0/24' }),
    );
    const subnetIds = Subnet?.SubnetId ?? '';
    const found = await setup({ vpcId: '', subnetIds, gatewayEndpoints: false }).deploy();
    expect(found).toMatchObject({ VpcId: Vpc?.VpcId, SubnetIds: subnetIds, MakeS3Endpoint: 'no' });
  });

  it('leaves an endpoint of somebody else alone, and keeps its own', async () => {
    const VpcId = await defaultVpc();
    const make = (service: string, stage: string) =>
      ec2().send(
        new CreateVpcEndpointCommand({
          VpcId,
          VpcEndpointType: 'Gateway',
          ServiceName: `com.amazonaws.${region}.${service}`,
          TagSpecifications: [
            { ResourceType: 'vpc-endpoint', Tags: [{ Key: 'outboard-stage', Value: stage }] },
          ],
        }),
      );
    await make('s3', 'prod');
    await make('dynamodb', STAGE);
    expect(await setup().deploy()).toMatchObject({ MakeS3Endpoint: 'no', MakeDynamoDbEndpoint: 'yes' });
  });

  it('says what to do where there is no default VPC', async () => {
    const VpcId = await defaultVpc();
    const { Subnets = [] } = await ec2().send(
      new DescribeSubnetsCommand({ Filters: [{ Name: 'vpc-id', Values: [VpcId] }] }),
    );
    for (const { SubnetId } of Subnets) await ec2().send(new DeleteSubnetCommand({ SubnetId }));
    await ec2().send(new DeleteVpcCommand({ VpcId }));
    await expect(setup().deploy()).rejects.toThrow('set vpcId and subnetIds');
  });

  it('looks nothing up for a stage without a fleet', async () => {
    expect(await setup(nowhere, {}).deploy()).toEqual({});
  });

  it('knows a fleet that runs already, so that its number of workers stays', async () => {
    const ecs = new ECSClient(config());
    await ecs.send(new CreateClusterCommand({ clusterName: STACK }));
    expect(await setup().deploy()).toMatchObject({ FleetRuns: 'no' });
    const containerDefinitions = [{ name: 'worker', image: 'worker', memory: 64 }];
    await ecs.send(new RegisterTaskDefinitionCommand({ family: 'worker', containerDefinitions }));
    await ecs.send(
      new CreateServiceCommand({
        cluster: STACK,
        serviceName: 'w',
        taskDefinition: 'worker',
        desiredCount: 3,
      }),
    );
    expect(await setup().deploy()).toMatchObject({ FleetRuns: 'yes' });
  });

  const makeStack = (Resources: object) =>
    new CloudFormationClient(config()).send(
      new CreateStackCommand({ StackName: STACK, TemplateBody: JSON.stringify({ Resources }) }),
    );
  const bucket = (BucketName: string, DeletionPolicy?: string) => ({
    Type: 'AWS::S3::Bucket',
    ...(DeletionPolicy === undefined ? {} : { DeletionPolicy }),
    Properties: { BucketName },
  });
  const versionsIn = async (Bucket: string): Promise<number> => {
    const { Versions = [] } = await new S3Client(config()).send(new ListObjectVersionsCommand({ Bucket }));
    return Versions.length;
  };

  it('empties the buckets that go with the stack, every version, and no other', async () => {
    await makeStack({
      Results: bucket('results', 'Delete'),
      Models: bucket('models', 'Retain'),
      Own: bucket('own'),
    });
    const s3 = new S3Client(config());
    for (const Bucket of ['results', 'models', 'own']) {
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
      for (const Body of ['one', 'two']) await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body }));
    }
    const { remove, said } = setup();
    await remove();
    expect([await versionsIn('results'), await versionsIn('models'), await versionsIn('own')]).toEqual([
      0, 2, 2,
    ]);
    expect(said).toEqual(['results is empty (2 objects erased)']);
  });

  it('lets go of GPU instances that are protected from scale-in', async () => {
    const { Subnets = [] } = await ec2().send(new DescribeSubnetsCommand({}));
    await makeStack({
      Launch: {
        Type: 'AWS::AutoScaling::LaunchConfiguration',
        Properties: { ImageId: 'ami-12c6146b', InstanceType: 'g4dn.xlarge' },
      },
      GpuInstances: {
        Type: 'AWS::AutoScaling::AutoScalingGroup',
        Properties: {
          MinSize: '0',
          MaxSize: '2',
          DesiredCapacity: '2',
          NewInstancesProtectedFromScaleIn: true,
          VPCZoneIdentifier: [Subnets[0]?.SubnetId],
          LaunchConfigurationName: { Ref: 'Launch' },
        },
      },
    });
    const protection = async () => {
      const { AutoScalingGroups = [] } = await new AutoScalingClient(config()).send(
        new DescribeAutoScalingGroupsCommand({}),
      );
      return AutoScalingGroups[0]?.Instances?.map(({ ProtectedFromScaleIn }) => ProtectedFromScaleIn);
    };
    expect(await protection()).toEqual([true, true]);
    await setup().remove();
    expect(await protection()).toEqual([false, false]);
  });

  it('has nothing to do where the stage is gone', async () => {
    const { remove, said } = setup();
    await remove();
    expect(said).toEqual([]);
  });
});
