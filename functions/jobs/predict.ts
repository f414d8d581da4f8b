/**
 * Predicted work of a job that was just asked for: what workers measured of its model, times what is known of the
 * picture. The size in the header of an inline picture is exact; the bytes of an upload are a guess; a link says nothing.
 */
import type { FleetStore } from '../../shared/aws/fleet-store.ts';
import {
  costKey,
  costUnits,
  MOST_MEGAPIXELS,
  megapixelsOfFile,
  UNKNOWN_COST_SECONDS,
  UNKNOWN_MEGAPIXELS,
} from '../../shared/cost.ts';
import type { ModelManifest } from '../../shared/model.ts';
import { headerSize } from './header-size.ts';

const FRESH_MS = 60_000;

/** What is known of a picture before it is decoded. */
export interface KnownPicture {
  readonly bytes?: Uint8Array;
  readonly size?: number;
}

/** @returns device seconds */
export type Predict = (
  manifest: Pick<ModelManifest, 'name' | 'version' | 'task'>,
  parameters: Readonly<Record<string, unknown>>,
  picture: KnownPicture,
) => Promise<number>;

export function predictWork(fleet: Pick<FleetStore, 'costs'>, now: () => number = Date.now): Predict {
  let known: { costs: Readonly<Record<string, number>>; at: number } | undefined;
  return async (manifest, parameters, picture) => {
    if (known === undefined || now() - known.at > FRESH_MS) {
      // A prediction is worth less than the job: without costs it is a rough one.
      known = { costs: await fleet.costs().catch(() => ({})), at: now() };
    }
    const each = known.costs[costKey(manifest, parameters)] ?? UNKNOWN_COST_SECONDS;
    return Number((each * costUnits(manifest, megapixels(picture))).toFixed(3));
  };
}

function megapixels({ bytes, size }: KnownPicture): number {
  if (bytes !== undefined) {
    const found = headerSize(bytes);
    // Where this reader does not know the header, the size of the file has to do.
    if (found === undefined) return megapixelsOfFile(bytes.byteLength);
    return Math.min(MOST_MEGAPIXELS, (found.width * found.height) / 1e6);
  }
  return size === undefined ? UNKNOWN_MEGAPIXELS : megapixelsOfFile(size);
}
