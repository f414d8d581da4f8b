import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runModelCommand } from '../../model-tool/cli.ts';
import { modelManifest } from '../../shared/model.ts';
import { features, net, noise, saved } from './tiny-models.ts';

async function setup() {
  const { builder, finish } = net();
  const logits = builder.matMul(features(builder), builder.floats(noise(192 * 3), [192, 3]));
  const { file, folder } = await saved(finish({ y: [logits, 'float32', [1, 3]] }));
  const lines: string[] = [];
  const run = (...args: string[]) => runModelCommand(args, (line) => lines.push(line));
  const said = () => lines.join('\n');
  return { file, folder, run, said };
}

describe('the model commands', () => {
  it('import a model by one command and say where it is', async () => {
    const { file, folder, run, said } = await setup();
    const flags = [
      '--name',
      'tiny',
      '--task',
      'classification',
      '--scale',
      '-1-1',
      '--out',
      join(folder, 'models'),
    ];
    expect(await run('import', file, ...flags)).toBe(0);
    expect(said()).toContain(`written: ${join(folder, 'models', 'tiny', '1')}`);
  });

  it('print an inspection for a person or as JSON', async () => {
    const { file, run, said } = await setup();
    expect(await run('inspect', file, '--json')).toBe(0);
    expect(JSON.parse(said())).toMatchObject({ opset: 17, operators: { Reshape: 1 } });
  });

  it.each([
    [
      'a question with the flag that answers it',
      ['--name', 'tiny', '--task', 'classification'],
      '--scale 0-1',
    ],
    ['a flag of the wrong form', ['--name', 'Tiny!', '--task', 'classification'], '--name: lower-case'],
    ['a missing flag', ['--name', 'tiny'], '--task'],
    ['a flag that there is not', ['--nme', 'tiny'], '--nme'],
  ])('end with code 1 and a sentence for %s', async (_, flags, sentence) => {
    const { file, run, said } = await setup();
    expect(await run('import', file, ...flags)).toBe(1);
    expect(said()).toContain(sentence);
  });
});

describe('the manifest', () => {
  it('still reads a package of several graphs that says nothing of sizes', () => {
    const picture = { dtype: 'uint8', layout: 'NHWC', channels: 3 };
    const graph = (scale: number) => ({
      scale,
      file: `x${scale}.onnx`,
      sha256: 'a'.repeat(64),
      bytes: 1,
      input: { name: 'image', ...picture },
      output: { name: 'enlarged', ...picture },
      receptive_radius: 10,
      tile: { height: 256, width: 256 },
    });
    const manifest = modelManifest.parse({
      schema_version: 1,
      name: 'old',
      version: '1',
      task: 'super-resolution',
      description: '',
      licence: '',
      parameters: 1,
      graphs: [graph(2), graph(4)],
    });
    expect(manifest.graphs.map(({ input }) => [input.batch, input.height, input.width])).toEqual(
      Array(2).fill(['dynamic', 'dynamic', 'dynamic']),
    );
  });
});
