/** The messages between the main thread and a device thread. Pixels travel in shared memory, never in a message. */
import type { DeviceKind, GraphFile, ImageShape, PlainTensors, TensorGraphFile } from './session.ts';

export interface ThreadData {
  readonly device: DeviceKind;
}

interface Run {
  readonly shape: ImageShape;
  /** True for a shape that comes again and again: it has a session of its own. */
  readonly isLane: boolean;
  /** Whether its session stays open while nothing runs on it. */
  readonly stays: boolean;
  readonly input: SharedArrayBuffer;
}

/** Pictures into pictures. */
export interface PictureRun extends Run {
  readonly kind: 'picture';
  readonly graph: GraphFile;
  readonly output: SharedArrayBuffer;
}

/** Pictures into small tensors. */
export interface TensorRun extends Run {
  readonly kind: 'tensors';
  readonly graph: TensorGraphFile;
  readonly scalars: Readonly<Record<string, number>>;
}

/** Lets go of the sessions of a graph, of one shape or of all; the next run that needs one opens it again. */
interface Unload {
  readonly kind: 'unload';
  readonly path: string;
  readonly shape?: ImageShape;
}

export type DeviceWork = PictureRun | TensorRun | Unload;
export type DeviceRequest = { readonly id: number; readonly work: DeviceWork } | 'close';

/** Said between replies: where the nodes of a graph that was just opened run. */
export interface PlacementNotice {
  readonly path: string;
  readonly placement: string;
}

export type DeviceReply =
  | {
      readonly id: number;
      readonly ok: true;
      /** Of the run alone, without opening a session. */
      readonly runMs: number;
      readonly tensors?: PlainTensors;
    }
  | { readonly id: number; readonly ok: false; readonly reason: string };
