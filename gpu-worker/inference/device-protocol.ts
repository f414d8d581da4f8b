/** The messages between the main thread and a device thread. Pixels travel in shared memory, never in a message. */
import type { DeviceKind, GraphFile, ImageShape, PlainTensors, TensorGraphFile } from './session.ts';

export interface ThreadData {
  readonly device: DeviceKind;
}

/** A picture into a picture. */
export interface PictureRun {
  readonly kind: 'picture';
  readonly graph: GraphFile;
  readonly shape: ImageShape;
  /** True for the one tile shape of a graph: it has a session of its own. */
  readonly isLane: boolean;
  readonly input: SharedArrayBuffer;
  readonly output: SharedArrayBuffer;
}

/** A picture into small tensors. */
export interface TensorRun {
  readonly kind: 'tensors';
  readonly graph: TensorGraphFile;
  readonly shape: ImageShape;
  readonly scalars: Readonly<Record<string, number>>;
  readonly input: SharedArrayBuffer;
}

/** Lets go of every session of a graph; the next run of it loads it again. */
interface Unload {
  readonly kind: 'unload';
  readonly path: string;
}

export type DeviceWork = PictureRun | TensorRun | Unload;
export type DeviceRequest = { readonly id: number; readonly work: DeviceWork } | 'close';

export type DeviceReply =
  | { readonly id: number; readonly ok: true; readonly tensors?: PlainTensors }
  | { readonly id: number; readonly ok: false; readonly reason: string };
