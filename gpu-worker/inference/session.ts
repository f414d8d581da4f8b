/**
 * The only door to onnxruntime. `create` and `run` block the thread that calls them for as long as the device
 * works (microsoft/onnxruntime#19611), so this file may be imported by a device thread only, never by the main one.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openProved, type ProvedSession, type Strictness } from './proved-session.ts';

export type DeviceKind = 'cpu' | 'cuda';

/** An image tensor, uint8 NHWC: bytes are rows of interleaved RGB. */
export interface ImageShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
}

/** A graph on disk whose input and output are uint8 NHWC pictures, the output `scale` times larger. */
export interface GraphFile {
  readonly path: string;
  readonly inputName: string;
  readonly outputName: string;
  readonly scale: number;
}

/** A graph on disk that takes uint8 NHWC pictures and answers with small tensors: classes or boxes. */
export interface TensorGraphFile {
  readonly path: string;
  readonly inputName: string;
  readonly outputNames: readonly string[];
}

/** A tensor as it travels between threads, row by row. */
interface PlainTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}
export type PlainTensors = Readonly<Record<string, PlainTensor>>;

export interface Session {
  /** Runs once. `output` receives batch × (height·scale) × (width·scale) × 3 bytes. Blocks this thread. */
  run(input: Uint8Array, shape: ImageShape, output: Uint8Array): Promise<void>;
  release(): Promise<void>;
}

export interface TensorSession {
  /** Runs once. @param scalars further inputs, each a float32 tensor of shape [1]. Blocks this thread. */
  run(input: Uint8Array, shape: ImageShape, scalars: Readonly<Record<string, number>>): Promise<PlainTensors>;
  release(): Promise<void>;
}

/** As onnxruntime's own, on CUDA with its proof. */
type RawSession = ProvedSession<
  InferenceSession.FeedsType,
  InferenceSession.FetchesType,
  InferenceSession.ReturnType
>;

/** Told where the nodes of a graph run, on a device where that is a question. */
type OnPlaced = (placement: string) => void;

function create(
  path: string,
  device: DeviceKind,
  exact?: ImageShape,
  onPlaced: OnPlaced = () => undefined,
): Promise<RawSession> {
  const common: InferenceSession.SessionOptions = {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Warnings are about how an export could be tidier.
    logSeverityLevel: 3,
    graphOptimizationLevel: 'all',
    // With it the second run takes its memory in one piece, beside that of the first: twice as much, and no faster.
    enableMemPattern: false,
    ...(exact === undefined ? {} : { freeDimensionOverrides: { ...exact } }),
  };
  if (device === 'cuda') {
    const cuda = { ...common, executionProviders: [{ name: 'cuda', deviceId: 0 }] };
    const open = (how: Strictness) => InferenceSession.create(path, { ...cuda, ...strictness(how) });
    return openProved(open, onPlaced);
  }
  // One core a thread; a spinning pool would steal the core that decodes and encodes.
  const extra = { session: { intra_op: { allow_spinning: '0' } } };
  return InferenceSession.create(path, { ...common, executionProviders: ['cpu'], extra });
}

const strictness = (how: Strictness): InferenceSession.SessionOptions =>
  how === 'refuse'
    ? // Its refusal comes back as an exception and is no error yet.
      { logSeverityLevel: 4, extra: { session: { disable_cpu_ep_fallback: '1' } } }
    : { enableProfiling: true, profileFilePrefix: how.profile };

const pictureTensor = (bytes: Uint8Array, { batch, height, width }: ImageShape, scale = 1): Tensor =>
  new Tensor('uint8', bytes, [batch, height * scale, width * scale, 3]);

/** @param exact where given, the session serves this one shape, so that no plan is ever made anew. */
export async function openSession(
  graph: GraphFile,
  device: DeviceKind,
  exact?: ImageShape,
  onPlaced?: OnPlaced,
): Promise<Session> {
  const session = await create(graph.path, device, exact, onPlaced);
  const { inputName, outputName, scale } = graph;
  return {
    async run(input, shape, output) {
      const outputs = { [outputName]: pictureTensor(output, shape, scale) };
      await session.run({ [inputName]: pictureTensor(input, shape) }, outputs);
    },
    release: () => session.release(),
  };
}

/** @param exact as of openSession */
export async function openTensorSession(
  graph: TensorGraphFile,
  device: DeviceKind,
  exact?: ImageShape,
  onPlaced?: OnPlaced,
): Promise<TensorSession> {
  const session = await create(graph.path, device, exact, onPlaced);
  return {
    async run(input, shape, scalars) {
      const extra = Object.entries(scalars).map(([name, value]) => [
        name,
        new Tensor('float32', Float32Array.of(value), [1]),
      ]);
      const feeds = { [graph.inputName]: pictureTensor(input, shape), ...Object.fromEntries(extra) };
      const results = await session.run(feeds, graph.outputNames);
      return Object.fromEntries(graph.outputNames.map((name) => [name, plain(name, results[name])]));
    },
    release: () => session.release(),
  };
}

function plain(name: string, tensor: Tensor | undefined): PlainTensor {
  const data = tensor?.data;
  if (data instanceof Float32Array || data instanceof BigInt64Array)
    return { dims: tensor?.dims ?? [], data };
  throw new Error(`The output ${name} is ${tensor?.type ?? 'missing'}, not float32 or int64.`);
}
