/** Test files run side by side, so no two of them may start their stacks on the same ports. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { portsFrom } from '../../local/settings.ts';

/** What `fetch` refuses to talk to, of the ports a person can open (https://fetch.spec.whatwg.org/#port-blocking). */
const REFUSED = [
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
  10080,
];

const TESTS = path.resolve(import.meta.dirname, '..');

it('gives each test file that starts a stack ports of its own, which fetch talks to', () => {
  const owners = new Map<number, string>();
  const files = readdirSync(TESTS, { recursive: true }).map(String);
  for (const file of files.filter((name) => name.endsWith('.test.ts'))) {
    const text = readFileSync(path.join(TESTS, file), 'utf8');
    const bases = new Set(
      [...text.matchAll(/\b(?:setup|testPort)\(\s*(\d{4})\b/g)].map(([, port]) => Number(port)),
    );
    for (const port of [...bases].flatMap((base) => Object.values(portsFrom(base)))) {
      expect([undefined, file], `port ${port}`).toContain(owners.get(port));
      expect(REFUSED, `${file}: fetch refuses`).not.toContain(port);
      owners.set(port, file);
    }
  }
  expect(owners.size).toBeGreaterThan(100);
});
