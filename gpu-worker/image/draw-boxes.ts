/** The upright picture with a frame and a name on each detection, for people to look at. */
import type { OutputFormat } from '../../shared/output-format.ts';
import { toSrgb } from './decode.ts';
import { type Encoded, withFormat, writeImage } from './encode.ts';
import { fitsInMemory, type Room } from './pixels.ts';
import { type ImageInfo, type ImageSource, openImage } from './probe.ts';
import { type OverlayOptions, sharp } from './sharp.ts';

interface Labelled {
  readonly label: string;
  readonly class_id: number;
  readonly score: number;
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** Told apart by people with colour-blindness too (Okabe and Ito's set, without its yellow). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];

export async function drawBoxes(
  source: ImageSource,
  info: ImageInfo,
  detections: readonly Labelled[],
  { format, quality }: { readonly format: OutputFormat; readonly quality: number },
  room: Room,
): Promise<Encoded> {
  const { width, height } = info;
  const line = Math.max(1, Math.round(Math.max(width, height) / 400));
  // The best is drawn last, on top.
  const overlays = await Promise.all(
    detections.toReversed().map((detection) => overlaysOf(detection, info, line)),
  );
  const drawn = toSrgb(openImage(source), info).autoOrient().toColourspace('srgb').composite(overlays.flat());
  const encoder = withFormat(drawn, format, quality, info);
  return { width, height, ...(await writeImage(encoder, format, !fitsInMemory(info, room), room)) };
}

async function overlaysOf(
  { label, class_id: classId, score, box }: Labelled,
  picture: { readonly width: number; readonly height: number },
  line: number,
): Promise<OverlayOptions[]> {
  const colour = COLOURS[classId % COLOURS.length] ?? '#0072b2';
  const left = Math.min(Math.floor(box.x), picture.width - 1);
  const top = Math.min(Math.floor(box.y), picture.height - 1);
  const right = Math.max(left + 1, Math.min(Math.ceil(box.x + box.width), picture.width));
  const bottom = Math.max(top + 1, Math.min(Math.ceil(box.y + box.height), picture.height));
  const bar = (x: number, y: number, width: number, height: number): OverlayOptions => ({
    input: { create: { width, height, channels: 3, background: colour } },
    left: x,
    top: y,
  });
  const thick = Math.min(line, right - left, bottom - top);
  const frame = [
    bar(left, top, right - left, thick),
    bar(left, bottom - thick, right - left, thick),
    bar(left, top, thick, bottom - top),
    bar(right - thick, top, thick, bottom - top),
  ];
  const text = await caption(`${label} ${score.toFixed(2)}`, colour, Math.max(11, line * 6));
  if (text.width > picture.width || text.height > picture.height) return frame;
  const place = {
    left: Math.min(left, picture.width - text.width),
    top: top >= text.height ? top - text.height : Math.min(top, picture.height - text.height),
  };
  return [
    ...frame,
    { input: text.data, raw: { width: text.width, height: text.height, channels: 4 }, ...place },
  ];
}

/** White text on the box's colour, as raw RGBA. */
async function caption(text: string, colour: string, height: number) {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const { data, info } = await sharp({
    text: {
      text: `<span foreground="white">${escaped}</span>`,
      font: 'sans',
      rgba: true,
      dpi: Math.round(height * 6),
    },
  })
    .flatten({ background: colour })
    .extend({ top: 2, bottom: 2, left: 3, right: 3, background: colour })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
