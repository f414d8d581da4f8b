/**
 * onnxruntime as the tool sees it: a child process that opens models by path and runs them. One request at a time;
 * closing it is a plain kill, since nothing it holds outlives it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { Refusal } from '../refusal.ts';
import type { PlainTensor, RuntimeReply, RuntimeRequest } from './protocol.ts';

/** A tensor of numbers; int64 is read into numbers, which every index and size fits. */
export interface NumberTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
  readonly type: string;
}

const RUN_LIMIT_MS = 300_000;

export class Runtime implements AsyncDisposable {
  #child: ChildProcess | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  /** Loads a model. @throws Refusal with onnxruntime's own words where it will not */
  async open(path: string): Promise<void> {
    await this.#ask({ kind: 'open', path });
  }

  /** Runs a model once. @throws Refusal with onnxruntime's own words where it fails */
  async run(
    path: string,
    inputs: Readonly<Record<string, PlainTensor>>,
    outputs: readonly string[],
  ): Promise<Record<string, PlainTensor>> {
    return this.#ask({ kind: 'run', path, inputs, outputs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail.catch(() => undefined);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #ask(request: RuntimeRequest): Promise<Record<string, PlainTensor>> {
    const reply = this.#tail.then(() => this.#exchange(request));
    this.#tail = reply.catch(() => undefined);
    return reply.then((answer) => {
      if (!answer.ok) throw new Refusal(`onnxruntime: ${answer.reason}`);
      return { ...answer.outputs };
    });
  }

  async #exchange(request: RuntimeRequest): Promise<RuntimeReply> {
    const child = this.#started();
    const { promise, resolve, reject } = Promise.withResolvers<RuntimeReply>();
    const onExit = (code: number | null, signal: string | null) => {
      this.#child = undefined;
      reject(new Refusal(`onnxruntime crashed on ${request.path} (${signal ?? `exit code ${code}`}).`));
    };
    const limit = setTimeout(() => child.kill('SIGKILL'), RUN_LIMIT_MS);
    child.once('message', resolve);
    child.once('exit', onExit);
    child.send(request);
    return promise.finally(() => {
      clearTimeout(limit);
      child.off('message', resolve);
      child.off('exit', onExit);
    });
  }

  #started(): ChildProcess {
    this.#child ??= fork(new URL('./onnxruntime-child.ts', import.meta.url), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return this.#child;
  }
}

const views = {
  float32: Float32Array,
  float16: Float16Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/** The values of any numeric tensor as float32. */
export function numbers(tensor: PlainTensor): NumberTensor {
  const view = new views[tensor.type as keyof typeof views](new Uint8Array(tensor.bytes).buffer);
  const data = view instanceof BigInt64Array ? Float32Array.from(view, Number) : Float32Array.from(view);
  return { dims: tensor.dims, data, type: tensor.type };
}

/** A tensor of `type` from float32 values. */
export function tensorOf(
  type: string,
  dims: readonly number[],
  values: Float32Array | Uint8Array,
): PlainTensor {
  const array =
    type === 'float16'
      ? new Float16Array(values)
      : type === 'float64'
        ? new Float64Array(values)
        : type === 'float32'
          ? Float32Array.from(values)
          : wholeNumbers(type, values);
  return { type, dims, bytes: new Uint8Array(array.buffer) };
}

/** Fractions are cut off, as the Cast in a packaged graph does. */
function wholeNumbers(type: string, values: Float32Array | Uint8Array) {
  if (type === 'uint8') return Uint8Array.from(values);
  if (type === 'int8') return Int8Array.from(values);
  if (type === 'int32') return Int32Array.from(values);
  if (type === 'int64') return BigInt64Array.from(values, (value) => BigInt(Math.trunc(value)));
  throw new Refusal(
    `The model takes numbers of type ${type}, which pictures are not brought into. Export it with float32 at its input.`,
  );
}
