import { describe, expect, it } from 'vitest';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import { OutboardError } from '../../shared/errors.ts';
import { checkImageFormat, type ImageFormat, sniffImageFormat } from '../../shared/image-format.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const ftyp = (major: string, ...others: string[]): Uint8Array =>
  bytes(`\0\0\0${String.fromCharCode(16 + others.length * 4)}ftyp${major}\0\0\0\0${others.join('')}`);

describe('sniffImageFormat', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('knows a real %s', async (format) => {
    const picture = await sharp({ create: { width: 9, height: 7, channels: 3, background: '#456' } })
      .toFormat(format)
      .toBuffer();
    expect(sniffImageFormat(picture)).toBe(format);
  });

  const others: readonly (readonly [string, ImageFormat | undefined, Uint8Array])[] = [
    ['an SVG', 'svg', bytes('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['an SVG after prolog and comment', 'svg', bytes('\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a -->\n<svg>')],
    ['an SVG behind an entity', 'svg', bytes('<!DOCTYPE r [<!ENTITY x SYSTEM "http://a/">]><svg>&x;</svg>')],
    ['a page of HTML with an SVG in it', undefined, bytes('<!doctype html><body><svg></svg>')],
    ['a comment without an end', undefined, bytes('<!--'.repeat(1000))],
    ['an iPhone photo', 'heic', ftyp('heic', 'mif1', 'heic')],
    ['a HEIC with a general major brand', 'heic', ftyp('mif1', 'heic')],
    ['an AVIF with a general major brand', 'avif', ftyp('mif1', 'avif')],
    ['a film', 'mp4', ftyp('isom', 'mp42')],
    ['a camera file inside a TIFF', 'camera raw', bytes('II*\0\x10\0\0\0CR\x02\0')],
    ['a big-endian TIFF', 'tiff', bytes('MM\0*\0\0\0\x08')],
    ['a BigTIFF', 'tiff', bytes('II+\0\x08\0\0\0')],
    ['a bitmap', 'bmp', bytes(`BM${'\0'.repeat(12)}\x28\0\0\0`)],
    ['a text that begins with BM', undefined, bytes('BM is a brand of bicycle made in Bremen')],
    ['an icon', 'ico', bytes('\0\0\x01\0\x01\0\x10\x10')],
    ['a PDF', 'pdf', bytes('%PDF-1.7\n')],
    ['a PDF behind junk', 'pdf', bytes(`${'x'.repeat(500)}%PDF-1.7\n`)],
    ['a libvips file', 'vips', bytes('\xb6\xa6\xf2\x08')],
    ['JPEG 2000', 'jp2', bytes('\0\0\0\x0cjP  \r\n\x87\n')],
    ['JPEG XL', 'jxl', bytes('\xff\x0a\x01')],
    ['Photoshop', 'psd', bytes('8BPS\0\x01')],
    ['a RIFF that is sound', undefined, bytes('RIFF\0\0\0\0WAVE')],
    ['nothing', undefined, bytes('')],
  ];
  it.each(others)('takes %s for %s', (_name, format, file) => {
    expect(sniffImageFormat(file)).toBe(format);
  });
});

describe('checkImageFormat', () => {
  it('names the format that it refuses, and the field', () => {
    try {
      checkImageFormat(bytes('%PDF-1.7'), 'image_base64');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(OutboardError);
      expect(error).toMatchObject({ code: 'image_format_unsupported', field: 'image_base64' });
      expect(error).toHaveProperty('message', expect.stringContaining('PDF'));
    }
  });

  it('refuses what is no picture', () => {
    expect(() => checkImageFormat(bytes('hello'))).toThrow(
      expect.objectContaining({ code: 'image_not_recognized' }),
    );
  });
});
