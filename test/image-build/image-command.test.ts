/** The command line with a docker that only writes down how it was called, against an emulated registry. */
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DescribeRepositoriesCommand, ECRClient, GetLifecyclePolicyCommand } from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { contentTag } from '../../scripts/image/content-tag.ts';
import { DOCKERFILE, ROOT } from '../../scripts/image/dockerfile.ts';
import { pinBases } from '../../scripts/image/pin.ts';
import { ImageRegistry, REPOSITORY } from '../../scripts/image/registry.ts';
import { testPort } from '../port.ts';
import { newFolder, run } from './folder.ts';
import { hasMoto, putImage, useMoto } from './moto.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

/** A docker on the PATH that notes its arguments, what it is told, and answers a digest to `imagetools`. */
async function setup() {
  const folder = await newFolder();
  const notes = path.join(folder, 'calls');
  const lines = [
    '#!/usr/bin/env bash',
    `printf '%s ' "$@" >>"${notes}"`,
    `if [[ $1 == login ]]; then printf '< %s' "$(cat)" >>"${notes}"; fi`,
    `echo >>"${notes}"`,
    `if [[ $2 == imagetools ]]; then echo ${DIGEST}; fi`,
    'exit $FAKE_DOCKER_CODE',
  ];
  const docker = path.join(folder, 'docker');
  await writeFile(docker, lines.join('\n'));
  await chmod(docker, 0o755);
  const PATH = `${folder}:${process.env.PATH}`;
  return {
    PATH,
    folder,
    calls: async () => (await readFile(notes, 'utf8').catch(() => '')).split('\n').filter(Boolean),
    image: (args: readonly string[], environment: Record<string, string> = {}) =>
      run(process.execPath, [path.join(ROOT, 'scripts/image/image.ts'), ...args], {
        PATH,
        FAKE_DOCKER_CODE: '0',
        ...environment,
      }),
  };
}

describe('npm run image', () => {
  it('builds one platform and one target, named by content and by stage', async () => {
    const { image, calls } = await setup();
    const { code, output } = await image(['--stage', 'dev', '--cpu']);
    expect(code, output).toBe(0);
    const [build = '', ...more] = await calls();
    expect(more).toEqual([]);
    expect(build).toContain(`buildx build --platform linux/amd64 --target cpu --file ${DOCKERFILE}`);
    expect(build).toContain(`--tag ${REPOSITORY}:${contentTag('cpu')} --tag ${REPOSITORY}:dev`);
    expect(build).toMatch(/--build-arg REVISION=[0-9a-f]{40}(-dirty)? /);
    expect(build).toMatch(/ --load \. $/);
  });

  it('fails where docker fails', async () => {
    const { image } = await setup();
    const { code, output } = await image(['--stage', 'dev'], { FAKE_DOCKER_CODE: '3' });
    expect(code).toBe(1);
    expect(output).toContain('docker buildx build ended with code 3');
  });

  it('says what to install where there is no docker', async () => {
    const { image } = await setup();
    const { code, output } = await image(['--stage', 'dev'], { PATH: '/nowhere' });
    expect(code).toBe(1);
    expect(output).toContain('There is no docker command here');
  });

  it('says what is wrong with a stage', async () => {
    const { image, calls } = await setup();
    expect((await image([])).output).toContain('Say which stage');
    expect((await image(['--stage', 'feature/x'])).output).toContain('cannot be the tag');
    expect(await calls()).toEqual([]);
  });

  it('says that there are no credentials before it builds for an hour', async () => {
    const { image, calls } = await setup();
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' };
    const files = { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' };
    const { code, output } = await image(['--stage', 'dev', '--push'], { ...none, ...files });
    expect(code).toBe(1);
    expect(output).toContain('No AWS credentials');
    expect(await calls()).toEqual([]);
  });

  it('writes the digests of today into the Dockerfile', async () => {
    const { folder, PATH, calls } = await setup();
    const file = path.join(folder, 'Dockerfile');
    await copyFile(path.join(ROOT, DOCKERFILE), file);
    const before = await readFile(file, 'utf8');
    const path_ = process.env.PATH;
    process.env.PATH = PATH;
    try {
      await pinBases(file);
    } finally {
      process.env.PATH = path_;
    }
    expect(await readFile(file, 'utf8')).toBe(before.replaceAll(/sha256:[0-9a-f]{64}/g, DIGEST));
    expect(await calls()).toEqual([
      expect.stringMatching(/^buildx imagetools inspect .* node:24\S+-slim $/),
      expect.stringMatching(/^buildx imagetools inspect .* debian:trixie\S+-slim $/),
    ]);
  });
});

describe.skipIf(!hasMoto)('pushing', () => {
  const aws = useMoto(testPort(4_730));
  const config = { region: 'eu-west-1', endpoint: aws.AWS_ENDPOINT_URL ?? '' };
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const ecr = new ECRClient({ ...config, credentials });
  const registry = new ImageRegistry({ ...config, credentials });
  const push = ['--stage', 'prod', '--push', '--region', 'eu-west-1'];

  it('makes the repository, logs in without the password on the command line, builds and pushes', async () => {
    const { image, calls } = await setup();
    const { code, output } = await image(push, aws);
    expect(code, output).toBe(0);
    const [login = '', build = ''] = await calls();
    expect(login).toMatch(/^login --username AWS --password-stdin https?:\/\/\S+ < \S+/);
    const address = `123456789012.dkr.ecr.eu-west-1.amazonaws.com/${REPOSITORY}`;
    expect(build).toContain(`--tag ${address}:${contentTag('cuda')} --tag ${address}:prod`);
    expect(build).toMatch(/ --push \. $/);

    const names = { repositoryNames: [REPOSITORY] };
    const { repositories: [made] = [] } = await ecr.send(new DescribeRepositoriesCommand(names));
    expect(made?.imageScanningConfiguration?.scanOnPush).toBe(true);
    expect(made?.imageTagMutability).toBe('MUTABLE_WITH_EXCLUSION');
    expect(made?.imageTagMutabilityExclusionFilters).toEqual([
      { filterType: 'WILDCARD', filter: 'content-*' },
    ]);
    const policy = await ecr.send(new GetLifecyclePolicyCommand({ repositoryName: REPOSITORY }));
    expect(JSON.parse(policy.lifecyclePolicyText ?? '').rules).toHaveLength(1);
  });

  it('builds nothing that is there already, and lets the stage name it', async () => {
    await registry.ensure();
    await putImage(ecr, contentTag('cuda'));
    expect(await registry.find('prod')).toBeUndefined();
    for (const round of ['first', 'second']) {
      const { image, calls } = await setup();
      const { code, output } = await image(push, aws);
      expect(code, `${round}: ${output}`).toBe(0);
      expect(output).toContain('is there already');
      expect(await calls()).toEqual([]);
    }
    expect(await registry.find('prod')).toBe(await registry.find(contentTag('cuda')));
  });
});
