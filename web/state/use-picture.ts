/** The picture of a job as an address for `<img>`, as long as a component shows it. */
import { useEffect, useState } from 'preact/hooks';
import { keptPicture } from './pictures.ts';

export interface ShownPicture {
  readonly name: string | undefined;
  readonly preview: string | undefined;
  readonly thumbnail: string | undefined;
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
