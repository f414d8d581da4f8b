/** A busy task is protected from scale-in, an idle one is not; the agent is a server that speaks as ECS's does. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterEach, expect, it, vi } from 'vitest';
import { ScaleInProtection } from '../../gpu-worker/scale-in-protection.ts';
import { silent } from '../job/services.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function setup(answer: unknown = { protection: {} }) {
  const asked: unknown[] = [];
  const reply = { body: answer };
  const server = createServer(async (request, response) => {
    if (request.method === 'PUT' && request.url === '/api/task-protection/v1/state')
      asked.push(await json(request));
    response.end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const state = { busy: 0 };
  const warned: unknown[] = [];
  const protection = new ScaleInProtection({
    agentUri: `http://127.0.0.1:${port}/api`,
    busy: () => state.busy,
    log: { ...silent, warn: (told: unknown) => void warned.push(told) },
  });
  return { asked, state, protection, warned, reply };
}

it('asks when the worker becomes busy and when it becomes idle, not for each job', async () => {
  const { asked, state, protection } = await setup();
  state.busy = 1;
  protection.update();
  state.busy = 2;
  protection.update();
  await vi.waitFor(() => expect(asked).toEqual([{ ProtectionEnabled: true, ExpiresInMinutes: 2 }]));
  state.busy = 0;
  protection.update();
  await protection.stop();
  expect(asked.at(-1)).toEqual({ ProtectionEnabled: false });
  expect(asked).toHaveLength(2);
});

it('renews while busy, so that only a dead worker loses it', async () => {
  const { asked, state, protection } = await setup();
  state.busy = 1;
  protection.update();
  protection.update(true);
  protection.update(true);
  await vi.waitFor(() => expect(asked).toHaveLength(3));
});

it('asks again where the agent refused, and says so', async () => {
  const { asked, state, protection, warned, reply } = await setup({
    failure: { Reason: 'DEPLOYMENT_BLOCKED' },
  });
  state.busy = 1;
  protection.update();
  await vi.waitFor(() => expect(warned).toHaveLength(1));
  reply.body = { protection: {} };
  protection.update();
  await vi.waitFor(() => expect(asked).toHaveLength(2));
});

it('does nothing outside ECS', async () => {
  const protection = new ScaleInProtection({ agentUri: undefined, busy: () => 1, log: silent });
  protection.start();
  protection.update();
  await protection.stop();
});
