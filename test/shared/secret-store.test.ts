/** Secrets that the stage makes for itself: one for all who ask first at the same time, and one before that is still good. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { names } from '../../local/settings.ts';
import { SecretStore } from '../../shared/aws/secret-store.ts';
import { useServices } from '../job/services.ts';

const services = useServices();
const open = (now?: () => number) => {
  const endpoint = services().settings.AWS_ENDPOINT_URL_DYNAMODB ?? '';
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, region: 'us-east-1' }));
  return new SecretStore(client, names.table, now);
};

it('makes one secret, however many ask for it first', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => open().secrets('first')));
  expect(new Set(answers.map(String)).size).toBe(1);
  expect(Buffer.from(answers[0]?.[0] ?? '', 'base64')).toHaveLength(32);
});

it('signs with the newest after a rotation, and still knows the one before', async () => {
  const [old] = await open().secrets('turned');
  const [next, before] = await open().rotate('turned');
  expect(before).toBe(old);
  expect(next).not.toBe(old);
  const [third, second, ...gone] = await open().rotate('turned');
  expect([second, gone]).toEqual([next, []]);
  expect(await open().secrets('turned')).toEqual([third, next]);
});

it('gives nobody a secret that never signs: rotations at once are rotations one after the other', async () => {
  const rotations = await Promise.all(Array.from({ length: 6 }, () => open().rotate('raced')));
  const [newest] = await open().secrets('raced');
  const givers = new Map(rotations.map(([made, before]) => [made, before]));
  const chain: (string | undefined)[] = [];
  for (let secret = newest; secret !== undefined; secret = givers.get(secret)) chain.push(secret);
  expect(chain).toHaveLength(6);
});

it('asks again after some minutes, so that a rotation reaches everybody', async () => {
  let now = 0;
  const store = open(() => now);
  const [old] = await store.secrets('asked');
  await open().rotate('asked');
  expect((await store.secrets('asked'))[0]).toBe(old);
  now += 300_001;
  expect((await store.secrets('asked'))[1]).toBe(old);
});
