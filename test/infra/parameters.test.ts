/** What a stage may set: documented, used, and refused where it is misspelt. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { resources } from '../../infra/compose.ts';
import { parameters, stageParameters } from '../../infra/parameters.ts';
import { deployWithTables } from '../../scripts/readme-tables.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const variables = (stage: string, own: Record<string, object> = {}) => ({
  resolveVariable: async () => stage,
  resolveConfigurationProperty: async () => own,
});

it('are in docs/deploy.md as the code has them (node scripts/readme-tables.ts writes them)', () => {
  expect(read('docs/deploy.md')).toBe(deployWithTables(read('docs/deploy.md')));
});

it('are all used, and every one used is known', () => {
  const files = readdirSync(path.join(ROOT, 'infra')).map((file) => `infra/${file}`);
  const text = ['serverless.yml', ...files].map(read).join('\n');
  const named = [...text.matchAll(/\bparam:(\w+)|\bread\('(\w+)'\)/g)].map(
    ([, one, two]) => one ?? two ?? '',
  );
  const local = ['apiKey', 'queueUrl', 'jobsTable', 'uploadsBucket', 'resultsBucket', 'modelsBucket'];
  const fleet = ['scaleFunction', 'fleetCluster', 'fleetService', 'fleetGroup'];
  const channel = ['channelUrl', 'channelEndpoint'];
  const webhooks = ['webhookQueueUrl', 'webhookDeadLettersUrl', 'webhookLoopback'];
  const known = new Set([...parameters.map(({ name }) => name), ...local, ...fleet, ...channel, ...webhooks]);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  expect(parameters.filter(({ name }) => !named.includes(name))).toEqual([]);
});

it('are those of a preview in every stage whose name begins with pr-, and in no other', async () => {
  const preview = await stageParameters(variables('pr-123'));
  const prod = await stageParameters(variables('prod'));
  const press = await stageParameters(variables('press'));
  expect(preview).toMatchObject({ fleet: 'cpu', removal: 'Delete', alarms: false, dashboard: false });
  expect(prod).toMatchObject({ fleet: 'gpu', removal: 'Retain', alarms: true, dashboard: true });
  expect(press).toEqual(prod);
});

it('are refused where nobody reads them: a misspelt budget is none', async () => {
  const misspelt = variables('prod', { maxGpuHoursADay: {} });
  await expect(stageParameters(misspelt)).rejects.toThrow(
    'params.prod sets what nobody reads: maxGpuHoursADay',
  );
});

it('refuse a fleet that there is not', async () => {
  await expect(resources(variables('tpu'))).rejects.toThrow(
    'fleet is tpu; it must be one of gpu, cpu, none.',
  );
});
