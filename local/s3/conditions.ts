/**
 * Conditions on the state of an object, for reads, copies and writes. The write conditions decide races: they
 * are checked inside the object's lock, directly before it changes.
 */
import { S3Error } from './errors.ts';

interface State {
  readonly eTag: string;
  /** ISO 8601 */
  readonly modified: string;
}

/** What a write demands of the object it replaces. */
export interface WriteCondition {
  readonly ifAbsent: boolean;
  readonly ifMatch: string | undefined;
}

const names = (list: string, eTag: string): boolean =>
  list.split(',').some((item) => ['*', eTag].includes(item.trim().replace(/^"|"$/g, '')));

const seconds = (date: string): number => Math.floor(Date.parse(date) / 1_000);

/** @throws NotImplemented for what S3 does not know either */
export function writeCondition(inputs: ReadonlyMap<string, string>): WriteCondition {
  const ifNoneMatch = inputs.get('if-none-match');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw new S3Error('NotImplemented');
  return { ifAbsent: ifNoneMatch === '*', ifMatch: inputs.get('if-match') };
}

/** @throws PreconditionFailed; NoSuchKey where an object to match is missing */
export function checkWrite(condition: WriteCondition, current: State | undefined): void {
  if (condition.ifAbsent && current !== undefined) throw new S3Error('PreconditionFailed');
  if (condition.ifMatch === undefined) return;
  if (current === undefined) throw new S3Error('NoSuchKey');
  if (!names(condition.ifMatch, current.eTag)) throw new S3Error('PreconditionFailed');
}

/**
 * The four conditions of a read; an entity tag overrules the date beside it (RFC 9110, 13.2.2).
 * @param prefix `x-amz-copy-source-` for the source of a copy
 * @throws PreconditionFailed, NotModified
 */
export function checkRead(inputs: ReadonlyMap<string, string>, current: State, prefix = ''): void {
  const ifMatch = inputs.get(`${prefix}if-match`);
  const ifNoneMatch = inputs.get(`${prefix}if-none-match`);
  const unmodifiedSince = inputs.get(`${prefix}if-unmodified-since`);
  const modifiedSince = inputs.get(`${prefix}if-modified-since`);
  const modified = seconds(current.modified);
  if (ifMatch === undefined ? modified > seconds(unmodifiedSince ?? '') : !names(ifMatch, current.eTag)) {
    throw new S3Error('PreconditionFailed');
  }
  if (
    ifNoneMatch === undefined ? modified <= seconds(modifiedSince ?? '') : names(ifNoneMatch, current.eTag)
  ) {
    // A copy has nothing to reuse, so there it is a failure.
    throw new S3Error(prefix === '' ? 'NotModified' : 'PreconditionFailed');
  }
}
