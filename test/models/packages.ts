/** Model packages for tests: the bundled small network under other names and versions, whole or damaged on purpose. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sharp } from '../../gpu-worker/image/sharp.ts';

const NETWORK = path.resolve(import.meta.dirname, '../../models/super-resolution-tiny/1/x2.onnx');

interface Damage {
  /** The graph is not a graph, although its sha256 is right. */
  readonly graph?: boolean;
  /** The golden example promises another picture than the network makes. */
  readonly golden?: boolean;
}

const describeFile = (bytes: Uint8Array) => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
});

/** Another network than the bundled one. */
interface Network {
  readonly file: string;
  readonly scale: number;
  readonly output: string;
}

const bundled: Network = { file: NETWORK, scale: 2, output: 'enlarged' };

/** @returns the package's folder */
export async function makePackage(
  directory: string,
  name: string,
  version: string,
  damage: Damage = {},
  network = bundled,
): Promise<string> {
  const folder = path.join(directory, name, version);
  await mkdir(folder, { recursive: true });
  const graph = damage.graph === true ? Buffer.from('no graph at all') : await readFile(network.file);
  await writeFile(path.join(folder, 'x2.onnx'), graph);

  const black = (side: number) =>
    sharp({ create: { width: side, height: side, channels: 3, background: '#000000' } })
      .png()
      .toBuffer();
  const input = await black(16);
  const output = await black(16 * network.scale);
  await writeFile(path.join(folder, 'golden-input.png'), input);
  await writeFile(path.join(folder, 'golden-output.png'), output);

  const tensor = { dtype: 'uint8', layout: 'NHWC', channels: 3 };
  const manifest = {
    schema_version: 1,
    name,
    version,
    task: 'super-resolution',
    description: 'A test.',
    licence: 'MIT',
    parameters: 1,
    graphs: [
      {
        scale: network.scale,
        file: 'x2.onnx',
        ...describeFile(graph),
        input: { name: 'image', ...tensor },
        output: { name: network.output, ...tensor },
        receptive_radius: 10,
        tile: { height: 32, width: 32 },
      },
    ],
    files: { 'golden-input.png': describeFile(input), 'golden-output.png': describeFile(output) },
    // Black stays black within a few levels; nothing is as far from it as this demands.
    golden: {
      input: 'golden-input.png',
      output: 'golden-output.png',
      tolerance: { levels: damage.golden === true ? -1 : 255 },
    },
  };
  await writeFile(path.join(folder, 'model.json'), JSON.stringify(manifest));
  return folder;
}
