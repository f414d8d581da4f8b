/**
 * `npm run image -- --stage S [--cpu] [--push] [--region R]`: the worker's container image for a stage. Deploying a
 * stage needs its image pushed once (scripts/image/require-image.ts).
 */
import { Command } from 'commander';
import { buildImage } from './build-image.ts';
import { pinBases } from './pin.ts';
import { ImageRegistry } from './registry.ts';

/** What ECR takes as a tag. */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

interface Options {
  readonly stage?: string;
  readonly cpu?: true;
  readonly push?: true;
  readonly region: string;
  readonly pin?: true;
}

const program = new Command('image')
  .description("Builds the worker's container image for a stage, and pushes it to the account's registry.")
  .option('--stage <name>', "the stage; the image is tagged with its name and with its content's hash")
  .option('--cpu', 'without CUDA, for a fleet without GPUs')
  .option('--push', 'push it to Amazon ECR, with the credentials that the AWS SDK finds')
  .option('--region <name>', 'region of the registry', process.env.AWS_REGION ?? 'us-east-1')
  .option('--pin', 'instead, write the digests of the base images of today into the Dockerfile')
  .showHelpAfterError();

async function run({ stage, cpu, push, region, pin }: Options): Promise<void> {
  const print = (line: string) => console.log(line);
  if (pin) return (await pinBases()).forEach(print);
  if (stage === undefined) throw new Error('Say which stage: npm run image -- --stage prod --push');
  if (!TAG.test(stage)) throw new Error(`"${stage}" cannot be the tag of an image.`);
  const target = cpu ? 'cpu' : 'cuda';
  await buildImage({ target, stage, print, ...(push ? { registry: new ImageRegistry({ region }) } : {}) });
}

try {
  await run(program.parse().opts<Options>());
} catch (error) {
  const unknown = error instanceof Error && error.name === 'CredentialsProviderError';
  const reason = unknown
    ? `No AWS credentials: ${error.message}`
    : error instanceof Error
      ? error.message
      : error;
  console.error(`error: ${reason}`);
  process.exitCode = 1;
}
