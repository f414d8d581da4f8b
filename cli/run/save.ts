/** Results on disk. A file appears whole or not at all. */
import { createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Job, Outboard } from '../../client/outboard.ts';
import type { Output } from './outputs.ts';

export const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** @throws where one of the files is there already. */
export async function refuseTaken(outputs: readonly Output[]): Promise<void> {
  for (const { file } of outputs) {
    if (await exists(file)) throw new Error(`${file} is there; --force overwrites.`);
  }
}

/** Overwrites what is there. */
export async function save(
  outboard: Pick<Outboard, 'download'>,
  job: Job,
  outputs: readonly Output[],
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  for (const { role, file } of outputs) {
    await mkdir(path.dirname(file), { recursive: true });
    // The same name again where a run that was killed left one behind.
    const part = `${file}.${job.id}.part`;
    try {
      if (role === 'json') await writeFile(part, `${JSON.stringify(report(job), null, 2)}\n`);
      else await writeStream(await outboard.download(job, role, { signal }), part);
      await rename(part, file);
    } finally {
      await rm(part, { force: true });
    }
  }
}

async function writeStream(answer: Response, file: string): Promise<void> {
  if (answer.body === null) throw new Error('The result is empty.');
  await pipeline(
    Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream),
    createWriteStream(file),
  );
}

/** What a job found out, without links that run out within the hour. */
export function report({ model_version, parameters, output }: Job): Record<string, unknown> {
  const lasting = Object.entries(output ?? {}).filter(([name]) => !/_ur[il]$/.test(name));
  return { model: model_version, parameters, ...Object.fromEntries(lasting) };
}
