/**
 * The contract suites of test/contract/ on one emulator, in a vitest process of their own. One file after the other: they
 * share a table and a bucket.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { startChild } from './child-processes.ts';
import { differencesOf } from './expected-differences.ts';
import type { Tally } from './tally.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const VITEST = path.join(ROOT, 'node_modules/vitest/vitest.mjs');

export const TABLE_SUITES = [
  'job-store',
  'job-index',
  'delivery-store',
  'upload-holders',
  'fleet-store',
  'prediction-cache',
];
export const BUCKET_SUITES = ['object-store', 'model-repository'];
export const QUEUE_SUITES = ['job-queue'];

/** What vitest's JSON reporter says, as far as it is used here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: 'passed' | 'failed' | 'pending' | 'skipped' | 'todo';
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

interface ContractOptions {
  readonly engine: string;
  readonly suites: readonly string[];
  readonly environment: Record<string, string>;
  /** For the report of the run. */
  readonly directory: string;
  readonly tally: Tally;
}

export async function runContract(options: ContractOptions): Promise<void> {
  const { engine, tally } = options;
  const { testResults } = await runVitest(options);
  const differences = new Map(differencesOf(engine).map((difference) => [difference.test, difference]));
  for (const { name, message, assertionResults } of testResults) {
    // A file that could not even be loaded has no tests to fail.
    if (assertionResults.length === 0) tally.failed(`${engine}: ${path.basename(name)}`, message);
    for (const { ancestorTitles, title, status, failureMessages } of assertionResults) {
      // The suite's title names the endpoint in brackets.
      const suite = (ancestorTitles[0] ?? '').replace(/ \(.*\)$/, '');
      const test = [suite, ...ancestorTitles.slice(1), title].join(' › ');
      const expected = differences.get(test);
      differences.delete(test);
      const label = `${engine}: ${test}`;
      if (status === 'passed' && (expected === undefined || expected.sometimes)) tally.passed(label);
      else if (status === 'passed')
        tally.failed(
          label,
          'The emulator does this right now: take it off check-aws/expected-differences.ts.',
        );
      else if (status === 'failed' && expected !== undefined) tally.differs(label, expected.why);
      else tally.failed(label, failureMessages.join('\n') || `It was ${status}.`);
    }
  }
  for (const test of differences.keys())
    tally.failed(`${engine}: ${test}`, 'An expected difference names a test that did not run.');
}

async function runVitest({ engine, suites, environment, directory }: ContractOptions): Promise<Report> {
  const output = path.join(directory, `contract-${engine.replaceAll(/\W+/g, '-')}.json`);
  const files = suites.map((suite) => `test/contract/${suite}.test.ts`);
  const flags = ['--no-file-parallelism', '--reporter=json', `--outputFile=${output}`];
  const child = startChild(process.execPath, [VITEST, 'run', ...flags, ...files], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
  });
  await child.ended;
  const report = await readFile(output, 'utf8').catch(() => undefined);
  if (report === undefined)
    throw new Error(`The contract suites did not run on ${engine}:\n${child.printed()}`);
  return JSON.parse(report) as Report;
}
