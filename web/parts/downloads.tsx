/**
 * Saving what a job made. Fetched and saved by the page: links are for looking, the store answers them without asking the
 * browser to save, and a link that has run out is renewed on the way.
 */
import { useState } from 'preact/hooks';
import { explain, type Job, outboard } from '../api.ts';
import { saveAs } from '../save.ts';
import { Icon } from './icon.tsx';

/** The pictures a job can make, by role. */
const files = [
  { role: 'sr_image', suffix: 'enlarged' },
  { role: 'annotated_image', suffix: 'annotated' },
] as const;
type ResultFile = (typeof files)[number];

const extensions: Readonly<Record<string, string>> = { png: 'png', jpeg: 'jpg', webp: 'webp' };

interface DownloadsProps {
  readonly job: Job;
  readonly name: string;
  readonly onProblem: (problem: string | undefined) => void;
}

export function Downloads({ job, name, onProblem }: DownloadsProps) {
  const [fetching, setFetching] = useState(false);
  const save = async ({ role, suffix }: ResultFile) => {
    setFetching(true);
    onProblem(undefined);
    try {
      const answer = await outboard.value.download(job, role);
      const extension = extensions[String(job.parameters.output_format)] ?? 'png';
      saveAs(await answer.blob(), `${name.replace(/\.\w+$/, '')}-${suffix}.${extension}`);
    } catch (error) {
      onProblem(explain(error));
    }
    setFetching(false);
  };
  return (
    <>
      {files
        .filter(({ role }) => `${role}_url` in (job.output ?? {}))
        .map((file) => (
          <button
            key={file.role}
            type="button"
            class="button is-main"
            disabled={fetching}
            onClick={() => save(file)}
          >
            <Icon name="download" />
            {fetching ? 'Fetching…' : 'Download'}
          </button>
        ))}
    </>
  );
}
