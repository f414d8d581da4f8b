/**
 * Looks at everything a stage is made of, without changing anything. A part that cannot be looked at is a fact too:
 * the others are still told.
 */
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeImagesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { connectFleet, connectJobs, connectQueue } from '../../shared/aws/connect.ts';
import { connectCatalog } from '../../shared/aws/connect-catalog.ts';
import { connectCapacity } from '../../shared/aws/connect-fleet.ts';
import type { Capacity } from '../../shared/aws/fleet-capacity.ts';
import type { OpenWork } from '../../shared/aws/job-index.ts';
import type { FleetRecord, WorkerRecord } from '../../shared/fleet.ts';
import type { ModelCatalog } from '../../shared/model.ts';
import { type Stage, settingsOf, stackName } from '../stage.ts';

/** What was found, or why it could not be. */
export type Fact<T> = { readonly value: T } | { readonly error: string };

export interface Facts {
  readonly now: Date;
  readonly api: Fact<{ readonly status: number; readonly milliseconds: number }>;
  readonly waiting: Fact<number>;
  readonly deadLetters: Fact<number>;
  readonly open: Fact<OpenWork>;
  readonly fleet: Fact<FleetRecord | undefined>;
  readonly workers: Fact<readonly WorkerRecord[]>;
  /** Undefined where the stage orders no machines. */
  readonly capacity: Fact<Capacity> | undefined;
  /** Whether the worker's image is there; undefined where none is needed. */
  readonly image: Fact<{ readonly tag: string; readonly pushed: string | undefined }> | undefined;
  readonly models: Fact<ModelCatalog>;
  /** Names of the alarms that ring; undefined on one machine. */
  readonly alarms: Fact<readonly string[]> | undefined;
}

const IMAGE_REPOSITORY = 'outboard-worker';
const API_TIMEOUT_MS = 10_000;

/** @param imageTag which image the workers run */
export async function gatherFacts(stage: Stage, imageTag: string): Promise<Facts> {
  const settings = settingsOf(stage);
  const now = new Date();
  const { index } = connectJobs(settings);
  const fleet = connectFleet(settings);
  const capacity = connectCapacity(settings);
  const [api, waiting, deadLetters, open, record, workers, machines, image, models, alarms] =
    await Promise.all([
      fact(() => askHealth(stage)),
      fact(() => connectQueue(settings).depth()),
      fact(() => connectQueue({ ...settings, OUTBOARD_QUEUE_URL: stage.deadLetterUrl }).depth()),
      fact(() => index.openWork()),
      fact(() => fleet.read()),
      fact(() => fleet.workers(now)),
      capacity === undefined ? undefined : fact(() => capacity.describe(now)),
      stage.service === undefined ? undefined : fact(() => findImage(imageTag)),
      fact(() => connectCatalog(settings).read()),
      stage.isLocal ? undefined : fact(() => ringingAlarms(stage.name)),
    ]);
  return {
    now,
    api,
    waiting,
    deadLetters,
    open,
    fleet: record,
    workers,
    capacity: machines,
    image,
    models,
    alarms,
  };
}

async function fact<T>(look: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { value: await look() };
  } catch (error) {
    // Node puts the reasons of a refused connection into an error without a message.
    const { message, code } = error as Error & { code?: string };
    return { error: message || code || String(error) };
  }
}

async function askHealth({ apiUrl }: Stage) {
  if (apiUrl === undefined) throw new Error('The stack has no output ServiceEndpoint.');
  const start = performance.now();
  const answer = await fetch(`${apiUrl}/v1/health`, { signal: AbortSignal.timeout(API_TIMEOUT_MS) });
  await answer.arrayBuffer();
  return { status: answer.status, milliseconds: Math.round(performance.now() - start) };
}

async function findImage(tag: string) {
  const { imageDetails } = await new ECRClient({}).send(
    new DescribeImagesCommand({ repositoryName: IMAGE_REPOSITORY, imageIds: [{ imageTag: tag }] }),
  );
  return { tag, pushed: imageDetails?.[0]?.imagePushedAt?.toISOString() };
}

async function ringingAlarms(stage: string): Promise<string[]> {
  const { MetricAlarms = [], CompositeAlarms = [] } = await new CloudWatchClient({}).send(
    new DescribeAlarmsCommand({ AlarmNamePrefix: `${stackName(stage)}-`, StateValue: 'ALARM' }),
  );
  return [...MetricAlarms, ...CompositeAlarms].map(({ AlarmName = '' }) => AlarmName);
}
