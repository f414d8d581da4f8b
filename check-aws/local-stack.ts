/** The stack of `npm start` does the end-to-end test too; both stages must have made the same pictures and answers. */
import path from 'node:path';
import { API_KEY } from '../local/settings.ts';
import { startStack } from '../local/stack.ts';
import { type Answers, endToEnd } from './end-to-end.ts';
import type { Tally } from './tally.ts';

interface Options {
  /** Of the API; nine more follow. */
  readonly port: number;
  readonly directory: string;
  /** What the other stage made. */
  readonly expected: Answers;
  readonly tally: Tally;
  readonly say: (text: string) => void;
}

export async function checkOnLocalStack({ port, directory, expected, tally, say }: Options): Promise<void> {
  const stack = await startStack({ port, directory: path.join(directory, 'local'), print: () => {} });
  try {
    say('the local stack is up');
    const seen = await endToEnd({ url: stack.url, apiKey: API_KEY }, 'local', tally);
    for (const name of new Set([...Object.keys(expected), ...Object.keys(seen)])) {
      await tally.check(`moto and the local stack made the same: ${name}`, async () => {
        const [there, here] = [expected[name], seen[name]].map((answer) => JSON.stringify(answer));
        if (there === undefined || there !== here) throw new Error(`moto: ${there}\nlocal: ${here}`);
      });
    }
  } finally {
    await stack.close();
  }
}
