/** Settles everything about a detector but the reading of its head: numbers in, size, resize, labels. */

import type { Resize } from '../../shared/model.ts';
import { readPicture } from '../golden/picture-file.ts';
import { builtInPictures } from '../golden/pictures.ts';
import { Refusal } from '../refusal.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { settleLabels, settlePreprocessing, settleSize } from './ask.ts';
import { type Outputs, runBaseline } from './baseline.ts';
import type { DetectionPlan, Head } from './detection-plan.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { headForm, planHead } from './plan-head.ts';
import type { Preprocessing } from './preprocessing.ts';
import type { Subject } from './subject.ts';

export interface ObjectDetectionPlan {
  readonly preprocessing: Preprocessing;
  readonly size: PictureSize;
  readonly resize: Resize;
  readonly detection: DetectionPlan;
  readonly labels: string[] | undefined;
}

export async function planObjectDetection(
  subject: Subject,
  options: ImportOptions,
  runtime: Runtime,
  note: Note,
): Promise<ObjectDetectionPlan> {
  const preprocessing = settlePreprocessing(subject, options, note);
  const size = settleSize(subject, options, 'YOLO: 640x640 or 416x416', note);
  const names = options.output ?? subject.outputs.map(({ name }) => name);
  // The form shows in the shapes of any run; what it reads best shows on pictures with something in them.
  const [probe] = builtInPictures(size);
  if (probe === undefined) throw new RangeError('There are no built-in pictures.');
  const first = await runBaseline(runtime, subject, probe, preprocessing, names);
  const head = headForm(first, size, subject, options);
  const resize = settleResize(head, subject, options, note);
  const files = await Promise.all((options.golden ?? []).map((file) => readPicture(file, size, resize)));
  const runs: Outputs[] = [];
  for (const picture of [...files, ...builtInPictures(size)]) {
    runs.push(await runBaseline(runtime, subject, picture, preprocessing, names));
  }
  const seen = planHead(head, runs, size, subject, options, note);
  const labels = await settleLabels(subject, options, seen.classes, note, {
    background: seen.head === 'ssd' ? seen.background : undefined,
    isLeast: seen.head === 'end-to-end',
  });
  const detection = { ...seen, classes: labels?.length ?? seen.classes };
  return { preprocessing, size, resize, detection, labels };
}

const GREY = [114, 114, 114] as const;

function settleResize(head: Head, subject: Subject, options: ImportOptions, note: Note): Resize {
  const isYolo = head.startsWith('yolo') || /ultralytics/i.test(subject.metadata.author ?? '');
  const usual = head === 'ssd' || head === 'detr' ? 'stretch' : isYolo ? 'letterbox' : undefined;
  const mode = options.resize ?? usual;
  if (mode === undefined) {
    throw new Refusal(
      'How pictures are brought to the size of this model is not known: say --resize letterbox (YOLO) or --resize stretch (most others).',
      { flag: '--resize' },
    );
  }
  const anchor = options.anchor ?? (head === 'yolox' ? 'top-left' : 'centre');
  if (options.resize === undefined) {
    note(
      `resize: ${mode}${mode === 'letterbox' ? `, ${anchor}, filled with grey 114` : ''}, as ${head} is trained; or --resize.`,
    );
  }
  return { mode, anchor, fill: [...(options.fill ?? GREY)], crop_fraction: 1 };
}
