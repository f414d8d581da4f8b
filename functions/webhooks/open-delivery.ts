/** The end of a job becomes a delivery: first its row, then the note that it is there. The other way round a crash would lose it. */
import type { DeliveryStore } from '../../shared/aws/delivery-store.ts';
import type { JobStore } from '../../shared/aws/job-store.ts';
import type { Job } from '../../shared/job.ts';

interface Services {
  readonly jobs: Pick<JobStore, 'markTold'>;
  readonly deliveries: Pick<DeliveryStore, 'open'>;
}

/** Can be repeated: the id is the same for all who find this end. @param job untold @returns the delivery's id */
export async function openDelivery({ jobs, deliveries }: Services, job: Job, now: Date): Promise<string> {
  const { delivery_id: id } = await deliveries.open(job, now);
  await jobs.markTold(job, id);
  return id;
}
