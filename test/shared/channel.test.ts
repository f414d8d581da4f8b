/** Tokens of channels: what was not signed with the stage's secret, was changed or is over opens nothing. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readChannelToken, signChannelToken } from '../../shared/channel.ts';

const now = new Date('2026-03-02T08:00:00Z');
const grant = { job: 'job_a', expires: now.getTime() / 1000 + 60 };
const token = signChannelToken(grant, 'secret');

it('is read with the secret that signed it, also after one rotation', () => {
  expect(readChannelToken(token, ['secret'], now)).toEqual(grant);
  expect(readChannelToken(token, ['newer', 'secret'], now)).toEqual(grant);
  expect(readChannelToken(token, ['newest', 'newer'], now)).toBeUndefined();
  expect(readChannelToken(token, [], now)).toBeUndefined();
});

it('is over when its time is', () => {
  expect(readChannelToken(token, ['secret'], new Date(now.getTime() + 59_000))).toEqual(grant);
  expect(readChannelToken(token, ['secret'], new Date(now.getTime() + 60_000))).toBeUndefined();
});

it('opens nothing once any character of it was changed', () => {
  fc.assert(
    fc.property(
      fc.nat(token.length - 1),
      fc.string({ minLength: 1, maxLength: 1, unit: 'binary-ascii' }),
      (at, letter) => {
        fc.pre(letter !== token[at]);
        const changed = token.slice(0, at) + letter + token.slice(at + 1);
        const read = readChannelToken(changed, ['secret'], now);
        // base64url has letters whose last bits mean nothing; such a token says the same.
        expect(read === undefined || JSON.stringify(read) === JSON.stringify(grant)).toBe(true);
      },
    ),
  );
});

it('is never an error, whatever it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readChannelToken(text, ['secret'], now)).toBeUndefined();
    }),
  );
});
