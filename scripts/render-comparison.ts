/**
 * Draws docs/images/comparison.png, the picture at the top of the README: the same part of test/fixtures/photo.jpg,
 * enlarged by bicubic interpolation and by the network, pixel for pixel. Both go the way a job's results go, so the
 * picture shows what a user gets. Run it again whenever a model changes:
 *
 *   node scripts/render-comparison.ts [model]
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bicubicGraph } from '../gpu-worker/bicubic-graph.ts';
import { enlargeTiles } from '../gpu-worker/enlarge-tiles.ts';
import { decodeImage } from '../gpu-worker/image/decode.ts';
import { openPixels, type Pixels } from '../gpu-worker/image/pixels.ts';
import { probeImage } from '../gpu-worker/image/probe.ts';
import { sharp } from '../gpu-worker/image/sharp.ts';
import { DevicePool } from '../gpu-worker/inference/device-pool.ts';
import { pictureGraph } from '../gpu-worker/loaded-model.ts';
import { bundledEnlarger } from '../local/bundled-models.ts';
import { versionOf } from '../shared/model.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const FACTOR = 4;
/** The part of the enlarged picture to show: motor, lettering, bricks and water. */
const CROP = { left: 210, top: 440, width: 636, height: 400 };
const GAP = 12;
const CAPTION = 56;
const INK = '#1f2937';
const MAX_COLOURS = 256;

async function panel(pixels: Pixels, label: string): Promise<Buffer> {
  const text = {
    text: `<span foreground="${INK}">${label}</span>`,
    font: 'sans bold 20',
    rgba: true,
    dpi: 84,
  };
  const caption = await sharp({ text }).png().toBuffer({ resolveWithObject: true });
  return sharp(await openPixels(pixels).extract(CROP).png().toBuffer())
    .extend({ bottom: CAPTION, background: '#ffffff' })
    .composite([
      { input: caption.data, left: 2, top: CROP.height + Math.round((CAPTION - caption.info.height) / 2) },
    ])
    .png()
    .toBuffer();
}

const [asked = 'super-resolution-tiny'] = process.argv.slice(2);
const model = await bundledEnlarger(asked);
const device = new DevicePool({
  device: 'cpu',
  threads: 1,
  hungAfterMs: 600_000,
  onFatal: (error) => {
    throw error;
  },
});
const room = { scratchDirectory: await mkdtemp(path.join(tmpdir(), 'comparison-')) };
try {
  const photo = await readFile(path.join(ROOT, 'test/fixtures/photo.jpg'));
  const info = await probeImage(photo, { maxInputPixels: 1_000_000 });
  const picture = await decodeImage(photo, info, room);
  const options = {
    device,
    room,
    turn: { tenant: '', job: '', priority: 'normal', deadline: 0 } as const,
    signal: new AbortController().signal,
    onTile: () => {},
  };
  const enlarged = await enlargeTiles(picture.color, pictureGraph(model, FACTOR), options);
  const bicubic = await enlargeTiles(picture.color, bicubicGraph(FACTOR), options);
  const panels = [
    await panel(bicubic.finish(), `bicubic ×${FACTOR}`),
    await panel(enlarged.finish(), `Outboard ×${FACTOR}`),
  ];
  const width = CROP.width * panels.length + GAP * (panels.length - 1);
  const background = {
    create: { width, height: CROP.height + CAPTION, channels: 3, background: '#ffffff' },
  } as const;
  const { size } = await sharp(background)
    .composite(panels.map((input, index) => ({ input, left: index * (CROP.width + GAP), top: 0 })))
    .png({ palette: true, colours: MAX_COLOURS, effort: 10, dither: 0.6 })
    .toFile(path.join(ROOT, 'docs/images/comparison.png'));
  console.log(`docs/images/comparison.png  ${versionOf(model.manifest)}  ${Math.round(size / 1024)} KiB`);
} finally {
  await device.close();
  await rm(room.scratchDirectory, { recursive: true, force: true });
}
