/** Where pictures come in: dropped anywhere on the page, pasted, or chosen; and those that wait to be sent. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatBytes } from '../format.ts';
import { addPictures, draft, removePicture } from '../state/draft.ts';
import { Icon } from './icon.tsx';

/** What the API takes; others are refused by it with a reason, so nothing is filtered here. */
const ACCEPTED = 'image/jpeg,image/png,image/webp,image/gif,image/tiff,image/avif';

export function DropZone() {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const dragged = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    addEventListener('dragenter', dragged, { signal });
    addEventListener('dragover', dragged, { signal });
    addEventListener('dragleave', (event) => event.relatedTarget === null && setOver(false), { signal });
    addEventListener(
      'drop',
      (event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        setOver(false);
        addPictures(event.dataTransfer?.files ?? []);
      },
      { signal },
    );
    addEventListener('paste', (event) => addPictures(event.clipboardData?.files ?? []), { signal });
    return () => controller.abort();
  }, []);

  const pictures = draft.value;
  return (
    <section class={over ? 'drop is-over' : 'drop'} aria-label="Pictures">
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        accept={ACCEPTED}
        multiple
        tabIndex={-1}
        aria-label="Pictures to send"
        onChange={({ currentTarget }) => {
          addPictures(currentTarget.files ?? []);
          // The same file can be chosen again after it was removed.
          currentTarget.value = '';
        }}
      />
      {pictures.length > 0 && (
        <ul class="tray">
          {pictures.map(({ key, file, thumbnail, sending, error }) => (
            <li key={key} class={error === undefined ? 'tray-item' : 'tray-item is-bad'}>
              <span class="tray-picture">
                {thumbnail === undefined ? <Icon name="picture" /> : <img src={thumbnail} alt="" />}
                {sending && <span class="tray-sending">Sending…</span>}
              </span>
              <span class="tray-name" title={file.name}>
                {file.name}
              </span>
              <span class="tray-note">{error ?? formatBytes(file.size)}</span>
              {!sending && (
                <button
                  type="button"
                  class="tray-remove"
                  aria-label={`Remove ${file.name}`}
                  onClick={() => removePicture(key)}
                >
                  <Icon name="close" />
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <button type="button" class="drop-button" onClick={() => input.current?.click()}>
        <span class="drop-icon">
          <Icon name={pictures.length === 0 ? 'picture' : 'plus'} />
        </span>
        <span class="drop-title">
          {over ? 'Let go to add' : pictures.length === 0 ? 'Drop pictures here' : 'Add more'}
        </span>
        <span class="drop-note">
          {pictures.length === 0
            ? 'or choose files, or paste. JPEG, PNG, WebP, GIF, TIFF or AVIF, up to 32 MB each.'
            : 'Drop, choose or paste further pictures.'}
        </span>
      </button>
    </section>
  );
}
