/** The bench's models: the sizes that they are named for, jobs that are what they were meant to be, and the page about them. */
import { describe, expect, it } from 'vitest';
import { connectStores } from '../../bench/cases.ts';
import { answering } from '../../bench/models/jobs.ts';
import type { ModelTurn } from '../../bench/models/measure.ts';
import { models } from '../../bench/models/report.ts';
import { mobilenetV2 } from '../../bench/nets/mobilenet-v2.ts';
import { resnet18 } from '../../bench/nets/resnet18.ts';
import { stackEnvironment } from '../../local/settings.ts';
import { elementCount } from '../../model-tool/onnx/tensor.ts';
import type { Job } from '../../shared/job.ts';

/**
 * Torchvision's counts, less one number a channel of batch normalisation, of which a folded export keeps the other as a bias:
 * https://docs.pytorch.org/vision/stable/models.html
 */
const published = {
  'ResNet-18': { make: resnet18, parameters: 11_689_512 - 4_800 },
  MobileNetV2: { make: mobilenetV2, parameters: 3_504_872 - 17_056 },
} as const;

describe.each(Object.entries(published))('%s', (_, { make, parameters }) => {
  const { model, parameters: drawn } = make();

  it('has exactly the parameters of the published one', () => {
    const floats = model.graph.initializer.filter(({ dims }) => elementCount(dims) > 1);
    expect(floats.reduce((sum, { dims }) => sum + elementCount(dims), 0)).toBe(parameters);
    expect(drawn).toBe(parameters);
  });

  it('has the same weights every time, and no two layers have the same', () => {
    const beginnings = ({ graph }: typeof model) =>
      graph.initializer
        .filter(({ dims }) => elementCount(dims) > 1)
        .map(({ raw_data }) => Buffer.from(raw_data?.subarray(0, 16) ?? []).toString('hex'));
    expect(beginnings(make().model)).toEqual(beginnings(model));
    expect(new Set(beginnings(model)).size).toBe(beginnings(model).length);
  });
});

describe('jobs of a load', () => {
  const stores = connectStores(stackEnvironment({ port: 1, directory: '' }));
  const asked = { title: 'a model', name: 'a-model', task: 'classification', folder: '' } as const;
  const job = (cache?: 'hit' | 'miss') =>
    ({ id: 'x', output: { files: {}, facts: {}, cache } }) as unknown as Job;

  it('end the bench where an answer came from the cache and a run was to be measured', () => {
    const { check } = answering(stores, { ...asked, isRepeated: false });
    expect(() => check?.(job('miss'))).not.toThrow();
    expect(() => check?.(job('hit'))).toThrow('hit');
    expect(() => check?.(job())).toThrow('undefined');
  });

  it('end the bench where a model was run and stored answers were to be measured', () => {
    const { check } = answering(stores, { ...asked, isRepeated: true });
    expect(() => check?.(job('hit'))).not.toThrow();
    expect(() => check?.(job('miss'))).toThrow('miss');
  });
});

describe('the page', () => {
  const load = { jobs: 100, busy: 1, jobsPerSecond: 50, loopMaxMs: 9 };
  const turn = (cpuMs: number, loopP99Ms: number): ModelTurn => ({
    parts: { inference: 10, picture: 4, services: 2, raw: { perSecond: 200, perSecondByClock: 190 } },
    load: { ...load, cpuMs, loopP99Ms },
  });
  const machine = { cpu: '', cores: 2, kernel: '', node: '', onnxruntime: '', sharp: '' };
  const page = models({
    machine,
    models: [
      { title: 'a net', repeats: [turn(20, 1), turn(20, 7), turn(32, 3)] },
      { title: 'a detector', reason: 'there is no file', repeats: [] },
      {
        title: 'stored',
        repeats: [{ parts: { inference: 0, picture: 0, services: 2 }, load: turn(4, 2).load }],
      },
    ],
  });
  const rowsOf = (title: string) => page.split('\n').filter((line) => line.startsWith(`| ${title} |`));

  it('shows the ratios of a model beside the figures that they are made of', () => {
    expect(rowsOf('a net')).toEqual([
      '| a net | 16.0 | 20.0 | 80.0 % | 100.0 % | **80.0 %** | 100 | 50.0 % | 62.5 % |',
      '| a net | 200 | 190 | 10.0 | 4.00 | 2.00 | 7.00 |',
    ]);
  });

  it('says once why a model was not measured', () => {
    expect(rowsOf('a detector')).toEqual([
      '| a detector | not measured: there is no file |  |  |  |  |  |  |  |',
    ]);
  });

  it('claims nothing of raw onnxruntime where no model is run', () => {
    expect(rowsOf('stored')).toEqual([
      '| stored | 2.00 | 4.00 | 50.0 % | 100.0 % | **50.0 %** | 500 |  |  |',
      '| stored |  |  | 0.00 | 0.00 | 2.00 | 2.00 |',
    ]);
  });
});
