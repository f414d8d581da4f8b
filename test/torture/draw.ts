/** Pictures of every kind that the product takes, made from a seed. */
import { createCipheriv } from 'node:crypto';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly format: 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';
  readonly content: 'noise' | 'photo' | 'page' | 'plain';
  /** What is unusual about the file, where its format can be so. */
  readonly variant: 'usual' | 'turned' | 'alpha' | 'grey' | 'deep' | 'cmyk' | 'palette' | 'progressive';
  /** EXIF, used by the variant `turned`. */
  readonly orientation: number;
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const photo = path.join(ROOT, 'test/fixtures/photo.jpg');
const page = path.join(ROOT, 'models/document-layout/1/golden.png');

/** A file. The same drawing and seed give the same pixels. */
export async function draw(drawing: Drawing, seed: number): Promise<Buffer> {
  const image = varied(await contentOf(drawing, seed), drawing);
  switch (drawing.format) {
    case 'jpeg':
      return image.jpeg({ quality: 80, progressive: drawing.variant === 'progressive' }).toBuffer();
    case 'png':
      return image
        .png({
          compressionLevel: 1,
          palette: drawing.variant === 'palette',
          progressive: drawing.variant === 'progressive',
        })
        .toBuffer();
    case 'webp':
      return image.webp({ lossless: drawing.variant === 'palette', quality: 80, effort: 0 }).toBuffer();
    case 'gif':
      return image.gif({ effort: 1 }).toBuffer();
    case 'tiff':
      return image.tiff(tiffOptions(drawing)).toBuffer();
    case 'avif':
      return image.avif({ effort: 0, quality: 60 }).toBuffer();
  }
}

function tiffOptions({ variant, width, height }: Drawing) {
  // A large one must fit into the bytes that are taken.
  if (width * height > 2e6) return { compression: 'jpeg', quality: 80 } as const;
  const isTiled = variant === 'progressive';
  return { compression: variant === 'palette' ? 'deflate' : 'lzw', tile: isTiled } as const;
}

async function contentOf({ width, height, content }: Drawing, seed: number): Promise<Sharp> {
  if (content === 'noise') {
    const key = Buffer.alloc(16);
    key.writeUInt32LE(seed);
    const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
    const data = stream.update(Buffer.alloc(width * height * 3));
    return sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  }
  if (content === 'plain') {
    const background = { r: seed % 256, g: (seed >> 8) % 256, b: (seed >> 16) % 256 };
    return sharp({ create: { width, height, channels: 3, background }, limitInputPixels: false });
  }
  const whole = sharp(content === 'photo' ? photo : page).removeAlpha();
  // No two of them alike: a light of its own for each.
  const lit = whole.resize(width, height, { fit: 'fill' }).linear(0.7 + (seed % 300) / 1000, seed % 17);
  const data = await lit.raw().toBuffer({ resolveWithObject: true });
  return sharp(data.data, { raw: data.info, limitInputPixels: false });
}

function varied(image: Sharp, { variant, format, orientation }: Drawing): Sharp {
  const has = (...formats: Drawing['format'][]) => formats.includes(format);
  if (variant === 'turned' && has('jpeg', 'png', 'webp', 'tiff')) return image.withMetadata({ orientation });
  if (variant === 'alpha' && has('png', 'webp', 'avif')) return image.ensureAlpha(0.5);
  if (variant === 'grey' && !has('gif')) return image.greyscale();
  if (variant === 'deep' && has('png')) return image.toColourspace('rgb16');
  if (variant === 'cmyk' && has('jpeg')) return image.toColourspace('cmyk');
  return image;
}
