/**
 * Jobs that share an uploaded file. It is held before it is looked for, so a file that was found cannot be erased by
 * another job's end; it is erased with the last job that held it.
 */
import { UPLOAD_PREFIX } from '../../shared/aws/input-keys.ts';
import type { ObjectStore, StoredObject } from '../../shared/aws/object-store.ts';
import { type HoldOutcome, holderOf, type UploadHolders } from '../../shared/aws/upload-holders.ts';
import type { Job } from '../../shared/job.ts';

type Holder = Pick<Job, 'id' | 'request_hash'>;
type User = Holder & Pick<Job, 'input'>;
export type Release = Pick<UploadHolders, 'release' | 'forget'>;

interface HoldServices {
  readonly holders: Release & Pick<UploadHolders, 'hold'>;
  readonly uploads: Pick<ObjectStore, 'head'>;
}

/** @returns the file, which stays now; `missing` where there is none, else why it cannot be held */
export async function holdUpload(
  { holders, uploads }: HoldServices,
  key: string,
  job: Holder,
  options: { readonly once?: boolean } = {},
): Promise<StoredObject | Exclude<HoldOutcome, 'held'> | 'missing'> {
  const outcome = await holders.hold(key, holderOf(job), new Date(), options);
  if (outcome !== 'held') return outcome;
  const stored = await uploads.head(key);
  if (stored !== undefined) return stored;
  await withdraw(holders, key, job);
  return 'missing';
}

/** A job that did not come to be: the file stays as it was. */
export async function withdrawUpload(holders: Release, job: User): Promise<void> {
  const key = uploadOf(job);
  if (key !== undefined) await withdraw(holders, key, job);
}

async function withdraw(holders: Release, key: string, job: Holder): Promise<void> {
  if (await holders.release(key, holderOf(job), new Date())) await holders.forget(key);
}

/** A job that is erased: its upload goes too, unless another job uses it. Can be repeated. */
export async function eraseUpload(
  { holders, uploads }: { readonly holders: Release; readonly uploads: Pick<ObjectStore, 'erase'> },
  job: User,
): Promise<void> {
  const key = uploadOf(job);
  if (key === undefined || !(await holders.release(key, holderOf(job), new Date()))) return;
  await uploads.erase(key);
  await holders.forget(key);
}

const uploadOf = ({ input }: User): string | undefined =>
  input.kind === 'object' && input.key.startsWith(UPLOAD_PREFIX) ? input.key : undefined;
