/**
 * Packages every kind of stage and has cfn-lint read the templates: `npm run check:templates`. Errors and warnings
 * fail; what cfn-lint calls informational is not asked for.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildFunctions } from './build-functions.ts';
import { packageStage } from './package-stage.ts';

/** What is deployed in practice, and each fleet in a stage of each kind. */
const kinds: readonly { readonly stage: string; readonly parameters?: Readonly<Record<string, string>> }[] = [
  { stage: 'dev' },
  { stage: 'prod', parameters: { alarmEmail: 'ops@example.org' } },
  { stage: 'prod', parameters: { fleet: 'cpu' } },
  { stage: 'prod', parameters: { fleet: 'none' } },
  { stage: 'pr-1' },
  { stage: 'pr-1', parameters: { fleet: 'gpu' } },
];

if (spawnSync('cfn-lint', ['--version']).error !== undefined) {
  console.error('cfn-lint is not on PATH. Install it (pipx install cfn-lint) and run this again.');
  process.exit(1);
}
await buildFunctions();
const folder = await mkdtemp(path.join(tmpdir(), 'outboard-templates-'));
try {
  const files: string[] = [];
  for (const { stage, parameters = {} } of kinds) {
    const name = [stage, ...Object.values(parameters)].join('-').replaceAll(/[^\w-]/g, '_');
    const file = path.join(folder, `${name}.json`);
    const template = await packageStage(stage, parameters);
    await writeFile(file, JSON.stringify(template, null, 2));
    console.log(`${name.padEnd(24)} ${Object.keys(template.Resources).length} resources`);
    files.push(file);
  }
  const { status } = spawnSync('cfn-lint', ['--template', ...files], { stdio: 'inherit' });
  console.log(status === 0 ? 'cfn-lint: no error, no warning' : 'cfn-lint found something');
  process.exitCode = status ?? 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
