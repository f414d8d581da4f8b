/** Which sizes a package leaves open, from the most to the least that one could hope for. */
import type { Size } from '../signature.ts';
import type { BatchRule } from './free-batch.ts';
import type { PictureSize } from './options.ts';
import type { Subject } from './subject.ts';

export interface Freedom {
  /** `undefined`: the batch stays as the model has it. */
  readonly batchRule: BatchRule | undefined;
  readonly isBatchFree: boolean;
  readonly isSizeFree: boolean;
}

/** @param wantsSize true where a free height and width is of use: only enlarging takes any picture */
export function freedoms(subject: Subject, wantsSize: boolean): Freedom[] {
  const batches: Pick<Freedom, 'batchRule' | 'isBatchFree'>[] =
    subject.batch === undefined
      ? [
          { batchRule: undefined, isBatchFree: true },
          { batchRule: 0, isBatchFree: true },
        ]
      : [
          { batchRule: 0, isBatchFree: true },
          { batchRule: -1, isBatchFree: true },
          { batchRule: 'windows', isBatchFree: true },
          { batchRule: 'sequence-first', isBatchFree: true },
        ];
  const held = { batchRule: undefined, isBatchFree: false };
  const sizes = wantsSize ? [true, false] : [false];
  return sizes.flatMap((isSizeFree) => [...batches, held].map((batch) => ({ ...batch, isSizeFree })));
}

/** The sizes of `image` that follow: batch, height, width. */
export function imageSize(subject: Subject, size: PictureSize, freedom: Freedom): [Size, Size, Size] {
  const batch = freedom.isBatchFree ? 'batch' : (subject.batch ?? 1);
  return freedom.isSizeFree ? [batch, 'height', 'width'] : [batch, size.height, size.width];
}
