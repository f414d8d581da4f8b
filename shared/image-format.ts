/**
 * What kind of picture some bytes are, by their first bytes alone; the file's name and declared type are never
 * believed. The decoder trusts this answer to keep hostile formats away from libvips: a format that is added to
 * `supportedFormats` is a format that strangers can make the worker parse.
 */
import { OutboardError } from './errors.ts';

const supportedFormats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const;
export type SupportedFormat = (typeof supportedFormats)[number];

/** Recognised so that the refusal can name them. */
type RefusedFormat =
  | ('svg' | 'heic' | 'jp2' | 'jxl' | 'jxr' | 'bmp' | 'ico' | 'pdf' | 'psd' | 'vips' | 'qoi' | 'dds')
  | ('exr' | 'hdr' | 'fits' | 'netpbm' | 'camera raw' | 'mp4');
export type ImageFormat = SupportedFormat | RefusedFormat;

/** No format needs more than this to be told apart. */
export const SNIFF_BYTES = 4096;

const isSupported = (format: ImageFormat): format is SupportedFormat =>
  (supportedFormats as readonly string[]).includes(format);

/** @param bytes the first `SNIFF_BYTES` of the file, or all of a shorter one. */
export function sniffImageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.subarray(0, SNIFF_BYTES)).toString('latin1');
  const bySignature = signatures.find(([, signature]) => matches(head, signature));
  return bySignature?.[0] ?? isoMediaFormat(head) ?? textFormat(head);
}

/**
 * @returns the format, where it is one that can be decoded.
 * @throws OutboardError image_not_recognized, or image_format_unsupported naming the format that was found.
 */
export function checkImageFormat(bytes: Uint8Array, field?: string): SupportedFormat {
  const format = sniffImageFormat(bytes);
  const at = field === undefined ? {} : { field };
  if (format === undefined) throw new OutboardError('image_not_recognized', at);
  if (isSupported(format)) return format;
  const detail = `This file is ${format.length <= 4 ? format.toUpperCase() : format}.`;
  throw new OutboardError('image_format_unsupported', { ...at, detail });
}

/** Bytes at their offsets, one character a byte. First match wins: camera files come before the TIFF they imitate. */
const signatures: readonly (readonly [ImageFormat, Readonly<Record<number, string>>])[] = [
  ['jpeg', { 0: '\xff\xd8\xff' }],
  ['png', { 0: '\x89PNG\r\n\x1a\n' }],
  ['webp', { 0: 'RIFF', 8: 'WEBP' }],
  ['gif', { 0: 'GIF87a' }],
  ['gif', { 0: 'GIF89a' }],
  ['camera raw', { 0: 'II*\0', 8: 'CR' }],
  ['camera raw', { 0: 'IIRO' }],
  ['camera raw', { 0: 'IIRS' }],
  ['camera raw', { 0: 'IIU\0' }],
  ['camera raw', { 0: 'FUJIFILMCCD-RAW' }],
  ['tiff', { 0: 'II*\0' }],
  ['tiff', { 0: 'MM\0*' }],
  ['tiff', { 0: 'II+\0' }],
  ['tiff', { 0: 'MM\0+' }],
  ['jp2', { 0: '\0\0\0\x0cjP  \r\n\x87\n' }],
  ['jp2', { 0: '\xff\x4f\xff\x51' }],
  ['jxl', { 0: '\0\0\0\x0cJXL \r\n\x87\n' }],
  ['jxl', { 0: '\xff\x0a' }],
  ['jxr', { 0: 'II\xbc' }],
  // Two letters begin too many texts, so the next header's size must be a small number too.
  ['bmp', { 0: 'BM', 15: '\0\0\0' }],
  ['ico', { 0: '\0\0\x01\0', 5: '\0' }],
  ['psd', { 0: '8BPS' }],
  ['vips', { 0: '\xb6\xa6\xf2\x08' }],
  ['vips', { 0: '\x08\xf2\xa6\xb6' }],
  ['qoi', { 0: 'qoif' }],
  ['dds', { 0: 'DDS ' }],
  ['exr', { 0: 'v/1\x01' }],
  ['hdr', { 0: '#?RADIANCE' }],
  ['fits', { 0: 'SIMPLE  =' }],
];

const matches = (head: string, signature: Readonly<Record<number, string>>): boolean =>
  Object.entries(signature).every(([offset, text]) => head.startsWith(text, Number(offset)));

function textFormat(head: string): ImageFormat | undefined {
  const pdf = head.indexOf('%PDF-');
  // Readers accept a PDF that begins within the first kilobyte.
  if (pdf >= 0 && pdf < 1024) return 'pdf';
  if (isSvg(head)) return 'svg';
  return /^P[1-7fF]\s/.test(head) ? 'netpbm' : undefined;
}

/** A page of HTML may hold an SVG too, so only prolog, comments and an XML doctype may come before the root. */
function isSvg(head: string): boolean {
  let text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  while (text.startsWith('<?') || text.startsWith('<!--')) {
    const end = text.startsWith('<?') ? '?>' : '-->';
    const at = text.indexOf(end);
    if (at < 0) return false;
    text = text.slice(at + end.length).trimStart();
  }
  const root = /<([\w-]+:)?svg[\s>]/i;
  return /^<!doctype\s+(?!html)/i.test(text) ? root.test(text) : text.search(root) === 0;
}

/** AVIF, HEIC and films share one container; its brands tell which. */
function isoMediaFormat(head: string): ImageFormat | undefined {
  if (!head.startsWith('ftyp', 4)) return undefined;
  const boxLength = head.charCodeAt(2) * 256 + head.charCodeAt(3);
  const [major = '', ...others] = head.slice(8, boxLength).match(/.{4}/gs) ?? [];
  const has = (brand: RegExp) => [major, ...others].some((it) => brand.test(it));
  if (/^avi[fs]/.test(major)) return 'avif';
  if (has(/^he[iv][cmsx]/)) return 'heic';
  if (/^m[is]f1|^miaf/.test(major)) return has(/^avi[fs]/) ? 'avif' : 'heic';
  return major === 'crx ' ? 'camera raw' : 'mp4';
}
