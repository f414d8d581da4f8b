/** A stage on moto: the template deployed, the contract on what it made, and the end-to-end test on its functions. */

import { seedModels } from '../local/seed-models.ts';
import { startWorker } from '../local/worker-process.ts';
import type { Template } from '../scripts/package-stage.ts';
import { connectModels } from '../shared/aws/connect-catalog.ts';
import { BUCKET_SUITES, QUEUE_SUITES, runContract, TABLE_SUITES } from './contract.ts';
import { accountEnvironment } from './emulator-account.ts';
import { type Answers, endToEnd } from './end-to-end.ts';
import { Functions } from './lambda/functions.ts';
import { startGateway } from './lambda/gateway.ts';
import { refusals, withoutRefused } from './refused-by-moto.ts';
import { type DeployedStack, deployStack } from './stack.ts';
import type { Tally } from './tally.ts';
import { checkNets, tellOfUpload } from './triggers.ts';

const API_KEY = 'check-aws';

interface StageOptions {
  readonly url: string;
  readonly template: Template;
  readonly stage: string;
  readonly directory: string;
  readonly metricsPort: number;
  readonly tally: Tally;
  readonly say: (text: string) => void;
}

/** @returns what the end-to-end test saw */
export async function checkOnMoto(options: StageOptions): Promise<Answers> {
  const { url, say, tally, directory } = options;
  const stack = await deploy(options);
  const environment = stageEnvironment(stack, url);

  await runContract({
    engine: 'moto',
    suites: [...TABLE_SUITES, ...QUEUE_SUITES, ...BUCKET_SUITES],
    environment: {
      ...accountEnvironment,
      OUTBOARD_CONTRACT_DYNAMODB_ENDPOINT: url,
      OUTBOARD_CONTRACT_JOBS_TABLE: environment.OUTBOARD_JOBS_TABLE ?? '',
      OUTBOARD_CONTRACT_SQS_ENDPOINT: url,
      OUTBOARD_CONTRACT_QUEUE_URL: environment.OUTBOARD_QUEUE_URL ?? '',
      OUTBOARD_CONTRACT_S3_ENDPOINT: url,
      OUTBOARD_CONTRACT_S3_BUCKET: environment.OUTBOARD_RESULTS_BUCKET ?? '',
    },
    directory,
    tally,
  });
  say('the contract suites ran on the stack of moto');
  return runStage(options, stack, environment);
}

/** Leaves out what moto is known to refuse, and sees that it still does. */
async function deploy({ url, template, stage, tally, say }: StageOptions): Promise<DeployedStack> {
  const name = `outboard-${stage}`;
  for (const rule of refusals) {
    const others = refusals.filter((each) => each !== rule);
    const { dropped } = withoutRefused(template, [rule]);
    if (dropped.length === 0) continue;
    const attempt = await deployStack(url, name, withoutRefused(template, others).template).catch(
      () => undefined,
    );
    const label = `moto: the template with ${dropped.length > 1 ? `${dropped.length} like ` : ''}${dropped[0]}`;
    if (attempt === undefined) tally.differs(label, `left out (${dropped.join(', ')}): ${rule.why}`);
    else tally.failed(label, 'moto takes them now: take the rule off check-aws/refused-by-moto.ts.');
    await fetch(`${url}/moto-api/reset`, { method: 'POST' });
  }
  const stack = await deployStack(url, name, withoutRefused(template).template);
  tally.passed('moto: the template is deployed');
  say(`deployed to moto; it makes none of these from a template: ${summed(stack.missing)}`);
  return stack;
}

/** `3 AWS::S3::BucketPolicy, …` */
function summed(missing: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const each of missing) {
    const type = /\((.*)\)/.exec(each)?.[1] ?? each;
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return [...counts].map(([type, count]) => `${count} ${type}`).join(', ') || 'nothing';
}

/** What the stack tells its functions, and where its services are; no call may leave this machine. */
function stageEnvironment({ functions }: DeployedStack, url: string): Record<string, string> {
  const shared = functions.find(({ environment }) => 'OUTBOARD_RESULTS_BUCKET' in environment)?.environment;
  return {
    ...accountEnvironment,
    ...shared,
    AWS_ENDPOINT_URL: url,
    AWS_ENDPOINT_URL_SQS: url,
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_ENDPOINT_URL_S3: url,
  };
}

async function runStage(
  { url, template, directory, metricsPort, tally, say }: StageOptions,
  stack: DeployedStack,
  environment: Record<string, string>,
): Promise<Answers> {
  const surroundings: Record<string, string> = {
    ...accountEnvironment,
    AWS_ENDPOINT_URL: url,
    AWS_ENDPOINT_URL_SQS: url,
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_ENDPOINT_URL_S3: url,
  };
  const functions = new Functions(stack.functions, surroundings);
  const gateway = await startGateway(template, functions, API_KEY);
  // One function calls another through Lambda, which is played by the gateway.
  surroundings.AWS_ENDPOINT_URL_LAMBDA = gateway.url;
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  await seedModels(connectModels(serviceSettings(environment)));
  const worker = await startWorker({
    environment: {
      ...environment,
      OUTBOARD_METRICS_PORT: String(metricsPort),
      OUTBOARD_SCRATCH_DIRECTORY: `${directory}/scratch`,
      OUTBOARD_MODELS_DIRECTORY: `${directory}/models`,
      OUTBOARD_POLL_SECONDS: '1',
      OUTBOARD_SHUTDOWN_SECONDS: '5',
    },
    metricsPort,
    print: (line) => {
      if (/ERROR|WARN|Error|ended/.test(line)) console.log(`          ${line}`);
    },
  });
  try {
    say(`${stack.functions.length} functions behind ${gateway.routes} routes, and a worker, on moto`);
    const services = { template, stack, functions, settings: serviceSettings(environment) };
    const uploaded = (key: string, bytes: number) => tellOfUpload(services, key, bytes);
    const answers = await endToEnd({ url: gateway.url, apiKey: API_KEY, uploaded }, 'moto', tally);
    await tally.check('moto: a dead letter ends its job, and the sweeper one whose deadline has passed', () =>
      checkNets(services),
    );
    say('the end-to-end test ran on moto');
    return answers;
  } finally {
    await worker.close();
    await functions.close();
    await gateway.close();
  }
}

const serviceSettings = (environment: Record<string, string>) => ({
  AWS_REGION: environment.AWS_REGION ?? '',
  AWS_ENDPOINT_URL_SQS: environment.AWS_ENDPOINT_URL_SQS,
  AWS_ENDPOINT_URL_DYNAMODB: environment.AWS_ENDPOINT_URL_DYNAMODB,
  AWS_ENDPOINT_URL_S3: environment.AWS_ENDPOINT_URL_S3,
  OUTBOARD_QUEUE_URL: environment.OUTBOARD_QUEUE_URL ?? '',
  OUTBOARD_JOBS_TABLE: environment.OUTBOARD_JOBS_TABLE ?? '',
  OUTBOARD_MODELS_BUCKET: environment.OUTBOARD_MODELS_BUCKET ?? '',
});
