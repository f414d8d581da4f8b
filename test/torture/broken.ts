/** Files that no job can succeed with, each with the code that it must fail with. */
import { crc32, deflateSync } from 'node:zlib';
import { Dice } from './dice.ts';
import { type Drawing, draw } from './draw.ts';

const formats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const;

/** A chunk of a PNG with its checksum. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A grey PNG that claims a size and holds whatever pixels it is given. */
export function claimingPng(width: number, height: number, pixels: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const sound = (format: Drawing['format'], seed: number): Promise<Buffer> =>
  draw({ width: 90, height: 70, format, content: 'noise', variant: 'usual', orientation: 1 }, seed);

async function cut(seed: number, least: number, most: number): Promise<Buffer> {
  const dice = new Dice(seed);
  const file = await sound(dice.pick(formats), seed);
  return file.subarray(0, Math.floor(file.length * (least + dice.roll() * (most - least))));
}

/** Random bytes behind the first ones of a picture. */
async function headOnly(seed: number): Promise<Buffer> {
  const dice = new Dice(seed);
  const file = await sound(dice.pick(['jpeg', 'png', 'webp', 'gif']), seed);
  return Buffer.concat([file.subarray(0, 24), randomBytes(seed, 3_000)]);
}

function randomBytes(seed: number, length: number): Buffer {
  const dice = new Dice(seed);
  return Buffer.from(Array.from({ length }, () => dice.whole(0, 255)));
}

/** One bit of a PNG's pixels is wrong: its checksum says so. */
async function flipped(seed: number): Promise<Buffer> {
  const file = await sound('png', seed);
  const at = new Dice(seed).whole(60, file.length - 60);
  file.writeUInt8(file.readUInt8(at) ^ 4, at);
  return file;
}

const text = (content: string) => async () => Buffer.from(content);
const UNREADABLE = /^image_(corrupt|not_recognized|format_unsupported|too_many_pixels)$/;

const makers = {
  'no bytes': { make: async () => Buffer.alloc(0), code: /^(image_not_recognized|input_missing)$/ },
  'random bytes': {
    make: async (seed: number) => randomBytes(seed, 5_000),
    code: /^image_(not_recognized|format_unsupported)$/,
  },
  zeros: { make: async () => Buffer.alloc(4_000), code: /^image_not_recognized$/ },
  'a web page': {
    make: text('<!doctype html><title>404</title><p>Not found'),
    code: /^image_not_recognized$/,
  },
  'an SVG': { make: text('<svg xmlns="http://www.w3.org/2000/svg"/>'), code: /^image_format_unsupported$/ },
  'a PDF': { make: text('%PDF-1.7\n%%EOF'), code: /^image_format_unsupported$/ },
  'a file cut off': { make: (seed: number) => cut(seed, 0.3, 0.9), code: /^image_corrupt$/ },
  'a file cut off soon': { make: (seed: number) => cut(seed, 0.01, 0.05), code: UNREADABLE },
  'a head and noise': { make: headOnly, code: UNREADABLE },
  'a wrong bit': { make: flipped, code: /^image_corrupt$/ },
  'a bomb': {
    make: async () => claimingPng(20_000, 20_000, Buffer.alloc(4_000_000)),
    code: /^image_too_many_pixels$/,
  },
  'four gigapixels': {
    make: async () => claimingPng(65_536, 65_536, Buffer.alloc(99)),
    code: /^image_too_many_pixels$/,
  },
  'missing rows': { make: async () => claimingPng(600, 500, Buffer.alloc(100)), code: /^image_corrupt$/ },
  'no pixels': { make: async () => claimingPng(0, 0, Buffer.alloc(0)), code: /^image_corrupt$/ },
} as const satisfies Record<string, { make: (seed: number) => Promise<Buffer>; code: RegExp }>;

export type BrokenKind = keyof typeof makers;
export const brokenKinds = Object.keys(makers) as BrokenKind[];

export const makeBroken = (kind: BrokenKind, seed: number): Promise<Buffer> => makers[kind].make(seed);
export const codeOf = (kind: BrokenKind): RegExp => makers[kind].code;
