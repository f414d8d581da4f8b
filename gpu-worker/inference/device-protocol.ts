/** The messages between the main thread and a device thread. Pixels travel in shared memory, never in a message. */
import type { DeviceKind, GraphFile, ImageShape } from './session.ts';

export interface ThreadData {
  readonly device: DeviceKind;
}

export type DeviceRequest =
  | {
      readonly kind: 'run';
      readonly id: number;
      readonly graph: GraphFile;
      readonly shape: ImageShape;
      /** True for the one tile shape of a graph: it has a session of its own. */
      readonly isLane: boolean;
      readonly input: SharedArrayBuffer;
      readonly output: SharedArrayBuffer;
    }
  | { readonly kind: 'close' };

export type DeviceReply =
  | { readonly id: number; readonly ok: true; readonly computeMs: number }
  | { readonly id: number; readonly ok: false; readonly reason: string };
