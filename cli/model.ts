/** `outboard model …`: from an ONNX export to a version that serves. */
import { Command } from 'commander';
import { importCommands } from './model-import.ts';
import { repositoryCommands } from './model-repository.ts';

export function modelCommand(): Command {
  const command = new Command('model').description('Import ONNX models and manage the versions that serve.');
  for (const subcommand of [...importCommands(), ...repositoryCommands()]) command.addCommand(subcommand);
  return command;
}
