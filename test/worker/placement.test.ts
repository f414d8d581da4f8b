/**
 * "No silent CPU fallback" where no GPU is at hand: real profiles of real runs of onnxruntime on the CPU show what its
 * profile says of each node, and that a net on the CPU is told apart from arithmetic on shapes.
 */
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  type PlacedNode,
  placedNodes,
  placementText,
  strayNodes,
} from '../../gpu-worker/inference/placement.ts';
import { openProved, type Strictness } from '../../gpu-worker/inference/proved-session.ts';
import type { LoadedModel } from '../../model-tool/onnx/model-file.ts';
import { net, noise, SIDE, saved } from '../model-tool/tiny-models.ts';

const strict = { logSeverityLevel: 4, extra: { session: { disable_cpu_ep_fallback: '1' } } } as const;

/** Opens on the CPU: as on a GPU that has no kernel for any node, onnxruntime itself refuses the strict try. */
async function setup(model: LoadedModel) {
  const { file } = await saved(model);
  const tries: Strictness[] = [];
  const placements: string[] = [];
  const open = async (how: Strictness) => {
    tries.push(how);
    return InferenceSession.create(
      file,
      how === 'refuse' ? strict : { enableProfiling: true, profileFilePrefix: how.profile },
    );
  };
  const session = await openProved(open, (placement) => placements.push(placement));
  const picture = new Tensor('float32', new Float32Array(3 * SIDE * SIDE).fill(0.5), [1, 3, SIDE, SIDE]);
  return { file, tries, placements, session, run: () => session.run({ x: picture }, ['y']) };
}

/** A convolution over the picture. */
function convolution(): LoadedModel {
  const { builder, finish } = net({ batch: 'n' });
  const weights = builder.floats(noise(3 * 3 * 9), [3, 3, 3, 3]);
  return finish({
    y: [builder.add('Conv', ['x', weights], { pads: [1, 1, 1, 1] }), 'float32', ['n', 3, SIDE, SIDE]],
  });
}

/** What exporters write around a Reshape: the batch, taken from the shape, with a number beside it. */
function shapesOnly(): LoadedModel {
  const { builder, finish } = net({ batch: 'n' });
  const batch = builder.gather(builder.shape('x'), builder.ints([0]), 0);
  return finish({ y: [builder.concat([batch, builder.ints([192])], 0), 'int64', [2]] });
}

const leftBehind = async () =>
  (await readdir(tmpdir())).filter((file) => file.startsWith('outboard-placement-'));

describe('a session that may use the GPU alone', () => {
  it('is refused by the names of its nodes where the net runs on the CPU, with every run', async () => {
    const { session, run, tries, placements } = await setup(convolution());
    await expect(run()).rejects.toThrow(/nodes ran on the CPU and are no shape arithmetic: .*Conv \S+/);
    await expect(run()).rejects.toThrow(/Conv/);
    expect(placements).toEqual([]);
    expect(tries).toEqual(['refuse', { profile: expect.any(String) }]);
    await session.release();
  });

  it('is taken where only arithmetic on shapes runs there, and says so once', async () => {
    const before = await leftBehind();
    const { session, run, placements } = await setup(shapesOnly());
    for (let i = 0; i < 3; i += 1) {
      const { y } = await run();
      expect(y?.data).toEqual(BigInt64Array.of(1n, 192n));
    }
    expect(placements).toHaveLength(1);
    expect(placements[0]).toMatch(/^CPUExecutionProvider \d+ \(.*Shape 1/);
    await session.release();
    expect(await leftBehind()).toEqual(before);
  });

  it('leaves no profile behind where it never ran', async () => {
    const before = await leftBehind();
    const { session } = await setup(shapesOnly());
    await session.release();
    expect(await leftBehind()).toEqual(before);
  });

  it('is opened once where onnxruntime finds nothing on the CPU', async () => {
    const { file } = await saved(shapesOnly());
    const tries: Strictness[] = [];
    const placements: string[] = [];
    const open = (how: Strictness) => {
      tries.push(how);
      return InferenceSession.create(file);
    };
    await openProved(open, (placement) => placements.push(placement));
    expect(tries).toEqual(['refuse']);
    expect(placements).toEqual(['every node on the GPU']);
  });

  it('is not opened a second time where it fails for another reason, such as a missing library', async () => {
    const open = () => Promise.reject(new Error('libcudnn.so.9: cannot open shared object file'));
    await expect(openProved(open, () => undefined)).rejects.toThrow('libcudnn.so.9');
  });
});

describe('the reader of a profile', () => {
  const node = (operator: string, provider: string, elements: number): PlacedNode => ({
    name: `${operator}_1`,
    operator,
    provider,
    elements,
  });
  const [CPU, CUDA] = ['CPUExecutionProvider', 'CUDAExecutionProvider'];

  it('counts as stray what is large or no shape arithmetic, and only on the CPU', () => {
    const nodes = [
      node('Conv', CUDA, 1e6),
      node('Shape', CPU, 1e6),
      node('Gather', CPU, 8),
      node('Gather', CPU, 1e5),
      node('NonMaxSuppression', CPU, 30),
    ];
    expect(strayNodes(nodes)).toEqual([nodes[3], nodes[4]]);
    expect(placementText(nodes.slice(0, 3))).toBe(`${CUDA} 1, ${CPU} 2 (Shape 1, Gather 1)`);
  });

  it('takes what it cannot read for large, and a profile without nodes for no proof', () => {
    const event = { cat: 'Node', name: 'a_kernel_time', args: { op_name: 'Gather', provider: CPU } };
    expect(strayNodes(placedNodes(JSON.stringify([event])))).toHaveLength(1);
    expect(() => placedNodes('[{"cat": "Session", "name": "model_run"}]')).toThrow('of no node');
  });
});
