/**
 * The only door to onnxruntime. `create` and `run` block the thread that calls them for as long as the device
 * works (microsoft/onnxruntime#19611), so this file may be imported by a device thread only, never by the main one.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';

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

export interface Session {
  /** Runs once. `output` receives batch × (height·scale) × (width·scale) × 3 bytes. Blocks this thread. */
  run(input: Uint8Array, shape: ImageShape, output: Uint8Array): Promise<void>;
}

/** What differs by device. On CUDA a node that would fall back to the CPU is an error at load. */
function providerOptions(device: DeviceKind): InferenceSession.SessionOptions {
  if (device === 'cuda') {
    return {
      executionProviders: [{ name: 'cuda', deviceId: 0 }],
      extra: { session: { disable_cpu_ep_fallback: '1' } },
    };
  }
  return {
    executionProviders: ['cpu'],
    // One core a thread; a spinning pool would steal the core that decodes and encodes.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

/** @param exact where given, the session serves this one shape, so that no plan is ever made anew. */
export async function openSession(
  graph: GraphFile,
  device: DeviceKind,
  exact?: ImageShape,
): Promise<Session> {
  const session = await InferenceSession.create(graph.path, {
    ...providerOptions(device),
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    ...(exact === undefined ? {} : { freeDimensionOverrides: { ...exact } }),
  });
  return {
    async run(input, { batch, height, width }, output) {
      const { inputName, outputName, scale } = graph;
      await session.run(
        { [inputName]: new Tensor('uint8', input, [batch, height, width, 3]) },
        { [outputName]: new Tensor('uint8', output, [batch, height * scale, width * scale, 3]) },
      );
    },
  };
}
