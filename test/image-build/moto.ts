/**
 * AWS as the Python package `moto` emulates it, on loopback, for the tests of one file. Its server is found on the PATH
 * or where OUTBOARD_MOTO_SERVER says; tests that need it are skipped where it is not.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ECRClient, PutImageCommand } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll } from 'vitest';
import { untilAnswers } from '../../local/until-answers.ts';
import { REPOSITORY } from '../../scripts/image/registry.ts';
import { has } from './folder.ts';

const COMMAND = process.env.OUTBOARD_MOTO_SERVER ?? 'moto_server';

export const hasMoto = await has(COMMAND, '--help');

/** What leads an AWS SDK there. @param port of its own for each test file */
export function useMoto(port: number): Record<string, string> {
  const url = `http://127.0.0.1:${port}`;
  let close = async () => {};
  beforeAll(async () => {
    const server = spawn(COMMAND, ['--host', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' });
    close = async () => {
      const exited = once(server, 'exit');
      server.kill('SIGTERM');
      await exited;
    };
    await untilAnswers(`${url}/moto-api/`);
  });
  afterAll(() => close());
  return {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

/** An image of no layers in the emulated registry. */
export async function putImage(ecr: ECRClient, tag: string): Promise<void> {
  const config = { mediaType: CONFIG, size: 2, digest: `sha256:${'cd'.repeat(32)}` };
  await ecr.send(
    new PutImageCommand({
      repositoryName: REPOSITORY,
      imageManifest: JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [] }),
      imageManifestMediaType: MANIFEST,
      imageTag: tag,
    }),
  );
}
