/**
 * Settles what the tool cannot read off a model: a flag, what the exporter wrote into the metadata, or a question. A
 * value that the whole field uses is assumed aloud; one that would change answers unseen is asked for.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Refusal } from '../refusal.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import type { Preprocessing, Scale } from './preprocessing.ts';
import type { Subject } from './subject.ts';

const isUltralytics = ({ metadata }: Subject): boolean =>
  /ultralytics/i.test(metadata.author ?? metadata.description ?? '');

/** Windows ML's names in the metadata for what a model wants. */
const nominalRanges: Readonly<Record<string, Scale>> = {
  NominalRange_0_255: '0-255',
  Normalized_0_1: '0-1',
  Normalized_1_1: '-1-1',
};

/** @throws Refusal where the range of the input is not known */
export function settlePreprocessing(subject: Subject, options: ImportOptions, note: Note): Preprocessing {
  const { metadata, channels, layout, type } = subject;
  const declared =
    nominalRanges[metadata['Image.NominalPixelRange'] ?? ''] ?? (isUltralytics(subject) ? '0-1' : undefined);
  const isWhole = /^u?int/.test(type);
  const scale = options.scale ?? (isWhole ? '0-255' : declared);
  if (scale === undefined) {
    throw new Refusal(
      'What numbers the model wants cannot be seen in the file. Say --scale 0-1 (most of PyTorch), --scale 0-255 (Caffe, later YOLOX) or --scale -1-1 (most of TensorFlow), and --mean and --std where the training used them (ImageNet in PyTorch: --scale 0-1 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225).',
      { flag: '--scale' },
    );
  }
  if (options.scale === undefined)
    note(`scale: ${scale}, ${isWhole ? `the input is ${type}` : 'from the metadata'}.`);
  const order = options.channelOrder ?? (metadata['Image.BitmapPixelFormat'] === 'Bgr8' ? 'bgr' : 'rgb');
  if (options.channelOrder === undefined && channels === 3) {
    note(
      `channel order: ${order}, ${order === 'bgr' ? 'from the metadata' : 'assumed; say --channel-order bgr where it is not'}.`,
    );
  }
  if (options.mean === undefined && options.std === undefined)
    note('mean and deviation: none given, none applied.');
  return {
    layout,
    channels,
    order,
    scale,
    type,
    mean: perChannel(options.mean ?? [0], channels, '--mean'),
    std: perChannel(options.std ?? [1], channels, '--std'),
  };
}

function perChannel(values: readonly number[], channels: number, flag: string): number[] {
  if (values.length === 1) return Array.from({ length: channels }, () => values[0] ?? 0);
  if (values.length === channels) return [...values];
  throw new Refusal(`${flag} has ${values.length} values, but the model has ${channels} channels.`, { flag });
}

/** The size of the model's input. @throws Refusal where the model takes any and nobody said which */
export function settleSize(subject: Subject, options: ImportOptions, usual: string, note: Note): PictureSize {
  if (options.size !== undefined && subject.size === undefined) return options.size;
  if (subject.size !== undefined) {
    const { height, width } = subject.size;
    if (options.size !== undefined && (options.size.height !== height || options.size.width !== width)) {
      throw new Refusal(`The model takes pictures of ${height}×${width} only; leave --size out.`, {
        flag: '--size',
      });
    }
    return subject.size;
  }
  const trained = subject.metadata.imgsz?.match(/\d+/g)?.map(Number);
  const [height, width = height] = trained ?? [];
  if (height !== undefined && width !== undefined) {
    note(`size: ${height}×${width}, from the metadata.`);
    return { height, width };
  }
  throw new Refusal(
    `The model takes pictures of any size. Say --size HxW, the size it was trained on (${usual}).`,
    {
      flag: '--size',
    },
  );
}

/**
 * Names of the classes, by class id.
 * @param background where the file may list one more
 * @param isLeast true where the model may have more classes than were seen
 */
export async function settleLabels(
  subject: Subject,
  options: ImportOptions,
  classes: number,
  note: Note,
  { background, isLeast = false }: { background?: number | undefined; isLeast?: boolean } = {},
): Promise<string[] | undefined> {
  const labels =
    options.labels === undefined ? namesIn(subject.metadata.names) : await readLabels(options.labels);
  if (labels === undefined) {
    note(`labels: none; classes are called by number. Say --labels FILE, one name a line.`);
    return undefined;
  }
  if (options.labels === undefined) note(`labels: ${labels.length}, from the metadata.`);
  if (background !== undefined && labels.length === classes + 1)
    return labels.filter((_, id) => id !== background);
  if (isLeast ? labels.length < classes : labels.length !== classes) {
    throw new Refusal(`There are ${labels.length} labels, but the model has ${classes} classes.`, {
      flag: '--labels',
    });
  }
  return labels;
}

/** One name a line; or JSON: an array of names, or an object from class id to name, such as `id2label` of a config.json. */
async function readLabels(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Refusal(`The labels in ${path} cannot be read.`, { flag: '--labels', cause });
  });
  if (/^\s*[[{]/.test(text)) {
    const names = namesInJson(text);
    if (names !== undefined) return names;
    throw new Refusal(`${path} is no JSON array of names, nor an object from class id to name.`, {
      flag: '--labels',
    });
  }
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
}

const namesById = z.record(z.string().regex(/^\d+$/), z.string());
const jsonLabels = z.union([
  z.array(z.string()),
  z.object({ id2label: namesById }).transform(({ id2label }) => ordered(id2label)),
  namesById.transform(ordered),
]);

function ordered(byId: Readonly<Record<string, string>>): string[] {
  const last = Math.max(-1, ...Object.keys(byId).map(Number));
  return Array.from({ length: last + 1 }, (_, id) => byId[id] ?? `class ${id}`);
}

function namesInJson(text: string): string[] | undefined {
  try {
    return jsonLabels.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Exporters of the YOLO family write `{0: 'person', 1: "ball"}` into the metadata. */
function namesIn(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const names: string[] = [];
  for (const [, id, single, double] of text.matchAll(
    /(\d+)"?\s*:\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g,
  )) {
    names[Number(id)] = single ?? double ?? '';
  }
  return names.length === 0 ? undefined : Array.from(names, (name, id) => name ?? `class ${id}`);
}
