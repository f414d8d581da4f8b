/**
 * Shared memory for one run: its pictures go in, those it makes come out. Two slots a thread: one is filled or
 * emptied while the other is computed on. The memory grows to the largest run and stays.
 */
import type { DeviceReply } from './device-protocol.ts';
import type { Lane } from './lane.ts';
import type { PlainTensors } from './session.ts';
import type { ThreadHandle } from './thread-handle.ts';

export interface RunResult {
  /** Of all pictures of the run, one behind the other; valid until the slot is used again. */
  readonly output: Uint8Array;
  readonly tensors: PlainTensors;
  /** Pictures in the run, empty places included. */
  readonly runSize: number;
  readonly runMs: number;
}

export class Slot {
  readonly thread: Pick<ThreadHandle, 'do' | 'inHand'>;
  #input = new SharedArrayBuffer(0);
  #output = new SharedArrayBuffer(0);

  constructor(thread: Pick<ThreadHandle, 'do' | 'inHand'>) {
    this.thread = thread;
  }

  /** Room for a run of this size. @returns its input, still with what an earlier run left there */
  reserve(lane: Lane, runSize: number): Uint8Array {
    const [input, output] = [lane.itemBytes * runSize, lane.answerBytes * runSize];
    if (this.#input.byteLength < input) this.#input = new SharedArrayBuffer(input);
    if (this.#output.byteLength < output) this.#output = new SharedArrayBuffer(output);
    return new Uint8Array(this.#input, 0, input);
  }

  /** Runs the lane's graph on what is in the slot. @throws DeviceError */
  async run(lane: Lane, runSize: number): Promise<RunResult> {
    const reply = await this.#send(lane, runSize);
    const output = new Uint8Array(this.#output, 0, lane.answerBytes * runSize);
    return { output, tensors: reply.tensors ?? {}, runSize, runMs: reply.runMs };
  }

  #send(lane: Lane, runSize: number): Promise<Extract<DeviceReply, { ok: true }>> {
    const { spec } = lane;
    const { stays } = lane;
    const run = { shape: lane.shape(runSize), isLane: lane.hasSession(runSize), stays, input: this.#input };
    if (spec.kind === 'tensors') {
      return this.thread.do({ ...run, kind: 'tensors', graph: spec.graph, scalars: spec.scalars });
    }
    return this.thread.do({ ...run, kind: 'picture', graph: spec.graph, output: this.#output });
  }

  /** Runs on black pictures. @throws DeviceError */
  async runBlank(lane: Lane, runSize: number): Promise<RunResult> {
    this.reserve(lane, runSize).fill(0);
    return this.run(lane, runSize);
  }

  /** Lets go of the thread's session for runs of this size. */
  async forget(lane: Lane, runSize: number): Promise<void> {
    const { path } = lane.spec.graph;
    await this.thread.do({ kind: 'unload', path, shape: lane.shape(runSize) });
  }
}
