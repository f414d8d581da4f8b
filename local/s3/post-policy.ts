/**
 * The signed policy of an upload form: what the holder may upload, where, how large, until when. Every field must
 * be covered by a condition: an uncovered one would be the uploader's choice, and so would what it sets.
 * After "Browser-Based Uploads Using POST" of the Amazon S3 API Reference.
 */
import { z } from 'zod';
import { S3Error } from './errors.ts';
import { ALGORITHM, type Credentials, checkSignature, parseCredential } from './signature.ts';

/** Fields that need no condition. */
const uncovered = /^(policy|file|x-amz-signature|x-ignore-.*)$/;
const size = z.coerce.number().int().nonnegative();

const policySchema = z.object({
  expiration: z.iso.datetime(),
  conditions: z.array(
    z.union([
      z.tuple([z.literal('content-length-range'), size, size]),
      z.tuple([z.enum(['eq', 'starts-with']), z.string().startsWith('$'), z.string()]),
      z.record(z.string(), z.string()),
    ]),
  ),
});

export interface SizeRange {
  readonly min?: number;
  readonly max?: number;
}

const refusal = (reason: string): S3Error =>
  new S3Error('AccessDenied', `Invalid according to Policy: ${reason}`);

function parsePolicy(encoded: string): z.infer<typeof policySchema> {
  try {
    return policySchema.parse(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')));
  } catch (cause) {
    throw new S3Error(
      'InvalidPolicyDocument',
      `Invalid Policy: ${cause instanceof Error ? cause.message : ''}`,
    );
  }
}

/** A content type may be a list, and each of its items must begin as the condition says. */
const beginsWith = (name: string, value: string, start: string): boolean =>
  name === 'content-type'
    ? value.split(',').every((item) => item.trim().startsWith(start))
    : value.startsWith(start);

function checkAuthor(fields: ReadonlyMap<string, string>, policy: string, credentials: Credentials): void {
  const algorithm = fields.get('x-amz-algorithm');
  const credential = fields.get('x-amz-credential');
  const signature = fields.get('x-amz-signature');
  if (algorithm !== ALGORITHM || credential === undefined || signature === undefined) {
    throw new S3Error(
      'InvalidArgument',
      'The form needs x-amz-algorithm, x-amz-credential and x-amz-signature.',
    );
  }
  const malformed = new S3Error('AuthorizationQueryParametersError');
  checkSignature(policy, signature, parseCredential(credential, malformed), credentials);
}

/**
 * Proves that the form was signed and that its fields are what the signer allowed.
 * @param fields by lower-case name, `bucket` being the one of the address and `key` the final one
 * @returns the sizes that the file may have
 * @throws AccessDenied, SignatureDoesNotMatch, InvalidAccessKeyId, InvalidPolicyDocument
 */
export function checkPolicy(fields: ReadonlyMap<string, string>, credentials: Credentials): SizeRange {
  const encoded = fields.get('policy');
  if (encoded === undefined) throw new S3Error('AccessDenied');
  checkAuthor(fields, encoded, credentials);
  const { expiration, conditions } = parsePolicy(encoded);
  if (Date.parse(expiration) <= Date.now()) throw refusal('Policy expired.');

  const covered = new Set<string>();
  let range: SizeRange = {};
  const demand = (operator: 'eq' | 'starts-with', field: string, expected: string): void => {
    const name = field.toLowerCase();
    const value = fields.get(name);
    const holds =
      operator === 'eq' ? value === expected : value !== undefined && beginsWith(name, value, expected);
    if (!holds)
      throw refusal(`Policy Condition failed: ${JSON.stringify([operator, `$${field}`, expected])}`);
    covered.add(name);
  };
  for (const condition of conditions) {
    if (!Array.isArray(condition)) {
      for (const [field, expected] of Object.entries(condition)) demand('eq', field, expected);
    } else if (condition[0] === 'content-length-range') {
      range = { min: condition[1], max: condition[2] };
    } else {
      demand(condition[0], condition[1].slice(1), condition[2]);
    }
  }
  const extra = [...fields.keys()].filter(
    (name) => !covered.has(name) && !uncovered.test(name) && name !== 'bucket',
  );
  if (extra.length > 0) throw refusal(`Extra input fields: ${extra.join(', ')}`);
  return range;
}
