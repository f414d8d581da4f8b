/** What the exit code of every command means; scripts depend on the numbers. */
import { CommanderError } from 'commander';
import { OutboardApiError, OutboardConnectionError } from '../client/outboard.ts';

export const exitCodes = {
  succeeded: 0,
  /** At least one job, or the one thing asked for, failed. */
  failed: 1,
  /** The command line asks for something that cannot be: nothing was started. */
  usage: 2,
  /** The endpoint does not answer, is not Outboard's, or does not know the key. */
  unreachable: 3,
  /** Ctrl-C: jobs that were started go on without the command. */
  interrupted: 130,
} as const;

/** What a person typed cannot be done; the message says why. */
export class UsageError extends Error {}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.succeeded : exitCodes.usage;
  if (error instanceof OutboardConnectionError) return exitCodes.unreachable;
  if (error instanceof OutboardApiError && ['unauthorized', 'unexpected_answer'].includes(error.code)) {
    return exitCodes.unreachable;
  }
  return exitCodes.failed;
}
