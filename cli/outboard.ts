#!/usr/bin/env node
/** The `outboard` command. Each subcommand lives in a file of its own; this one only joins them and sets the exit code. */
import { Command } from 'commander';
import { modelCommand } from './model.ts';

const program = new Command('outboard')
  .description('GPU image inference for serverless applications.')
  .showHelpAfterError()
  .addCommand(modelCommand());

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
