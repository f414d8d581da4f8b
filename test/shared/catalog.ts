/** A catalog with one model for every factor, one that doubles only, and the alias that clients use. */
import { type ModelCatalog, modelCatalog } from '../../shared/model.ts';

const image = (name: string) => ({ name, dtype: 'uint8', layout: 'NHWC', channels: 3 });

const model = (name: string, scales: readonly number[]) => ({
  schema_version: 1,
  name,
  version: '1.0.0',
  task: 'super-resolution',
  description: 'Enlarges.',
  licence: 'MIT',
  parameters: 1,
  graphs: scales.map((scale) => ({
    scale,
    file: `x${scale}.onnx`,
    sha256: '0'.repeat(64),
    bytes: 1,
    input: image('input'),
    output: image('output'),
    receptive_radius: 8,
    tile: { height: 64, width: 64 },
  })),
});

export const catalog: ModelCatalog = modelCatalog.parse({
  models: [model('sharp', [2, 4, 8]), model('twice', [2])],
  aliases: { 'super-resolution': 'sharp@1.0.0' },
});
