/** What a succeeded job made, shown by what its output holds and not by the name of its task. */
import { useState } from 'preact/hooks';
import type { Job } from '../api.ts';
import { Boxes } from '../viewer/boxes.tsx';
import { Compare } from '../viewer/compare.tsx';
import { Predictions } from '../viewer/predictions.tsx';
import { Message } from './message.tsx';

interface ResultProps {
  readonly job: Job;
  readonly name: string;
  /** The input as this browser kept it. */
  readonly picture: string | undefined;
  readonly onStaleLink: () => void;
}

export function JobResult({ job: { id, output, parameters }, name, picture, onStaleLink }: ResultProps) {
  const [failures, setFailures] = useState(0);
  if (output === undefined) return <Message title="Fetching the result…" />;
  if ('sr_image_url' in output) {
    if (failures > 2) {
      return (
        <Message title="The pictures cannot be fetched" tone="bad">
          They may have been erased: results are kept for eight days.
        </Message>
      );
    }
    return (
      <Compare
        key={id}
        before={output.original_image_url}
        after={output.sr_image_url}
        size={output}
        factor={output.upscale_factor}
        name={name}
        onError={() => {
          setFailures(failures + 1);
          onStaleLink();
        }}
      />
    );
  }
  if ('detections' in output) {
    return (
      <Boxes
        detections={output.detections}
        size={output.input}
        picture={picture ?? output.annotated_image_url}
        leastScore={Number(parameters.score_threshold ?? 0)}
        name={name}
      />
    );
  }
  if ('predictions' in output) {
    return <Predictions predictions={output.predictions} size={output.input} picture={picture} name={name} />;
  }
  return (
    <Message title="This page is older than the API">
      It does not know this kind of result; the JSON shows it.
    </Message>
  );
}
