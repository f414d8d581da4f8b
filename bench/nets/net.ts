/**
 * A classifier written layer by layer as exporters write one, batch normalisation already folded into its convolutions. Its
 * weights are random numbers from a seed: what a run costs depends on shapes and not on what was learnt, and nothing has to be
 * downloaded or kept.
 */
import { GraphBuilder, tensorInfo, type Value } from '../../model-tool/graph-builder.ts';
import type { LoadedModel } from '../../model-tool/onnx/model-file.ts';
import { Graph, Model, OperatorSetId } from '../../model-tool/onnx/schema.ts';
import { elementCount } from '../../model-tool/onnx/tensor.ts';

/** What flows between layers: NCHW, float32. */
export interface Layer {
  readonly value: Value;
  readonly channels: number;
}

interface Convolution {
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
}

const OPSET = 17;
const SIDE = 224;
const RGB = 3;
const LARGEST_BIAS = 0.05;

export class Net {
  readonly #model: LoadedModel;
  readonly #build: GraphBuilder;
  readonly #random: () => number;
  readonly input: Layer = { value: 'image', channels: RGB };
  /** Numbers that were drawn. */
  parameters = 0;

  constructor(name: string, seed: number) {
    this.#model = {
      ...Model.empty(),
      ir_version: 8,
      producer_name: 'outboard-bench',
      opset_import: [{ ...OperatorSetId.empty(), domain: '', version: BigInt(OPSET) }],
      graph: { ...Graph.empty(), name },
    };
    this.#model.graph.input = [tensorInfo(this.input.value, 'float32', ['batch', RGB, SIDE, SIDE])];
    this.#build = new GraphBuilder(this.#model, name);
    this.#random = uniform(seed);
  }

  /** Keeps height and width where the stride is 1, halves them where it is 2. */
  convolve(
    { value, channels: before }: Layer,
    { channels, kernel, stride = 1, groups = 1 }: Convolution,
  ): Layer {
    const fanIn = (before / groups) * kernel ** 2;
    // Bounds of He et al. 2015, so that numbers keep their size through many layers.
    const weights = this.#draw([channels, before / groups, kernel, kernel], Math.sqrt(6 / fanIn));
    const bias = this.#draw([channels], LARGEST_BIAS);
    const pad = Math.floor(kernel / 2);
    const made = this.#build.add('Conv', [value, weights, bias], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: groups,
    });
    return { value: made, channels };
  }

  relu({ value, channels }: Layer): Layer {
    return { value: this.#build.add('Relu', [value]), channels };
  }

  relu6({ value, channels }: Layer): Layer {
    return { value: this.#build.clip(value, 0, 6), channels };
  }

  add(a: Layer, b: Layer): Layer {
    return { value: this.#build.sum(a.value, b.value), channels: a.channels };
  }

  /** Halves height and width. */
  maxPool({ value, channels }: Layer): Layer {
    const shape = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
    return { value: this.#build.add('MaxPool', [value], shape), channels };
  }

  /** The mean of each channel, then one layer that gives a number for each class. */
  finish({ value, channels }: Layer, classes: number): LoadedModel {
    const pooled = this.#build.add('GlobalAveragePool', [value]);
    const row = this.#build.add('Flatten', [pooled], { axis: 1 });
    const weights = this.#draw([classes, channels], 1 / Math.sqrt(channels));
    const bias = this.#draw([classes], LARGEST_BIAS);
    this.#build.called(this.#build.add('Gemm', [row, weights, bias], { transB: 1 }), 'logits');
    this.#build.append();
    this.#model.graph.output = [tensorInfo('logits', 'float32', ['batch', classes])];
    return this.#model;
  }

  #draw(dims: readonly number[], bound: number): Value {
    const values = Float32Array.from({ length: elementCount(dims) }, () => (2 * this.#random() - 1) * bound);
    this.parameters += values.length;
    return this.#build.constant('float32', dims, values);
  }
}

/** Numbers of 0 to 1, the same for the same seed: xorshift32 (Marsaglia 2003). @param seed not 0 */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
