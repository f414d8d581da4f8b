/**
 * The model tool's only door to onnxruntime, a process of its own: a stranger's model that crashes or exhausts the
 * native library ends this process and becomes a sentence in the tool. It answers one request after another.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { PlainTensor, RuntimeReply, RuntimeRequest } from './protocol.ts';

// Before the first session: onnxruntime would tell its makers about every model it loads.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

const sessions = new Map<string, Promise<InferenceSession>>();

function sessionOf(path: string): Promise<InferenceSession> {
  const known = sessions.get(path);
  if (known !== undefined) return known;
  const session = InferenceSession.create(path, {
    executionProviders: ['cpu'],
    // Errors come back as exceptions; warnings about a stranger's graph would only bury them.
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  sessions.set(path, session);
  return session;
}

const arrays = {
  float32: Float32Array,
  float16: Float16Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

function toTensor({ type, dims, bytes }: PlainTensor): Tensor {
  const array = arrays[type as keyof typeof arrays];
  // A copy, because a view that IPC made may start at any byte and typed arrays need an aligned one.
  return new Tensor(type as 'float32', new array(new Uint8Array(bytes).buffer) as Float32Array, dims);
}

function fromTensor({ type, dims, data }: Tensor): PlainTensor {
  if (Array.isArray(data)) throw new Error('An output is made of strings.');
  return { type, dims, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

async function answer(request: RuntimeRequest): Promise<RuntimeReply> {
  try {
    const session = await sessionOf(request.path);
    if (request.kind === 'open') return { ok: true, outputs: {} };
    const feeds = Object.entries(request.inputs).map(([name, tensor]) => [name, toTensor(tensor)]);
    const results = await session.run(Object.fromEntries(feeds), [...request.outputs]);
    const outputs = request.outputs.map((name) => {
      const result = results[name];
      if (result === undefined) throw new Error(`The model gave no output ${name}.`);
      return [name, fromTensor(result)] as const;
    });
    return { ok: true, outputs: Object.fromEntries(outputs) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

let tail: Promise<unknown> = Promise.resolve();
process.on('message', (request: RuntimeRequest) => {
  tail = tail.then(async () => process.send?.(await answer(request)));
});
