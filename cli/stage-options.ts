/** The options by which operators' commands find a stage. */
import { type Command, Option } from 'commander';
import { findStage, localStage, type Stage } from './stage.ts';

export interface StageOptions {
  readonly stage?: string;
  readonly port: string;
}

const DEFAULT_PORT = '3000';

export const stageOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--stage <name>', 'a deployed stage, with your AWS credentials; else the local stack'),
    )
    .addOption(new Option('--port <number>', 'port of the local stack').env('PORT').default(DEFAULT_PORT));

export const stageFrom = async ({ stage, port }: StageOptions): Promise<Stage> =>
  stage === undefined || stage === 'local' ? localStage(Number(port)) : findStage(stage);
