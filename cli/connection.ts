/** Which stage a command talks to: flags, then the environment, then the local stack. */
import { type Command, Option } from 'commander';
import { Outboard } from '../client/outboard.ts';
import { UsageError } from './exit-code.ts';

const LOCAL_ENDPOINT = 'http://127.0.0.1:3000';
const LOCAL_KEY = 'outboard-local';

export interface ConnectionFlags {
  readonly endpoint: string;
  readonly apiKey?: string;
}

export const withConnection = (command: Command): Command =>
  command
    .addOption(
      new Option('--endpoint <url>', 'address of the stage').env('OUTBOARD_ENDPOINT').default(LOCAL_ENDPOINT),
    )
    .addOption(
      new Option(
        '--api-key <key>',
        `its key; the local stack's is known (prefer OUTBOARD_API_KEY: other users of a machine see flags)`,
      ).env('OUTBOARD_API_KEY'),
    );

/** @throws UsageError where the endpoint is no address, or a key is missing that nobody can guess. */
export function connect({ endpoint, apiKey }: ConnectionFlags): Outboard {
  if (!URL.canParse(endpoint)) throw new UsageError(`--endpoint ${endpoint} is not an address.`);
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(endpoint).hostname);
  const key = apiKey ?? (isLocal ? LOCAL_KEY : undefined);
  if (key === undefined) throw new UsageError(`${endpoint} needs a key: --api-key or OUTBOARD_API_KEY.`);
  return new Outboard({ endpoint, apiKey: key });
}
