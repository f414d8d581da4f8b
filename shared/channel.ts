/**
 * The channel of a job: a signed token says who may listen to which job and until when; events carry the row's sequence
 * number, so that a listener can tell old from new however they arrive.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a token grants: to listen to one job until `expires` (epoch seconds). */
export interface ChannelGrant {
  readonly job: string;
  readonly expires: number;
}

/** `payload.signature`, both base64url: HMAC-SHA256 over the payload. */
export function signChannelToken(grant: ChannelGrant, secret: string): string {
  const payload = Buffer.from(JSON.stringify(grant)).toString('base64url');
  return `${payload}.${signatureOf(payload, secret)}`;
}

/**
 * @param secrets any of which may have signed it: the present one, and the one before while tokens of it are out
 * @returns undefined for a token that is not ours, was changed, or is over
 */
export function readChannelToken(
  token: string,
  secrets: readonly string[],
  now: Date,
): ChannelGrant | undefined {
  const [payload, signature, ...rest] = token.split('.');
  if (payload === undefined || signature === undefined || rest.length > 0) return undefined;
  if (!secrets.some((secret) => isEqual(signatureOf(payload, secret), signature))) return undefined;
  const grant: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  if (!isGrant(grant) || grant.expires * 1000 <= now.getTime()) return undefined;
  return grant;
}

const signatureOf = (payload: string, secret: string): string =>
  createHmac('sha256', secret).update(payload).digest('base64url');

/** In a time that does not tell how much of it was right. */
function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

const isGrant = (value: unknown): value is ChannelGrant =>
  value !== null &&
  typeof value === 'object' &&
  'job' in value &&
  typeof value.job === 'string' &&
  'expires' in value &&
  typeof value.expires === 'number';
