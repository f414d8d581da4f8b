/** Pictures that were chosen and are not sent yet, and the sending of them. */
import { signal } from '@preact/signals';
import { explain, outboard } from '../api.ts';
import { type KeptPicture, keepPicture, reducePicture } from './pictures.ts';

export interface DraftPicture {
  readonly key: number;
  readonly file: File;
  /** Address of the thumbnail, where the browser can show it. */
  readonly thumbnail: string | undefined;
  readonly reduced: Promise<KeptPicture>;
  readonly sending: boolean;
  readonly error: string | undefined;
}

export const draft = signal<readonly DraftPicture[]>([]);

/** A picture is sent whole before the next one starts; this many at a time keep the line full. */
const AT_ONCE = 3;
let lastKey = 0;

export function addPictures(files: Iterable<File>): void {
  for (const file of files) {
    lastKey += 1;
    const key = lastKey;
    const reduced = reducePicture(file, file.name);
    const picture = { key, file, reduced, thumbnail: undefined, sending: false, error: undefined };
    draft.value = [...draft.value, picture];
    void reduced.then(({ thumbnail, preview }) => {
      const blob = thumbnail ?? preview;
      if (blob !== undefined) change(key, { thumbnail: URL.createObjectURL(blob) });
    });
  }
}

export function removePicture(key: number): void {
  const picture = draft.value.find((one) => one.key === key);
  if (picture?.thumbnail !== undefined) URL.revokeObjectURL(picture.thumbnail);
  draft.value = draft.value.filter((one) => one.key !== key);
}

function change(key: number, changes: Partial<DraftPicture>): void {
  draft.value = draft.value.map((one) => (one.key === key ? { ...one, ...changes } : one));
}

/** Starts a job for each picture. @returns ids; a picture that was refused stays, with the reason. */
export async function sendAll(
  model: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<string[]> {
  const waiting = draft.value.filter(({ sending }) => !sending);
  const ids: string[] = [];
  const sendNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const id = await send(next, model, parameters);
      if (id !== undefined) ids.push(id);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendNext));
  return ids;
}

async function send(
  { key, file, reduced }: DraftPicture,
  model: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  change(key, { sending: true, error: undefined });
  try {
    const { id } = await outboard.value.submit(model, file, parameters);
    await keepPicture(id, await reduced);
    removePicture(key);
    return id;
  } catch (error) {
    change(key, { sending: false, error: explain(error) });
    return undefined;
  }
}
