/** Pictures from and to files, by sharp; and a picture of any size brought to the size a model takes. */
import { fitted } from '../../gpu-worker/image/fit.ts';
import { fittingOf } from '../../gpu-worker/image/fitting.ts';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import type { Resize } from '../../shared/model.ts';
import type { PictureSize } from '../import/options.ts';
import type { Picture } from '../reference/preprocess.ts';
import { Refusal } from '../refusal.ts';

/** A picture file as a model takes it. @param size where it differs, the picture is resized in the given way */
export async function readPicture(path: string, size?: PictureSize, how?: Resize): Promise<Picture> {
  try {
    const file = sharp(path);
    const upright = file.clone().autoOrient().flatten({ background: '#ffffff' }).toColourspace('srgb');
    const isResized = size !== undefined && how !== undefined;
    const sized = isResized
      ? fitted(upright, fittingOf((await file.metadata()).autoOrient, size, how), size, how)
      : upright;
    const { data, info } = await sized
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { height: info.height, width: info.width, pixels: new Uint8Array(data) };
  } catch (cause) {
    throw new Refusal(`${path} is not a picture that can be read.`, { cause });
  }
}

/** The picture as PNG, exact to the bit. */
export const pngOf = ({ height, width, pixels }: Picture): Promise<Buffer> =>
  sharp(pixels, { raw: { height, width, channels: 3 } })
    .png()
    .toBuffer();
