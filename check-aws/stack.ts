/**
 * The compiled template of a stage, deployed to moto's CloudFormation as `serverless deploy` would: a first stack with the
 * bucket of the zips, then the whole. What was made is found by type and by the names of the template, never by order.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  type Parameter,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { DescribeSubnetsCommand, DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Template } from '../scripts/package-stage.ts';
import { credentials, REGION } from './emulator-account.ts';

const BUILD = path.resolve(import.meta.dirname, '../.build');
const ZIP_BUCKET = 'ServerlessDeploymentBucket';
const Capabilities: ('CAPABILITY_IAM' | 'CAPABILITY_NAMED_IAM')[] = [
  'CAPABILITY_IAM',
  'CAPABILITY_NAMED_IAM',
];

export interface DeployedFunction {
  readonly logicalId: string;
  readonly name: string;
  readonly handler: string;
  readonly zip: string;
  readonly timeoutMs: number;
  /** As the stack resolved it. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface DeployedStack {
  readonly functions: readonly DeployedFunction[];
  /** Logical names of what was asked for and is not there, with their types. */
  readonly missing: readonly string[];
  /** The name or address that CloudFormation gave a resource. */
  physicalId(logicalId: string): string;
}

/** @throws Error with what CloudFormation answered */
export async function deployStack(
  endpoint: string,
  stackName: string,
  template: Template,
): Promise<DeployedStack> {
  const client = { endpoint, region: REGION, credentials };
  const cloudFormation = new CloudFormationClient(client);
  const StackName = stackName;
  const describe = async () =>
    (await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }))).StackResources ?? [];

  const first = JSON.stringify({ Resources: { [ZIP_BUCKET]: template.Resources[ZIP_BUCKET] } });
  await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody: first, Capabilities }));
  const [bucket] = await describe();
  await uploadZips(
    new S3Client({ ...client, forcePathStyle: true }),
    bucket?.PhysicalResourceId ?? '',
    template,
  );
  const Parameters = await stackParameters(new EC2Client(client), template);
  const TemplateBody = JSON.stringify(template);
  await cloudFormation.send(new UpdateStackCommand({ StackName, TemplateBody, Parameters, Capabilities }));

  const made = new Map((await describe()).map((each) => [each.LogicalResourceId, each.PhysicalResourceId]));
  const physicalId = (logicalId: string): string => {
    const id = made.get(logicalId);
    if (id === undefined) throw new Error(`The stack has no ${logicalId}.`);
    return id;
  };
  const lambda = new LambdaClient(client);
  const functions = resourcesOf(template, 'AWS::Lambda::Function').map(
    async ([logicalId, { Properties }]) => {
      const name = physicalId(logicalId);
      const found = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
      return {
        logicalId,
        name,
        handler: String(Properties.Handler),
        zip: zipOf(Properties.Code.S3Key),
        timeoutMs: Number(Properties.Timeout) * 1000,
        environment: found.Environment?.Variables ?? {},
      };
    },
  );
  return {
    functions: await Promise.all(functions),
    missing: Object.entries(template.Resources).flatMap(([id, { Type }]) =>
      made.has(id) ? [] : [`${id} (${Type})`],
    ),
    physicalId,
  };
}

export const resourcesOf = (template: Template, type: string) =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

const zipOf = (key: string): string => path.join(BUILD, path.basename(key));

async function uploadZips(s3: S3Client, bucket: string, template: Template): Promise<void> {
  for (const [, { Properties }] of resourcesOf(template, 'AWS::Lambda::Function')) {
    const key: string = Properties.Code.S3Key;
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: await readFile(zipOf(key)) }));
  }
}

/** What a deploy looks up in the account: here every account has a default VPC with its subnets. */
async function stackParameters(ec2: EC2Client, { Parameters = {} }: Template): Promise<Parameter[]> {
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand());
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand());
  const byType: Record<string, string> = {
    'AWS::EC2::VPC::Id': Vpcs[0]?.VpcId ?? '',
    'List<AWS::EC2::Subnet::Id>': Subnets.map(({ SubnetId }) => SubnetId).join(','),
  };
  return Object.entries(Parameters).flatMap(([ParameterKey, { Type }]) => {
    const ParameterValue = byType[Type];
    return ParameterValue === undefined ? [] : [{ ParameterKey, ParameterValue }];
  });
}
