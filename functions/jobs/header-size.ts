/** How large a picture sent inline is, by its header: nothing is decoded in a function. */
import { imageSize } from 'image-size';

interface HeaderSize {
  readonly width: number;
  readonly height: number;
  /** The reader's name of the format. */
  readonly type: string | undefined;
}

/** @returns pixels as they are stored, before EXIF orientation; undefined where the reader does not know the header */
export function headerSize(bytes: Uint8Array): HeaderSize | undefined {
  try {
    const { width, height, type } = imageSize(bytes);
    return width > 0 && height > 0 ? { width, height, type } : undefined;
  } catch {
    return undefined;
  }
}
