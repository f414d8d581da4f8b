/**
 * `npm run check:aws`: the product against emulators of AWS, without an account.
 *   1. the stage `prod` is packaged and its template deployed to moto, as far as moto goes;
 *   2. the contract suites run on the table, queues and bucket of that stack, on DynamoDB Local and on ElasticMQ;
 *   3. the stack's functions, started from their zips as Lambda does, and a worker process do the end-to-end test on moto;
 *   4. the local stack does the same, and both must have made the same bytes.
 *
 *   node check-aws/run.ts [--allow-missing] [--port 5400]
 *
 * What cannot be installed or started fails the check, unless --allow-missing; it is named in the last line either way.
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildFunctions } from '../scripts/build-functions.ts';
import { packageStage } from '../scripts/package-stage.ts';
import { QUEUE_SUITES, runContract, TABLE_SUITES } from './contract.ts';
import { accountEnvironment } from './emulator-account.ts';
import type { Engine } from './engine.ts';
import { startDynamoDbLocal, startElasticMq, startMoto } from './engines.ts';
import { checkOnLocalStack } from './local-stack.ts';
import { checkOnMoto } from './moto-stage.ts';
import { Tally } from './tally.ts';
import { createQueues, createTable } from './template-services.ts';

const STAGE = 'prod';
const { values } = parseArgs({
  options: {
    'allow-missing': { type: 'boolean', default: false },
    port: { type: 'string', default: '5400' },
  },
});
const port = Number(values.port);
const tally = new Tally('check:aws');
const begun = performance.now();
const seconds = () => ((performance.now() - begun) / 1000).toFixed(0).padStart(5);
const say = (text: string) => console.log(`${seconds()} s   ${text}`);

/** Starts an engine, has it checked and ends it; one that is not to be had is told. */
async function withEngine(
  name: string,
  start: () => Promise<Engine>,
  check: (engine: Engine) => Promise<void>,
) {
  let engine: Engine;
  try {
    engine = await start();
  } catch (error) {
    tally.notRun(name, error instanceof Error ? error.message : String(error));
    return;
  }
  say(`${name} is up`);
  try {
    await check(engine);
  } catch (error) {
    tally.failed(name, error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await engine.close();
  }
}

const directory = await mkdtemp(path.join(tmpdir(), 'outboard-check-aws-'));
// Whatever is written on the way, also by children, lies there and goes with it.
process.env.TMPDIR = directory;
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
// Leaving by process.exit ends every child too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

await buildFunctions();
const template = await packageStage(STAGE);
say(`${STAGE} is packaged: ${Object.keys(template.Resources).length} resources`);

await withEngine(
  'moto',
  () => startMoto(port),
  async ({ url }) => {
    const onMoto = await checkOnMoto({
      url,
      template,
      stage: STAGE,
      directory,
      metricsPort: port + 3,
      tally,
      say,
    });
    await checkOnLocalStack({ port: port + 10, directory, expected: onMoto, tally, say });
  },
);
await withEngine(
  'DynamoDB Local',
  () => startDynamoDbLocal(port + 1),
  async ({ name, url }) => {
    const environment = {
      ...accountEnvironment,
      OUTBOARD_CONTRACT_DYNAMODB_ENDPOINT: url,
      OUTBOARD_CONTRACT_JOBS_TABLE: await createTable(url, template),
    };
    await runContract({ engine: name, suites: TABLE_SUITES, environment, directory, tally });
  },
);
await withEngine(
  'ElasticMQ',
  () => startElasticMq(port + 2, directory),
  async ({ name, url }) => {
    const environment = {
      ...accountEnvironment,
      OUTBOARD_CONTRACT_SQS_ENDPOINT: url,
      OUTBOARD_CONTRACT_QUEUE_URL: await createQueues(url, template),
    };
    await runContract({ engine: name, suites: QUEUE_SUITES, environment, directory, tally });
  },
);

say('done');
console.log(tally.closingLine());
const isIncomplete = tally.missing.length > 0 && !values['allow-missing'];
process.exitCode = tally.hasFailed || isIncomplete ? 1 : 0;
