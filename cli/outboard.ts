#!/usr/bin/env node
/** The `outboard` command. Each subcommand lives in a file of its own; this one only joins them and sets the exit code. */
import { Command, CommanderError } from 'commander';
import { OutboardConnectionError } from '../client/outboard.ts';
import { exitCodeOf } from './exit-code.ts';
import { jobCommands } from './jobs.ts';
import { modelsCommand } from './models.ts';
import { runCommand } from './run.ts';
import { webhookCommand } from './webhook.ts';

/** Wrong usage must end in the documented code, and not in the library's. */
function throwing(command: Command): Command {
  for (const subcommand of command.commands) throwing(subcommand);
  return command.exitOverride().showHelpAfterError('(--help shows what there is)');
}

/** The operators' commands bring sharp and the AWS SDK: who asks for another one does not wait for them. */
async function operatorsCommands(): Promise<Command[]> {
  const [{ doctorCommand }, { modelCommand }, { redriveCommand }] = await Promise.all([
    import('./doctor.ts'),
    import('./model.ts'),
    import('./redrive.ts'),
  ]);
  return [modelCommand(), doctorCommand(), redriveCommand()];
}

const program = new Command('outboard').description('GPU image inference for serverless applications.');
for (const command of [runCommand(), ...jobCommands(), modelsCommand(), webhookCommand()])
  program.addCommand(command);
if (!program.commands.some((command) => command.name() === process.argv[2])) {
  for (const command of await operatorsCommands()) program.addCommand(command);
}

// `outboard jobs | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await throwing(program).parseAsync();
} catch (error) {
  // Commander has told what was wrong.
  if (!(error instanceof CommanderError)) console.error(explain(error));
  process.exitCode = exitCodeOf(error);
}

function explain(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const hint = '(--endpoint names another stage, npm start starts the local one)';
  return `error: ${error.message}${error instanceof OutboardConnectionError ? `\n${hint}` : ''}`;
}
