/**
 * The picture of a job as an address for `<img>`, as long as a component shows it: as this browser kept it, or, where it
 * was sent from elsewhere, as the stage stores it.
 */
import { useEffect, useState } from 'preact/hooks';
import type { Job } from '../api.ts';
import { keptPicture } from './pictures.ts';

export interface ShownPicture {
  readonly name: string | undefined;
  readonly preview: string | undefined;
  readonly thumbnail: string | undefined;
}

/** What browsers show; they name no TIFF. */
const SHOWABLE: ReadonlySet<string | undefined> = new Set(['jpeg', 'png', 'webp', 'gif', 'avif']);

/** The link to a job's stored picture, once it is known that a browser can show it. */
const storedPicture = ({ input, output }: Job): string | undefined =>
  input.kind === 'stored' && output !== undefined && SHOWABLE.has(output.input.format)
    ? input.url
    : undefined;

/** What to show of a job that may have been sent from elsewhere. @returns undefined while nothing is known */
export function shownPicture(job: Job | undefined, kept: ShownPicture | undefined): ShownPicture | undefined {
  if (job === undefined || kept === undefined) return kept;
  return {
    name: kept.name ?? job.input.name,
    preview: kept.preview ?? storedPicture(job),
    thumbnail: kept.thumbnail,
  };
}

/** @returns undefined while it is looked up */
export function usePicture(id: string): ShownPicture | undefined {
  const [shown, show] = useState<ShownPicture>();
  useEffect(() => {
    let left = false;
    const urls: string[] = [];
    const addressOf = (blob: Blob | undefined): string | undefined => {
      if (blob === undefined) return undefined;
      const url = URL.createObjectURL(blob);
      urls.push(url);
      return url;
    };
    void keptPicture(id).then((picture) => {
      if (left) return;
      show({
        name: picture?.name,
        preview: addressOf(picture?.preview),
        thumbnail: addressOf(picture?.thumbnail),
      });
    });
    return () => {
      left = true;
      for (const url of urls) URL.revokeObjectURL(url);
    };
  }, [id]);
  return shown;
}
