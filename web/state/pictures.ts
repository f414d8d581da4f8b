/**
 * Pictures that were sent from this browser, by job: rows of a list want to show them, and a preview is there sooner than
 * the stored picture. Kept reduced, the newest few dozen, in IndexedDB; nothing but looks depends on it.
 */

export interface KeptPicture {
  readonly name: string;
  /** At most PREVIEW_SIDE pixels a side, upright. Absent where the browser cannot show the format. */
  readonly preview?: Blob;
  readonly thumbnail?: Blob;
}

interface Row extends KeptPicture {
  readonly id: string;
  readonly at: number;
}

const STORE = 'pictures';
const MOST_KEPT = 60;
const PREVIEW_SIDE = 2048;
const THUMBNAIL_SIDE = 160;

/** Reduces a picture once; what comes back can be kept under its job's id. */
export async function reducePicture(file: Blob, name: string): Promise<KeptPicture> {
  const [preview, thumbnail] = await Promise.all([
    reduced(file, PREVIEW_SIDE),
    reduced(file, THUMBNAIL_SIDE),
  ]);
  return {
    name,
    ...(preview === undefined ? {} : { preview }),
    ...(thumbnail === undefined ? {} : { thumbnail }),
  };
}

async function reduced(file: Blob, side: number): Promise<Blob | undefined> {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const width = Math.max(1, Math.round(bitmap.width * scale));
    const height = Math.max(1, Math.round(bitmap.height * scale));
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    if (context === null) return undefined;
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    return await canvas.convertToBlob(scale < 1 ? { type: 'image/webp', quality: 0.9 } : undefined);
  } catch {
    // TIFF in most browsers, and files that are no picture at all.
    return undefined;
  }
}

export async function keepPicture(id: string, picture: KeptPicture): Promise<void> {
  const row: Row = { id, at: Date.now(), ...picture };
  recent.set(id, row);
  try {
    const store = (await database()).transaction(STORE, 'readwrite').objectStore(STORE);
    store.put(row);
    const oldestFirst = await answerOf(store.index('at').getAllKeys());
    for (const key of oldestFirst.slice(0, Math.max(0, oldestFirst.length - MOST_KEPT))) store.delete(key);
  } catch {
    // A private window may have no database: then this session's pictures are all there is.
  }
}

export async function keptPicture(id: string): Promise<KeptPicture | undefined> {
  const known = recent.get(id);
  if (known !== undefined) return known;
  try {
    const store = (await database()).transaction(STORE).objectStore(STORE);
    return (await answerOf(store.get(id))) as Row | undefined;
  } catch {
    return undefined;
  }
}

export async function forgetPicture(id: string): Promise<void> {
  recent.delete(id);
  try {
    (await database()).transaction(STORE, 'readwrite').objectStore(STORE).delete(id);
  } catch {
    // As above.
  }
}

const recent = new Map<string, Row>();
let opening: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opening ??= (async () => {
    const request = indexedDB.open('outboard', 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore(STORE, { keyPath: 'id' }).createIndex('at', 'at');
    return answerOf(request);
  })();
  return opening;
}

const answerOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
