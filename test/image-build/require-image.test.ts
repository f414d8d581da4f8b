/** The real deploy command, with the plugin, on a stage of one queue, against emulated CloudFormation and ECR. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/image/dockerfile.ts';
import { REPOSITORY } from '../../scripts/image/registry.ts';
import { testPort } from '../port.ts';
import { newFolder, run } from './folder.ts';
import { hasMoto, putImage, useMoto } from './moto.ts';

const SERVERLESS = path.join(ROOT, 'node_modules/serverless/bin/serverless.js');
const REGION = 'eu-west-1';

/** Each deploy is a process that polls its stack every few seconds. */
const TIMEOUT_MS = 180_000;

describe.skipIf(!hasMoto)('deploying a stage', { timeout: TIMEOUT_MS }, () => {
  const aws = useMoto(testPort(4_740));
  const ecr = new ECRClient({
    region: REGION,
    endpoint: aws.AWS_ENDPOINT_URL ?? '',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });

  async function setup() {
    const folder = await newFolder();
    await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    await symlink(path.join(ROOT, 'scripts/image/require-image.ts'), path.join(folder, 'require-image.ts'));
    const service = {
      service: 'small',
      plugins: ['./require-image.ts'],
      // biome-ignore-start lint/suspicious/noTemplateCurlyInString: the deploy command resolves them.
      custom: { image: { tag: '${param:imageTag, sls:stage}', fleet: "${param:fleet, 'gpu'}" } },
      provider: { name: 'aws', runtime: 'nodejs24.x', region: "${opt:region, 'us-east-1'}" },
      // biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
      resources: { Resources: { Queue: { Type: 'AWS::SQS::Queue' } } },
    };
    await writeFile(path.join(folder, 'serverless.json'), JSON.stringify(service));
    await mkdir(path.join(folder, 'home'));
    const environment = {
      ...aws,
      HOME: path.join(folder, 'home'),
      SLS_TELEMETRY_DISABLED: '1',
      SLS_NOTIFICATIONS_MODE: 'off',
      AWS_MAX_ATTEMPTS: '1',
    };
    const sls = (...args: string[]) =>
      run('bash', ['-c', 'cd "$0" && exec "$@"', folder, process.execPath, SERVERLESS, ...args], environment);
    return { sls };
  }

  /** Whether the deploy got as far as a stack. */
  const deployed = async (stage: string) => {
    const stacks = await fetch(aws.AWS_ENDPOINT_URL ?? '', {
      method: 'POST',
      // The emulator reads from here which service of which region is meant.
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/cloudformation/aws4_request`,
      },
      body: new URLSearchParams({ Action: 'ListStacks', Version: '2010-05-15' }),
    });
    return (await stacks.text()).includes(`<StackName>small-${stage}</StackName>`);
  };

  it('is refused without an image, with the command that makes it', async () => {
    const { sls } = await setup();
    const { code, output } = await sls('deploy', '--stage', 'prod', '--region', REGION);
    expect(code).toBe(1);
    expect(output).toContain('outboard-worker:prod is not in eu-west-1');
    expect(output).toContain('npm run image -- --stage prod --push --region eu-west-1');
    expect(await deployed('prod')).toBe(false);
  });

  it('names the CPU image where the fleet is one', async () => {
    const { sls } = await setup();
    const { output } = await sls('deploy', '--stage', 'small', '--region', REGION, '--param', 'fleet=cpu');
    expect(output).toContain('npm run image -- --stage small --cpu --push');
  });

  it('goes on without a fleet', async () => {
    const { sls } = await setup();
    const { output } = await sls('deploy', '--stage', 'bare', '--region', REGION, '--param', 'fleet=none');
    expect(output).not.toContain('npm run image');
    expect(await deployed('bare'), output).toBe(true);
  });

  it('goes on with an image, and can be packaged without one', async () => {
    await ecr.send(new CreateRepositoryCommand({ repositoryName: REPOSITORY }));
    await putImage(ecr, 'ready');
    const { sls } = await setup();
    const { output } = await sls('deploy', '--stage', 'ready', '--region', REGION);
    expect(output).not.toContain('npm run image');
    expect(await deployed('ready'), output).toBe(true);
    const other = await sls('package', '--stage', 'other', '--region', REGION);
    expect(other.code, other.output).toBe(0);
  });
});
