/**
 * AWS Signature Version 4, the checking side, in headers and in presigned URLs. Every x-amz-* header must be
 * among the signed ones: otherwise the holder of a presigned URL could add its own.
 * After "Authenticating Requests" of the Amazon S3 API Reference.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

export const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_SECONDS = 7 * 24 * 3_600;

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface Scope {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
}

interface Claim {
  readonly scope: Scope;
  /** YYYYMMDDThhmmssZ */
  readonly signedAt: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly payloadHash: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Scope of `ACCESSKEY/YYYYMMDD/REGION/s3/aws4_request`. @throws `malformed` */
export function parseCredential(credential: string, malformed: S3Error): Scope {
  const [, accessKeyId, date, region] = /^(.+)\/(\d{8})\/([^/]+)\/s3\/aws4_request$/.exec(credential) ?? [];
  if (accessKeyId === undefined || date === undefined || region === undefined) throw malformed;
  return { accessKeyId, date, region };
}

/** @throws InvalidAccessKeyId, SignatureDoesNotMatch */
export function checkSignature(
  stringToSign: string,
  signature: string,
  { accessKeyId, date, region }: Scope,
  credentials: Credentials,
): void {
  if (accessKeyId !== credentials.accessKeyId) throw new S3Error('InvalidAccessKeyId');
  const key = ['s3', 'aws4_request'].reduce(
    hmac,
    hmac(hmac(`AWS4${credentials.secretAccessKey}`, date), region),
  );
  const expected = Buffer.from(hmac(key, stringToSign).toString('hex'));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new S3Error('SignatureDoesNotMatch');
  }
}

/** Milliseconds since the epoch of `YYYYMMDDThhmmssZ`, NaN for anything else. */
const parseAmzDate = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

function headerClaim({ headers }: S3Request): Claim {
  const authorization = headers.get('authorization');
  if (authorization === undefined) throw new S3Error('AccessDenied');
  const malformed = new S3Error('AuthorizationHeaderMalformed');
  if (!authorization.startsWith(`${ALGORITHM} `)) throw malformed;
  const field = (name: string): string => {
    const value = new RegExp(`[ ,]${name}=([^, ]+)`).exec(authorization)?.[1];
    if (value === undefined) throw malformed;
    return value;
  };
  const payloadHash = headers.get('x-amz-content-sha256');
  if (payloadHash === undefined) throw new S3Error('InvalidRequest', 'x-amz-content-sha256 is missing.');
  return {
    scope: parseCredential(field('Credential'), malformed),
    signedAt: headers.get('x-amz-date') ?? '',
    signedHeaders: field('SignedHeaders').split(';'),
    signature: field('Signature'),
    payloadHash,
  };
}

function queryClaim({ inputs }: S3Request, now: number): Claim {
  const malformed = new S3Error('AuthorizationQueryParametersError');
  const parameter = (name: string): string => {
    const value = inputs.get(name);
    if (value === undefined) throw malformed;
    return value;
  };
  if (parameter('x-amz-algorithm') !== ALGORITHM) throw malformed;
  const expires = Number(parameter('x-amz-expires'));
  if (!(expires >= 0 && expires <= MAX_EXPIRES_SECONDS)) throw malformed;
  const signedAt = parameter('x-amz-date');
  if (now > parseAmzDate(signedAt) + expires * 1_000)
    throw new S3Error('AccessDenied', 'Request has expired');
  return {
    scope: parseCredential(parameter('x-amz-credential'), malformed),
    signedAt,
    signedHeaders: parameter('x-amz-signedheaders').split(';'),
    signature: parameter('x-amz-signature'),
    payloadHash: inputs.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
  };
}

function canonicalRequest({ method, path, parameters, headers }: S3Request, claim: Claim): string {
  const query = parameters
    .filter(([name]) => name.toLowerCase() !== 'x-amz-signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const values = claim.signedHeaders.map(
    (name) => `${name}:${(headers.get(name) ?? '').trim().replace(/ +/g, ' ')}\n`,
  );
  return [
    method,
    path.split('/').map(encode).join('/'),
    query.join('&'),
    values.join(''),
    claim.signedHeaders.join(';'),
    claim.payloadHash,
  ].join('\n');
}

/**
 * Proves that the request was made by the holder of the secret, and recently.
 * @throws AccessDenied without a signature, after its expiry or with an unsigned x-amz-* header;
 *   RequestTimeTooSkewed; InvalidAccessKeyId; SignatureDoesNotMatch
 */
export function authenticate(request: S3Request, credentials: Credentials): void {
  const now = Date.now();
  const claim = request.presigned ? queryClaim(request, now) : headerClaim(request);
  const signedAt = parseAmzDate(claim.signedAt);
  if (Number.isNaN(signedAt) || !claim.signedAt.startsWith(claim.scope.date)) {
    throw new S3Error('AccessDenied', 'The date of the signature is missing or not that of its scope.');
  }
  // A presigned URL has its own expiry, checked before; neither kind may come from the future.
  if (signedAt > now + MAX_SKEW_MS || (!request.presigned && signedAt < now - MAX_SKEW_MS)) {
    throw request.presigned
      ? new S3Error('AccessDenied', 'Request is not yet valid')
      : new S3Error('RequestTimeTooSkewed');
  }
  const required = [...request.headers.keys()].filter((name) => name === 'host' || name.startsWith('x-amz-'));
  if (!required.every((name) => claim.signedHeaders.includes(name))) {
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed');
  }
  const hash = createHash('sha256').update(canonicalRequest(request, claim)).digest('hex');
  const scope = `${claim.scope.date}/${claim.scope.region}/s3/aws4_request`;
  checkSignature(
    [ALGORITHM, claim.signedAt, scope, hash].join('\n'),
    claim.signature,
    claim.scope,
    credentials,
  );
}
