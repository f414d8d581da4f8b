/** A picture file of our own making (a golden example) as plain RGB, bit for bit. */
import { sharp } from './sharp.ts';

export async function readRgb(file: string): Promise<{ pixels: Uint8Array; width: number; height: number }> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { pixels: data, width: info.width, height: info.height };
}
