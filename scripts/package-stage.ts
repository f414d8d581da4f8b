/** Packages a stage as `serverless deploy` would, without credentials, and hands back its CloudFormation template. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '..');
const SERVERLESS = path.join(ROOT, 'node_modules/serverless/bin/serverless.js');
const run = promisify(execFile);
/** What serverless reads. It writes into its own folder whatever it is told, so two at once need a folder each. */
const READ = ['package.json', 'infra', 'scripts', '.build', 'node_modules'];

// biome-ignore lint/suspicious/noExplicitAny: a template is what CloudFormation takes, which no type describes.
type Json = any;

export interface Template {
  readonly Parameters?: Readonly<Record<string, Json>>;
  readonly Conditions?: Readonly<Record<string, Json>>;
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly [key: string]: Json }>>;
  readonly Outputs?: Readonly<Record<string, Json>>;
}

/**
 * The functions must be built (scripts/build-functions.ts).
 * @param parameters as `--param` takes them
 * @throws Error with what serverless printed
 */
export async function packageStage(
  stage: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Template> {
  const folder = await mkdtemp(path.join(tmpdir(), `outboard-package-${stage}-`));
  const params = Object.entries(parameters).map(([name, value]) => `--param=${name}=${value}`);
  try {
    // It does not follow a link to this one.
    await copyFile(path.join(ROOT, 'serverless.yml'), path.join(folder, 'serverless.yml'));
    await Promise.all(READ.map((name) => symlink(path.join(ROOT, name), path.join(folder, name))));
    const args = [SERVERLESS, 'package', '--stage', stage, ...params];
    await run(process.execPath, args, { cwd: folder, env: withoutCredentials() });
    const file = path.join(folder, '.serverless/cloudformation-template-update-stack.json');
    const text = await readFile(file, 'utf8');
    return JSON.parse(text) as Template;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`serverless package --stage ${stage} failed:\n${stdout}${stderr}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** That packaging needs none is a promise; with some at hand nobody would see it broken. */
function withoutCredentials(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|OUTBOARD)_/.test(name));
  return { ...Object.fromEntries(kept), SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' };
}
