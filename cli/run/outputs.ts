/**
 * Where results go. One rule for all tasks: `-o` with the ending of a file is a file, anything else a folder; the ending
 * says what is wanted of the job. Nothing is ever written over an input.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Model } from '../../client/outboard.ts';
import { UsageError } from '../exit-code.ts';
import type { Input } from './inputs.ts';
import { parameterSchemas } from './parameters.ts';

/** One file to write: a picture by its role among the results, or the results themselves as JSON. */
export interface Output {
  readonly role: 'sr_image' | 'annotated_image' | 'json';
  /** Absolute. */
  readonly file: string;
}

export interface Plan {
  readonly input: Input;
  readonly outputs: readonly Output[];
}

const FORMATS: Readonly<Record<string, string>> = { png: 'png', jpg: 'jpeg', jpeg: 'jpeg', webp: 'webp' };
const PICTURE_ROLES: Readonly<Record<string, Output['role']>> = {
  'super-resolution': 'sr_image',
  'object-detection': 'annotated_image',
};

const endingOf = (file: string): string => path.extname(file).slice(1).toLowerCase();

/** Whether `-o` means a folder. */
export function isFolder(target: string): boolean {
  if (/[\\/]$/.test(target)) return true;
  const seen = statSync(target, { throwIfNoEntry: false });
  return seen === undefined ? path.extname(target) === '' : seen.isDirectory();
}

/**
 * The parameters that `-o` implies: the format of a picture, and that boxes are drawn.
 * @throws UsageError for a file that the task cannot make.
 */
export function impliedParameters(target: string | undefined, { task }: Model): string[] {
  if (target === undefined || isFolder(target)) return [];
  const role = PICTURE_ROLES[task];
  const ending = endingOf(target);
  if (ending === 'json' && role !== 'sr_image') return [];
  const format = FORMATS[ending];
  if (role === undefined || format === undefined) {
    const pictures = role === undefined ? [] : Object.keys(FORMATS);
    const endings = [...pictures, ...(role === 'sr_image' ? [] : ['json'])].map((name) => `.${name}`);
    throw new UsageError(
      `-o ${target}: ${task} makes files that end in ${endings.join(', ')}; or name a folder.`,
    );
  }
  return [`output_format=${format}`, ...(role === 'annotated_image' ? ['annotated=true'] : [])];
}

/** @throws UsageError where several pictures would have one output, or an output is an input. */
export function planOutputs(
  inputs: readonly Input[],
  target: string | undefined,
  model: Model,
  parameters: Readonly<Record<string, unknown>>,
): Plan[] {
  const toFolder = target !== undefined && isFolder(target);
  if (inputs.length > 1 && !toFolder && (target !== undefined || model.task === 'super-resolution')) {
    throw new UsageError(`${inputs.length} pictures need a folder for their results: -o FOLDER/`);
  }
  const stems = inputs.map(({ relative }) => withoutEnding(relative));
  const plans = inputs.map((input, index): Plan => {
    const stem = stems[index] ?? '';
    // photo.jpg beside photo.png: their results are told apart by the whole name.
    const unique = stems.filter((other) => other === stem).length === 1 ? stem : input.relative;
    const folder = target ?? path.dirname(input.isUrl ? '.' : input.source);
    if (target !== undefined && !toFolder) return { input, outputs: [fileOutput(target, model)] };
    if (target === undefined && model.task !== 'super-resolution') return { input, outputs: [] };
    const name = target === undefined ? path.basename(unique) : unique;
    return { input, outputs: folderOutputs(path.resolve(folder, name), model, parameters) };
  });
  refuseClashes(plans);
  return plans;
}

const fileOutput = (target: string, { task }: Model): Output => ({
  role: endingOf(target) === 'json' ? 'json' : (PICTURE_ROLES[task] ?? 'json'),
  file: path.resolve(target),
});

function folderOutputs(stem: string, model: Model, parameters: Readonly<Record<string, unknown>>): Output[] {
  const value = (name: string) => parameters[name] ?? parameterSchemas(model)[name]?.default;
  const ending = value('output_format') === 'jpeg' ? 'jpg' : value('output_format');
  if (model.task === 'super-resolution') {
    return [{ role: 'sr_image', file: `${stem}-x${value('upscale_factor')}.${ending}` }];
  }
  const json = { role: 'json', file: `${stem}.json` } as const;
  if (value('annotated') !== true) return [json];
  return [json, { role: 'annotated_image', file: `${stem}-boxes.${ending}` }];
}

const withoutEnding = (file: string): string => file.slice(0, file.length - path.extname(file).length);

function refuseClashes(plans: readonly Plan[]): void {
  const sources = new Set(plans.map(({ input }) => input.source));
  const taken = new Map<string, string>();
  for (const { input, outputs } of plans) {
    for (const { file } of outputs) {
      if (sources.has(file)) throw new UsageError(`${file} is one of the pictures to work on.`);
      const other = taken.get(file);
      if (other !== undefined) throw new UsageError(`${other} and ${input.name} would both become ${file}.`);
      taken.set(file, input.name);
    }
  }
}
