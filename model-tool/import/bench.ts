/**
 * What the packers of all tasks share: the model at hand, the pictures to prove on, and the search for the freest form
 * of the model that proves right.
 */

import { join } from 'node:path';
import { readPicture } from '../golden/picture-file.ts';
import { builtInPictures } from '../golden/pictures.ts';
import { type LoadedModel, writeModel } from '../onnx/model-file.ts';
import type { Picture } from '../reference/preprocess.ts';
import { Refusal } from '../refusal.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Freedom, freedoms } from './freedom.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import type { Subject } from './subject.ts';
import { wrappable } from './wrap.ts';

/** What every task's packer works with. */
export interface Bench {
  readonly subject: Subject;
  readonly options: ImportOptions;
  readonly runtime: Runtime;
  readonly note: Note;
}

/** A task's packer gives everything of a manifest but what all have in common; files by name, beside the graph. */
export interface Packed {
  readonly graphPath: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly manifest: (common: CommonFields, graph: GraphFields) => unknown;
}

export type CommonFields = Readonly<Record<string, unknown>>;
type GraphFields = { readonly file: string; readonly sha256: string; readonly bytes: number };

/** The pictures to prove on: those that were given, then the built-in ones. */
export async function goldenPictures(
  { options }: Bench,
  size: PictureSize,
  read: (file: string) => Promise<Picture> = (file) =>
    readPicture(file, size, { mode: 'cover', fill: [0, 0, 0], anchor: 'centre', crop_fraction: 1 }),
): Promise<Picture[]> {
  return [...(await Promise.all((options.golden ?? []).map(read))), ...builtInPictures(size)];
}

/**
 * The freest form of the model that proves right.
 * @param fold puts the task's nodes around it · @param prove throws where the outcome is wrong
 */
export async function freestProved<Proof>(
  { subject, note }: Bench,
  wantsSize: boolean,
  fold: (model: LoadedModel, freedom: Freedom) => void,
  prove: (path: string, freedom: Freedom, model: LoadedModel) => Promise<Proof>,
): Promise<{ proof: Proof; path: string; freedom: Freedom }> {
  let failure: unknown;
  for (const [attempt, freedom] of freedoms(subject, wantsSize).entries()) {
    const model = await wrappable(subject, freedom);
    fold(model, freedom);
    const path = join(subject.workFolder, `package-${attempt}.onnx`);
    await writeModel(path, model);
    try {
      const proof = await prove(path, freedom, model);
      note(
        freedom.isBatchFree
          ? 'batch: any.'
          : `batch: ${subject.batch ?? 1} only; no freer graph proved right.`,
      );
      return { proof, path, freedom };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      failure = error;
    }
  }
  throw failure;
}
