/** What a receiver gets, checked as it would check it: with the library of Standard Webhooks. */
import { expect, it } from 'vitest';
import { startReceiver, verified } from './receiver.ts';
import { useWebhooks } from './setup.ts';

const open = useWebhooks();

it('tells the end of a job, signed, with the job as the API shows it', async () => {
  const { running, succeed, handOver, secrets, deliveriesOf } = await open();
  const receiver = await startReceiver();
  const job = await running(receiver.url);
  await succeed(job);
  expect(await handOver()).toBe(1);
  const [message, ...more] = receiver.received;
  expect(more).toEqual([]);
  expect(message?.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': expect.stringMatching(/^whd_[0-9a-z]{24}$/),
    'webhook-signature': expect.stringMatching(/^v1,\S+$/),
  });
  expect(verified(message as never, (await secrets()).current)).toEqual({
    type: 'job.succeeded',
    timestamp: expect.any(String),
    data: expect.objectContaining({
      id: job.id,
      status: 'succeeded',
      links: expect.objectContaining({ self: `https://api.example/prod/v1/jobs/${job.id}` }),
      output: expect.objectContaining({
        upscale_factor: 4,
        sr_image_url: expect.stringMatching(/^http.*X-Amz-Signature=/),
      }),
    }),
  });
  expect(message?.body).not.toContain(receiver.url);
  expect(await deliveriesOf(job)).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }]);
});

it('is refused by a receiver where a byte was changed, or the secret is another', async () => {
  const { running, succeed, handOver, secrets } = await open();
  const receiver = await startReceiver();
  await succeed(await running(receiver.url));
  await handOver();
  const [message] = receiver.received;
  const { current } = await secrets();
  const changed = {
    headers: message?.headers ?? {},
    body: message?.body.replace('succeeded', 'failed') ?? '',
  };
  expect(() => verified(changed, current)).toThrow('No matching signature');
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  expect(() => verified(message as never, other)).toThrow('No matching signature');
});

it('signs with both secrets after a rotation, from its first moment, and with no older one', async () => {
  const { running, succeed, handOver, secrets, rotate } = await open();
  const receiver = await startReceiver();
  const send = async () => {
    await succeed(await running(receiver.url));
    await handOver();
    return receiver.received.at(-1) as never;
  };
  const first = await secrets();
  expect(first).not.toHaveProperty('previous');
  await send();
  const second = await rotate();
  expect(second.previous).toBe(first.current);
  const both = await send();
  expect(verified(both, first.current)).toMatchObject({ type: 'job.succeeded' });
  expect(verified(both, second.current)).toMatchObject({ type: 'job.succeeded' });
  const third = await rotate();
  const next = await send();
  expect(() => verified(next, first.current)).toThrow('No matching signature');
  expect(verified(next, second.current)).toMatchObject({ type: 'job.succeeded' });
  expect(verified(next, third.current)).toMatchObject({ type: 'job.succeeded' });
});

it('tells nothing of an end that was not asked for', async () => {
  const { running, succeed, handOver, pass } = await open();
  const receiver = await startReceiver();
  const webhook = { url: receiver.url, events: ['job.failed'], api: '' };
  const job = await running(receiver.url, { webhook });
  expect(await succeed(job)).toBe(true);
  expect(await handOver()).toBe(0);
  await pass(600_000);
  expect(receiver.received).toEqual([]);
});

it('sends once, however often its message comes', async () => {
  const { running, succeed, messages, deliver, deliveriesOf } = await open();
  const receiver = await startReceiver((response) => setTimeout(() => response.writeHead(200).end(), 50));
  const job = await running(receiver.url);
  await succeed(job);
  const [message = ''] = await messages();
  await Promise.all([1, 2, 3, 4].map(() => deliver(JSON.parse(message))));
  await deliver(JSON.parse(message));
  expect(receiver.received).toHaveLength(1);
  const [delivery] = await deliveriesOf(job);
  await deliver({ delivery_id: delivery?.delivery_id ?? '' });
  expect(receiver.received).toHaveLength(1);
});

it('drops messages that are not ours, and those of jobs that are gone', async () => {
  const { running, succeed, jobs, messages, deliver, handOver } = await open();
  const receiver = await startReceiver();
  const job = await running(receiver.url);
  await succeed(job);
  await jobs.erase(job.id);
  for (const message of await messages()) await deliver(JSON.parse(message));
  await deliver({ delivery_id: 'whd_aaaaaaaaaaaaaaaaaaaaaaaa' });
  expect(await handOver()).toBe(0);
  expect(receiver.received).toEqual([]);
});
