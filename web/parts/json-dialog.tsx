/** A job as the API shows it, to read, copy or save: the page hides nothing that it knows. */
import { useState } from 'preact/hooks';
import type { Job } from '../api.ts';
import { saveAs } from '../save.ts';
import { Dialog } from './dialog.tsx';
import { Icon } from './icon.tsx';

export function JsonDialog({ job, onClose }: { readonly job: Job; readonly onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  const text = JSON.stringify(job, null, 2);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  const save = () => saveAs(new Blob([text], { type: 'application/json' }), `${job.id}.json`);
  return (
    <Dialog title="The job as JSON" wide onClose={onClose}>
      <p class="note">
        <code>GET {job.links.self}</code>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keys must be able to scroll it */}
      <pre class="code" tabIndex={0}>
        {text}
      </pre>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={copy}>
          <Icon name="copy" />
          <span aria-live="polite">{copied ? 'Copied' : 'Copy'}</span>
        </button>
        <button type="button" class="button" onClick={save}>
          <Icon name="download" />
          Save
        </button>
      </div>
    </Dialog>
  );
}
