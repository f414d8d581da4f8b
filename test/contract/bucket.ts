/**
 * The bucket under test: one of the local server, or OUTBOARD_CONTRACT_S3_BUCKET at the endpoint of
 * OUTBOARD_CONTRACT_S3_ENDPOINT with the credentials of the AWS_* variables. What the suites write they erase.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { startS3Server } from '../../local/s3/server.ts';

export interface BucketUnderTest {
  readonly client: S3Client;
  readonly bucket: string;
  close(): Promise<void>;
}

const endpoint = process.env.OUTBOARD_CONTRACT_S3_ENDPOINT;

export const bucketName = endpoint ?? 'the local server';

export async function openBucket(): Promise<BucketUnderTest> {
  if (endpoint !== undefined) {
    const client = new S3Client({ endpoint, forcePathStyle: true });
    return {
      client,
      bucket: process.env.OUTBOARD_CONTRACT_S3_BUCKET ?? '',
      close: async () => client.destroy(),
    };
  }
  const directory = await mkdtemp(join(tmpdir(), 'outboard-s3-'));
  const credentials = { accessKeyId: 'local', secretAccessKey: 'a secret of its own' };
  const server = await startS3Server({ directory, credentials, buckets: [{ name: 'pictures' }] });
  const client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
  });
  return {
    client,
    bucket: 'pictures',
    async close() {
      client.destroy();
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}
