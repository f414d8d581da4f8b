/**
 * `outboard model import FILE`: from an export to a package that serves. The steps: read and trim → find out what the
 * model wants and gives → wrap it with as many sizes free as can be proved → write the package. Nothing is written
 * before the packaged graph has given what the untouched model gives.
 */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ModelManifest } from '../../shared/model.ts';
import { writePackage } from '../package.ts';
import { Refusal } from '../refusal.ts';
import { Runtime } from '../runtime/runtime.ts';
import type { ImportOptions, Note } from './options.ts';
import { packClassification } from './pack-classification.ts';
import { packObjectDetection } from './pack-object-detection.ts';
import { packSuperResolution } from './pack-super-resolution.ts';
import { readSubject } from './subject.ts';

export interface Imported {
  /** Folder of the package. */
  readonly folder: string;
  readonly manifest: ModelManifest;
  /** What was inferred, assumed and proved, in sentences. */
  readonly notes: readonly string[];
}

const packers = {
  'super-resolution': packSuperResolution,
  classification: packClassification,
  'object-detection': packObjectDetection,
} as const;

/** @param note is told each finding as it is made · @throws Refusal with what to do next */
export async function importModel(options: ImportOptions, note: Note = () => undefined): Promise<Imported> {
  const notes: string[] = [];
  const tell = (sentence: string) => {
    notes.push(sentence);
    note(sentence);
  };
  refuseMisplaced(options);
  const subject = await readSubject(options, tell);
  try {
    await using runtime = new Runtime();
    await runtime.open(subject.path);
    const packed = await packers[options.task]({ subject, options, runtime, note: tell });
    const common = {
      schema_version: 1,
      name: options.name,
      version: options.version,
      description: options.description ?? `Imported from ${basename(options.file)}.`,
      licence: options.licence ?? 'unknown: not stated at import',
      parameters: subject.parameters,
      source: {
        file: basename(options.file),
        sha256: createHash('sha256')
          .update(await readFile(options.file))
          .digest('hex'),
        producer: subject.producer,
        opset: subject.opset,
        decisions: notes,
      },
    };
    const { folder, manifest } = await writePackage(
      join(options.out, options.name, options.version),
      packed,
      common,
    );
    return { folder, manifest, notes };
  } finally {
    await rm(subject.workFolder, { recursive: true, force: true });
  }
}

/** What a flag asks for and the task does not do must not be passed over in silence. */
function refuseMisplaced({ task, crop, mean, std, overlap }: ImportOptions): void {
  // A detector must see all that it is asked to find, and an enlarger is given the picture as it is.
  if (crop !== undefined && task !== 'classification') {
    throw new Refusal(
      `--crop is for classification; with ${task} the whole picture is shown. Leave it out.`,
      {
        flag: '--crop',
      },
    );
  }
  if ((mean ?? std) !== undefined && task === 'super-resolution') {
    throw new Refusal(
      '--mean and --std are not for super-resolution: what a net takes off it must put back on, which only the net itself can do. Say --scale -1-1 where both are 0.5, else export the net with its normalisation inside.',
      { flag: mean === undefined ? '--std' : '--mean' },
    );
  }
  if (overlap !== undefined && task !== 'super-resolution') {
    throw new Refusal(`--overlap is for super-resolution; with ${task} no picture is cut. Leave it out.`, {
      flag: '--overlap',
    });
  }
}
