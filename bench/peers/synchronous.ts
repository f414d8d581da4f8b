/** Peers whose request is the job: nothing but the open connection remembers it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { closeConnections, expectOk, send } from './http.ts';
import { type Process, untilHealthy } from './processes.ts';
import { RESTART_MS, type Running } from './system.ts';

interface Synchronous {
  readonly url: string;
  readonly encode?: (picture: Buffer) => { body: Buffer | string; headers?: Record<string, string> };
  readonly server: Process;
  readonly others?: readonly Process[];
}

export async function synchronous({ url, encode, server, others = [] }: Synchronous): Promise<Running> {
  const body = encode ?? ((picture: Buffer) => ({ body: picture }));
  const all = [server, ...others];
  await untilHealthy(`${url}/health`, all);
  const ask: Running['ask'] = async (task, picture) => {
    await expectOk(send(`${url}/${task}`, body(picture)));
  };
  return {
    processes: all.map(({ pid }) => pid),
    ask,
    follow: (task, picture) =>
      ask(task, picture).then(
        () => 1,
        () => 0,
      ),
    async killWorker() {
      server.kill();
      await sleep(RESTART_MS);
      server.startAgain();
    },
    async close() {
      closeConnections();
      await Promise.all(all.map((process) => process.close()));
    },
  };
}
