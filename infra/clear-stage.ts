/**
 * What CloudFormation cannot remove by itself: buckets that are not empty, and instances that are protected from
 * scale-in. Which buckets may be emptied is read from the template that is deployed, never from the parameters of the
 * command: a stage made to keep its data keeps it.
 */
import {
  type AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  SetInstanceProtectionCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  type CloudFormationClient,
  CloudFormationServiceException,
  GetTemplateCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { type ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { DeleteObjectsCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';

/** AWS protects and releases at most so many instances a call. */
const INSTANCES_A_CALL = 50;

export interface Removable {
  /** Buckets that go with the stack. */
  readonly buckets: readonly string[];
  readonly service: { readonly cluster: string; readonly service: string } | undefined;
  readonly group: string | undefined;
}

/** @returns undefined where there is no such stack */
export async function removableOf(
  client: CloudFormationClient,
  stackName: string,
): Promise<Removable | undefined> {
  const template = await deployedTemplate(client, stackName);
  if (template === undefined) return undefined;
  const physical = new Map<string, string>();
  for await (const { StackResourceSummaries = [] } of paginateListStackResources(
    { client },
    { StackName: stackName },
  )) {
    for (const { LogicalResourceId = '', PhysicalResourceId, ResourceStatus } of StackResourceSummaries) {
      if (PhysicalResourceId !== undefined && ResourceStatus !== 'DELETE_COMPLETE')
        physical.set(LogicalResourceId, PhysicalResourceId);
    }
  }
  const vanishing = Object.entries(template.Resources).filter(
    ([, { Type, DeletionPolicy }]) => Type === 'AWS::S3::Bucket' && DeletionPolicy === 'Delete',
  );
  const cluster = physical.get('Cluster');
  const service = physical.get('WorkerService');
  return {
    buckets: vanishing.flatMap(([logicalId]) => physical.get(logicalId) ?? []),
    service: cluster === undefined || service === undefined ? undefined : { cluster, service },
    group: physical.get('GpuInstances'),
  };
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly DeletionPolicy?: string }>>;
}

async function deployedTemplate(
  client: CloudFormationClient,
  StackName: string,
): Promise<Template | undefined> {
  try {
    const { TemplateBody } = await client.send(
      new GetTemplateCommand({ StackName, TemplateStage: 'Original' }),
    );
    return JSON.parse(TemplateBody ?? '{"Resources":{}}') as Template;
  } catch (error) {
    if (error instanceof CloudFormationServiceException && /does not exist/.test(error.message))
      return undefined;
    throw error;
  }
}

/** No new workers; those that run drain, and put nothing into buckets that are being emptied for long. */
export async function stopWorkers(ecs: ECSClient, service: NonNullable<Removable['service']>): Promise<void> {
  await ecs.send(new UpdateServiceCommand({ ...service, desiredCount: 0 }));
}

/** Lets the group end its instances; protected ones would keep CloudFormation waiting until it gives up. */
export async function releaseInstances(client: AutoScalingClient, group: string): Promise<number> {
  const { AutoScalingGroups = [] } = await client.send(
    new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [group] }),
  );
  const ids = (AutoScalingGroups[0]?.Instances ?? []).flatMap(({ InstanceId, ProtectedFromScaleIn }) =>
    InstanceId !== undefined && ProtectedFromScaleIn === true ? [InstanceId] : [],
  );
  for (let start = 0; start < ids.length; start += INSTANCES_A_CALL) {
    await client.send(
      new SetInstanceProtectionCommand({
        AutoScalingGroupName: group,
        InstanceIds: ids.slice(start, start + INSTANCES_A_CALL),
        ProtectedFromScaleIn: false,
      }),
    );
  }
  return ids.length;
}

/** Erases every version of every object. @returns how many */
export async function emptyBucket(client: S3Client, Bucket: string): Promise<number> {
  for (let erased = 0; ; ) {
    const { Versions = [], DeleteMarkers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket }),
    );
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0) return erased;
    const { Errors = [] } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    if (Errors.length > 0)
      throw new Error(`${Bucket}: ${Errors.length} objects stay, the first: ${Errors[0]?.Message}.`);
    erased += Objects.length;
  }
}
