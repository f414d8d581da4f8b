import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type Encoded, encodeImage } from '../../gpu-worker/image/encode.ts';
import { type Channels, createPixels, type Pixels, type Room } from '../../gpu-worker/image/pixels.ts';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import { flatPixels, type Raw, scatteredPixels, setupRooms } from './pictures.ts';

const places = ['memory', 'scratch'] as const;

async function pixelsOf(picture: Raw, room: Room): Promise<Pixels> {
  const pixels = await createPixels(picture, picture.channels as Channels, room);
  pixels.writeWindow({ left: 0, top: 0, width: picture.width, height: picture.height }, picture.data);
  return pixels;
}

async function setup(place: (typeof places)[number], color: Raw, alpha?: Raw) {
  const rooms = await setupRooms();
  const room = rooms[place];
  const picture = {
    color: await pixelsOf(color, room),
    alpha: alpha && (await pixelsOf(alpha, room)),
  };
  const dispose = () => Promise.all([picture.color.dispose(), picture.alpha?.dispose()]);
  return { ...rooms, room, picture, dispose };
}

async function reopen(encoded: Encoded) {
  const file = encoded.body instanceof Uint8Array ? encoded.body : await readFile(encoded.body.path);
  expect(file.length).toBe(encoded.bytes);
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const { format, space } = await sharp(file).metadata();
  return { data: new Uint8Array(data), info, format, space };
}

describe.each(places)('encodeImage from %s', (place) => {
  it('keeps every pixel of a PNG', async () => {
    const color = scatteredPixels(33, 21, 3);
    const { picture, room, dispose } = await setup(place, color);
    const encoded = await encodeImage(picture, { format: 'png' }, room);
    expect(encoded).toMatchObject({ width: 33, height: 21 });
    expect(encoded.body instanceof Uint8Array).toBe(place === 'memory');
    const back = await reopen(encoded);
    expect([back.format, back.space, back.info.channels]).toEqual(['png', 'srgb', 3]);
    expect(back.data).toEqual(color.data);
    await dispose();
  });

  it('joins alpha to a PNG without touching colours', async () => {
    const [color, alpha] = [scatteredPixels(33, 21, 3), scatteredPixels(33, 21, 1)];
    const { picture, room, dispose } = await setup(place, color, alpha);
    const { data, info } = await reopen(await encodeImage(picture, { format: 'png' }, room));
    expect(info.channels).toBe(4);
    expect(data.filter((_, i) => i % 4 !== 3)).toEqual(color.data);
    expect(data.filter((_, i) => i % 4 === 3)).toEqual(alpha.data);
    await dispose();
  });

  it('joins alpha to a WebP', async () => {
    const { picture, room, dispose } = await setup(
      place,
      flatPixels(32, 32, [200, 80, 40]),
      flatPixels(32, 32, [128]),
    );
    const { data, format } = await reopen(await encodeImage(picture, { format: 'webp' }, room));
    expect(format).toBe('webp');
    for (const [i, value] of [200, 80, 40, 128].entries()) {
      expect(Math.abs((data[i] ?? 0) - value)).toBeLessThanOrEqual(3);
    }
    await dispose();
  });

  it('shows a JPEG with alpha on white', async () => {
    const { picture, room, dispose, leftFiles } = await setup(
      place,
      flatPixels(32, 32, [0, 0, 0]),
      flatPixels(32, 32, [51]),
    );
    const encoded = await encodeImage(picture, { format: 'jpeg' }, room);
    const { data, info } = await reopen(encoded);
    expect(info.channels).toBe(3);
    // Black at a fifth of its strength.
    for (const value of data.subarray(0, 3)) expect(Math.abs(value - 204)).toBeLessThanOrEqual(1);
    await dispose();
    expect(await leftFiles()).toHaveLength(place === 'scratch' ? 1 : 0);
  });

  it('spends more bytes on more quality', async () => {
    const { picture, room, dispose } = await setup(place, scatteredPixels(64, 64, 3));
    for (const format of ['jpeg', 'webp'] as const) {
      const low = await encodeImage(picture, { format, quality: 30 }, room);
      const high = await encodeImage(picture, { format, quality: 95 }, room);
      expect(high.bytes).toBeGreaterThan(low.bytes * 1.5);
    }
    await dispose();
  });
});

it.each(['png', 'jpeg', 'webp'] as const)(
  'makes the same %s file wherever the picture lay',
  async (format) => {
    const color = scatteredPixels(120, 90, 3);
    const files = await Promise.all(
      places.map(async (place) => {
        const { picture, room, dispose } = await setup(place, color);
        const { body } = await encodeImage(picture, { format, quality: 80 }, room);
        await dispose();
        return Buffer.from(body instanceof Uint8Array ? body : await readFile(body.path));
      }),
    );
    expect(files[0]?.equals(files[1] as Buffer)).toBe(true);
  },
);
