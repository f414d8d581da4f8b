/** `outboard run`: pictures through a model, results into files. */
import { homedir } from 'node:os';
import { Command, Option } from 'commander';
import { type Job, type Model, type Outboard, OutboardApiError } from '../client/outboard.ts';
import { type ConnectionFlags, connect, withConnection } from './connection.ts';
import { exitCodeOf, exitCodes, UsageError } from './exit-code.ts';
import { Bars, Lines } from './run/display.ts';
import { findInputs } from './run/inputs.ts';
import { contentHash, Memory, questionKey, stateFolder } from './run/memory.ts';
import { impliedParameters, isFolder, type Plan, planOutputs } from './run/outputs.ts';
import { readParameters } from './run/parameters.ts';
import { type Outcome, runAll, type Work } from './run/run-all.ts';
import { exists } from './run/save.ts';
import { wholeNumber } from './whole-number.ts';

interface RunFlags extends ConnectionFlags {
  readonly model: string;
  readonly scale?: string;
  readonly parameter: readonly string[];
  readonly output?: string;
  readonly concurrency: number;
  readonly priority?: Job['priority'];
  readonly force?: true;
  readonly fresh?: true;
  readonly json?: true;
}

const HELP = `
Results go beside a single picture (photo-x4.png), to the file that -o names, or into the folder that it names. Classes and
boxes are printed; -o x.json saves them, -o x.png the picture with its boxes.

Ctrl-C stops watching and leaves the jobs running; the same command again finds them and saves their results.

Exit codes: 0 all succeeded, 1 some failed, 2 wrong usage (nothing was started), 3 the endpoint cannot be reached or
does not know the key, 130 interrupted.`;

export function runCommand(): Command {
  const command = new Command('run')
    .description('send pictures through a model and save the results')
    .argument('<picture...>', 'files, folders, globs or http(s) addresses')
    .option('-m, --model <name>', 'a model, an alias or name@version', 'super-resolution')
    .option('--scale <factor>', 'how many times larger: -p upscale_factor=FACTOR')
    .option('-p, --parameter <name=value>', 'a parameter of the model; may be repeated', collect, [])
    .option('-o, --output <path>', 'file or folder for the results')
    .option('-j, --concurrency <number>', 'pictures at a time', wholeNumber, 4)
    .addOption(
      new Option('--priority <priority>', 'batch: only where no other job waits').choices([
        'normal',
        'batch',
      ]),
    )
    .option('--force', 'overwrite files that are there')
    .option('--fresh', 'start new jobs, also where an earlier run has asked the same')
    .option('--json', 'one line of JSON for each picture')
    .addHelpText('after', HELP);
  return withConnection(command).action(run);
}

async function run(args: string[], flags: RunFlags): Promise<void> {
  const outboard = connect(flags);
  const model = await findModel(outboard, flags.model);
  const asked = [...(flags.scale === undefined ? [] : [`upscale_factor=${flags.scale}`]), ...flags.parameter];
  const parameters = {
    ...readParameters([...impliedParameters(flags.output, model), ...asked], model),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
  };
  const folder = flags.output !== undefined && isFolder(flags.output) ? flags.output : undefined;
  const plans = planOutputs(await findInputs(args, folder), flags.output, model, parameters);
  const memory = new Memory(stateFolder(process.env, homedir()));
  await memory.open();
  const works: Work[] = [];
  for (const plan of plans) works.push(await workOf(plan, flags, parameters, memory));
  if (flags.force !== true) await refuseOverwriting(works);

  const interrupt = new AbortController();
  const stop = () => {
    if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write('Stopping to watch; Ctrl-C again ends at once.\n');
    interrupt.abort();
  };
  process.on('SIGINT', stop);
  const display = process.stderr.isTTY ? new Bars() : new Lines();
  const { force = false, fresh = false, json = false } = flags;
  const services = { outboard, memory, display, force, fresh, json, signal: interrupt.signal };
  const outcomes = await runAll(services, works, flags.concurrency);
  process.off('SIGINT', stop);
  process.exitCode = summary(outcomes);
}

async function findModel(outboard: Outboard, name: string): Promise<Model> {
  return outboard.models.get(name).catch(async (error: unknown) => {
    if (!(error instanceof OutboardApiError && error.code === 'unknown_model')) throw error;
    const names = (await outboard.models.list()).flatMap((model) => [...model.aliases, model.name]);
    throw new UsageError(`There is no model ${name}; there are ${names.join(', ')}.`);
  });
}

async function workOf(
  { input, outputs }: Plan,
  { endpoint, model, fresh, force }: RunFlags,
  parameters: Readonly<Record<string, unknown>>,
  memory: Memory,
): Promise<Work> {
  const content = input.isUrl ? input.source : await contentHash(input.source);
  // Without outputs, the folder of the run stands for them.
  const places = outputs.length > 0 ? outputs.map(({ file }) => file) : [process.cwd()];
  const key = questionKey(endpoint, content, input.relative, model, parameters, places);
  const { writes: isOurs = false } = fresh || force ? {} : await memory.recall(key);
  const present = await Promise.all(outputs.map(({ file }) => exists(file)));
  const isSaved = isOurs && outputs.length > 0 && present.every(Boolean);
  return { key, input, model, parameters, outputs, isOurs, isSaved };
}

async function refuseOverwriting(works: readonly Work[]): Promise<void> {
  const files = works
    .filter(({ isSaved }) => !isSaved)
    .flatMap(({ outputs }) => outputs.map(({ file }) => file));
  const present = await Promise.all(files.map(exists));
  const [first, ...others] = files.filter((_, index) => present[index]);
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  throw new UsageError(`${first}${more}: already there, and not from the same command; --force overwrites.`);
}

/** Tells what there is to do next. @returns the exit code */
function summary(outcomes: readonly Outcome[]): number {
  const failures = outcomes.filter((outcome) => outcome.kind === 'failed');
  const left = outcomes.filter(({ kind }) => kind === 'interrupted').length;
  if (failures.length > 0 && outcomes.length > 1) {
    process.stderr.write(
      `${failures.length} of ${outcomes.length} failed; the same command tries them again.\n`,
    );
  }
  if (left > 0) {
    process.stderr.write(
      `${left} of ${outcomes.length} left; jobs that were started go on. The same command picks them up, \`outboard cancel ID\` ends one.\n`,
    );
    return exitCodes.interrupted;
  }
  const codes = failures.map(({ error }) => exitCodeOf(error));
  if (codes.includes(exitCodes.unreachable)) return exitCodes.unreachable;
  return codes.length > 0 ? exitCodes.failed : exitCodes.succeeded;
}

const collect = (value: string, all: readonly string[]): string[] => [...all, value];
