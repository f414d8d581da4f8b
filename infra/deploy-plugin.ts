/**
 * What only the account knows, looked up when a stage is deployed or removed; packaging needs no credentials.
 *   deploy: the parameters of infra/network.yml and infra/worker.yml: default VPC, its subnets and route tables, whether
 *   the service of workers is there already;
 *   remove: empties the buckets of a stage that is to vanish (`removal: Delete`) and lets go of its GPU instances, neither
 *   of which CloudFormation does.
 */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECSClient } from '@aws-sdk/client-ecs';
import { S3Client } from '@aws-sdk/client-s3';
import { emptyBucket, releaseInstances, removableOf, stopWorkers } from './clear-stage.ts';
import { fleetParameters, type Placement } from './fleet-parameters.ts';

/** The part of serverless that this plugin uses. */
export interface Serverless {
  readonly service: {
    readonly custom: { readonly placement: Placement };
    readonly provider: {
      stackParameters?: { ParameterKey: string; ParameterValue: string }[];
      readonly compiledCloudFormationTemplate: { readonly Parameters?: Readonly<Record<string, unknown>> };
      readonly shouldNotDeploy?: boolean;
    };
  };
  getProvider(name: 'aws'): {
    getStage(): string;
    getRegion(): string;
    getAwsSdkV3Config(): Promise<{ readonly region: string }>;
    readonly naming: { getStackName(): string };
  };
}

interface Utilities {
  readonly log: { notice(text: string): void };
}

export default class DeployPlugin {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;
  readonly #say: (text: string) => void;

  constructor(serverless: Serverless, _options: unknown, { log }: Utilities) {
    this.#serverless = serverless;
    this.#say = (text) => log.notice(text);
    this.hooks = {
      // Not earlier: the first template of a new stack has no parameters and would refuse these.
      'before:aws:deploy:deploy:updateStack': () => this.#setParameters(),
      'before:remove:remove': () => this.#clear(),
    };
  }

  async #setParameters(): Promise<void> {
    const { custom, provider } = this.#serverless.service;
    // A stage without a fleet has no such parameters.
    if (provider.shouldNotDeploy === true || provider.compiledCloudFormationTemplate.Parameters === undefined)
      return;
    const aws = this.#serverless.getProvider('aws');
    const config = await aws.getAwsSdkV3Config();
    const account = {
      ec2: new EC2Client(config),
      ecs: new ECSClient(config),
      region: aws.getRegion(),
      stage: aws.getStage(),
    };
    const { vpcId, subnetIds, gatewayEndpoints } = custom.placement;
    const found = await fleetParameters(account, {
      vpcId,
      subnetIds,
      gatewayEndpoints: String(gatewayEndpoints) === 'true',
    });
    this.#say(`Workers go to ${found.VpcId}, subnets ${found.SubnetIds}`);
    provider.stackParameters = [
      ...(provider.stackParameters ?? []),
      ...Object.entries(found).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })),
    ];
  }

  async #clear(): Promise<void> {
    const aws = this.#serverless.getProvider('aws');
    const config = await aws.getAwsSdkV3Config();
    const stage = await removableOf(new CloudFormationClient(config), aws.naming.getStackName());
    if (stage === undefined) return;
    if (stage.service !== undefined) await stopWorkers(new ECSClient(config), stage.service);
    if (stage.group !== undefined) {
      const released = await releaseInstances(new AutoScalingClient(config), stage.group);
      if (released > 0) this.#say(`${released} GPU instances may end`);
    }
    for (const bucket of stage.buckets) {
      const erased = await emptyBucket(new S3Client(config), bucket);
      this.#say(`${bucket} is empty (${erased} objects erased)`);
    }
  }
}
