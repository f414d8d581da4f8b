/** Test pictures of CIFAR-10 out of the flat file of JPEGs. */
import { mkdtemp, open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HEADER = 4;
const TEST = 1;
/** The records are in order of class: samples are taken far apart. */
const STEP = 83;

export async function readSamples(path: string, count: number): Promise<{ path: string; classId: number }[]> {
  const folder = await mkdtemp(join(tmpdir(), 'outboard-cifar-'));
  const file = await open(path, 'r');
  const bytes = await file.readFile();
  await file.close();
  const samples: { path: string; classId: number }[] = [];
  let seen = 0;
  for (let at = 0; at < bytes.length && samples.length < count; ) {
    const [split, classId = 0] = bytes.subarray(at, at + 2);
    const length = bytes.readUInt16LE(at + 2);
    const jpeg = bytes.subarray(at + HEADER, at + HEADER + length);
    at += HEADER + length;
    if (split !== TEST || seen++ % STEP !== 0) continue;
    const sample = join(folder, `${samples.length}.jpg`);
    await writeFile(sample, jpeg);
    samples.push({ path: sample, classId });
  }
  return samples;
}
