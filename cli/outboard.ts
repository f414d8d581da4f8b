#!/usr/bin/env node
/** The `outboard` command. Each subcommand lives in a file of its own; this one only joins them and sets the exit code. */
import { Command } from 'commander';
import { doctorCommand } from './doctor.ts';
import { modelCommand } from './model.ts';
import { redriveCommand } from './redrive.ts';

const program = new Command('outboard')
  .description('GPU image inference for serverless applications.')
  .showHelpAfterError()
  .addCommand(modelCommand())
  .addCommand(doctorCommand())
  .addCommand(redriveCommand());

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
