/**
 * The machines: one ECS service whose tasks are workers and, where they run on EC2, the Auto Scaling group below it.
 * Managed scaling of the group stays on as the net, but is not waited for: it takes a minute to notice that more is
 * wanted and a quarter of an hour to let an empty machine go (docs/scaling.md shows what that costs). So the group grows
 * with the service, and machines without a task are closed to new ones and ended.
 */
import {
  type AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  DescribeScalingActivitiesCommand,
  SetDesiredCapacityCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  type ContainerInstance,
  DescribeContainerInstancesCommand,
  DescribeServicesCommand,
  type ECSClient,
  ListContainerInstancesCommand,
  UpdateContainerInstancesStateCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import type { CapacityError } from '../fleet.ts';

export interface Capacity {
  /** Workers ordered. */
  readonly desired: number;
  /** Workers or machines that are paid for. */
  readonly running: number;
  readonly error?: CapacityError;
}

interface Names {
  readonly cluster: string;
  readonly service: string;
  /** Auto Scaling group; absent on Fargate. */
  readonly group?: string | undefined;
}

/** An error older than this says nothing about now. */
const ERROR_FRESH_MS = 15 * 60_000;
const ACTIVITIES_READ = 10;
/** As many as ECS describes in one call; the rest is seen to a minute later. */
const INSTANCES_READ = 100;

export class FleetCapacity {
  readonly #ecs: ECSClient;
  readonly #autoScaling: AutoScalingClient;
  readonly #names: Names;

  constructor(clients: { ecs: ECSClient; autoScaling: AutoScalingClient }, names: Names) {
    this.#ecs = clients.ecs;
    this.#autoScaling = clients.autoScaling;
    this.#names = names;
  }

  /** @throws where the service is not there. */
  async describe(now: Date): Promise<Capacity> {
    const { cluster, service, group } = this.#names;
    const { services } = await this.#ecs.send(new DescribeServicesCommand({ cluster, services: [service] }));
    const found = services?.[0];
    if (found === undefined) throw new Error(`There is no service ${service} in the cluster ${cluster}.`);
    const { desiredCount = 0, runningCount = 0, pendingCount = 0, events = [] } = found;
    if (group === undefined) {
      const error = fromServiceEvents(events, now);
      return {
        desired: desiredCount,
        running: runningCount + pendingCount,
        ...(error === undefined ? {} : { error }),
      };
    }
    const [running, error] = await Promise.all([this.#machines(group), this.#activityError(group, now)]);
    return { desired: desiredCount, running, ...(error === undefined ? {} : { error }) };
  }

  async order(workers: number): Promise<void> {
    const { cluster, service, group } = this.#names;
    await this.#ecs.send(new UpdateServiceCommand({ cluster, service, desiredCount: workers }));
    if (group === undefined || (await this.#groupDesired(group)) >= workers) return;
    await this.#autoScaling.send(
      new SetDesiredCapacityCommand({
        AutoScalingGroupName: group,
        DesiredCapacity: workers,
        HonorCooldown: false,
      }),
    );
  }

  /**
   * Ends machines that have no task, as many as there are more than wanted. A machine is first closed to new tasks and
   * looked at again, so that none can be given to it in between.
   * @returns how many were ended
   */
  async releaseEmpty(wanted: number): Promise<number> {
    const { cluster, group } = this.#names;
    if (group === undefined) return 0;
    const tooMany = (await this.#machines(group)) - wanted;
    if (tooMany <= 0) return 0;
    const { containerInstanceArns = [] } = await this.#ecs.send(
      new ListContainerInstancesCommand({ cluster }),
    );
    const empty = (await this.#instances(containerInstanceArns)).filter(isEmpty).slice(0, tooMany);
    const arns = empty.flatMap(({ containerInstanceArn }) => containerInstanceArn ?? []);
    if (arns.length === 0) return 0;
    await this.#ecs.send(
      new UpdateContainerInstancesStateCommand({ cluster, containerInstances: arns, status: 'DRAINING' }),
    );
    const still = (await this.#instances(arns)).filter(isEmpty);
    for (const { ec2InstanceId } of still) {
      await this.#autoScaling.send(
        new TerminateInstanceInAutoScalingGroupCommand({
          InstanceId: ec2InstanceId,
          ShouldDecrementDesiredCapacity: true,
        }),
      );
    }
    return still.length;
  }

  async #instances(arns: readonly string[]): Promise<ContainerInstance[]> {
    if (arns.length === 0) return [];
    const { containerInstances = [] } = await this.#ecs.send(
      new DescribeContainerInstancesCommand({
        cluster: this.#names.cluster,
        containerInstances: arns.slice(0, INSTANCES_READ),
      }),
    );
    return containerInstances;
  }

  async #group(group: string) {
    const { AutoScalingGroups } = await this.#autoScaling.send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [group] }),
    );
    return AutoScalingGroups?.[0];
  }

  async #groupDesired(group: string): Promise<number> {
    return (await this.#group(group))?.DesiredCapacity ?? 0;
  }

  /** An instance is paid for from its launch to its end, whatever its tasks do. */
  async #machines(group: string): Promise<number> {
    return (await this.#group(group))?.Instances?.length ?? 0;
  }

  /** The newest activity is what counts: a launch that succeeded after a failure ends the trouble. */
  async #activityError(group: string, now: Date): Promise<CapacityError | undefined> {
    const { Activities = [] } = await this.#autoScaling.send(
      new DescribeScalingActivitiesCommand({ AutoScalingGroupName: group, MaxRecords: ACTIVITIES_READ }),
    );
    const launch = Activities.find(({ Description }) => Description?.startsWith('Launching') === true);
    if (launch?.StatusCode !== 'Failed' && launch?.StatusCode !== 'Cancelled') return undefined;
    return asCapacityError(launch.StatusMessage ?? '', launch.StartTime, now);
  }
}

const isEmpty = ({ runningTasksCount, pendingTasksCount }: ContainerInstance): boolean =>
  runningTasksCount === 0 && pendingTasksCount === 0;

/** What ECS says when Fargate has no room or the account no quota. */
function fromServiceEvents(
  events: readonly { readonly message?: string | undefined; readonly createdAt?: Date | undefined }[],
  now: Date,
): CapacityError | undefined {
  const newest = events.find(({ message }) =>
    /unable to place|was unable|has reached a steady|has started/.test(message ?? ''),
  );
  if (newest === undefined || !/unable/.test(newest.message ?? '')) return undefined;
  return asCapacityError(newest.message ?? '', newest.createdAt, now);
}

/** Codes as EC2 and Fargate name them; the whole message goes along for those not listed. */
const CODES =
  /InsufficientInstanceCapacity|VcpuLimitExceeded|MaxSpotInstanceCountExceeded|UnfulfillableCapacity|SpotMaxPriceTooLow|InsufficientFreeAddressesInSubnet|InstanceLimitExceeded|Unsupported/;

function asCapacityError(message: string, at: Date | undefined, now: Date): CapacityError | undefined {
  if (at === undefined || now.getTime() - at.getTime() > ERROR_FRESH_MS) return undefined;
  const named = CODES.exec(message)?.[0];
  // The same errors as sentences, as scaling activities often carry them.
  const told = /do not have sufficient|no Spot capacity|insufficient capacity|Capacity is unavailable/i.test(
    message,
  )
    ? 'InsufficientInstanceCapacity'
    : /vCPU limit|vcpu capacity/i.test(message)
      ? 'VcpuLimitExceeded'
      : 'CapacityError';
  return { code: named ?? told, message, at: at.toISOString() };
}
