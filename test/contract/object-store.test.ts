/**
 * The contract on the local server, or on the endpoint of OUTBOARD_CONTRACT_S3_ENDPOINT with the credentials of
 * the AWS_* variables and the bucket of OUTBOARD_CONTRACT_S3_BUCKET, in which it leaves nothing behind.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { startS3Server } from '../../local/s3/server.ts';
import { objectStoreContract } from './object-store.contract.ts';

const endpoint = process.env.OUTBOARD_CONTRACT_S3_ENDPOINT;

if (endpoint === undefined) {
  objectStoreContract('the local server', async () => {
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
  });
} else {
  objectStoreContract(endpoint, async () => {
    const client = new S3Client({ endpoint, forcePathStyle: true });
    return {
      client,
      bucket: process.env.OUTBOARD_CONTRACT_S3_BUCKET ?? '',
      close: async () => client.destroy(),
    };
  });
}
