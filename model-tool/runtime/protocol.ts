/** What the tool and its onnxruntime child say to each other. Numbers travel as bytes: IPC has no float16 arrays. */

/** A tensor, row-major, little-endian. */
export interface PlainTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

export type RuntimeRequest =
  | { readonly kind: 'open'; readonly path: string }
  | {
      readonly kind: 'run';
      readonly path: string;
      readonly inputs: Readonly<Record<string, PlainTensor>>;
      readonly outputs: readonly string[];
    };

export type RuntimeReply =
  | { readonly ok: true; readonly outputs: Readonly<Record<string, PlainTensor>> }
  | { readonly ok: false; readonly reason: string };
