import { type Channels, createPixels, type Pixels, type Room } from '../../gpu-worker/image/pixels.ts';
import type { Raw } from './pictures.ts';

export async function pixelsOf(picture: Raw, room: Room): Promise<Pixels> {
  const pixels = await createPixels(picture, picture.channels as Channels, room);
  pixels.writeWindow({ left: 0, top: 0, width: picture.width, height: picture.height }, picture.data);
  return pixels;
}
