/**
 * The commands of the model tool as functions of their arguments: the command line is a thin layer above, and so is
 * the little runner at the end. A Refusal is printed as its sentence; anything else is a fault of the tool.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { MOST_CROPPED } from '../shared/model.ts';
import { columnNames } from './import/detection-plan.ts';
import { importModel } from './import/import-model.ts';
import { inspectFile, inspectionText } from './inspect.ts';
import { Refusal } from './refusal.ts';

const numbersList = z.string().transform((text, context) => {
  const values = text.split(',').map(Number);
  if (values.every(Number.isFinite)) return values;
  context.addIssue('give numbers with commas between them, such as 0.485,0.456,0.406');
  return z.NEVER;
});
const scale = z.enum(['0-1', '0-255', '-1-1']);
const pictureSize = z
  .string()
  .regex(/^\d+x\d+$/, 'give height and width, such as 640x640')
  .transform((text) => {
    const [height = 0, width = 0] = text.split('x').map(Number);
    return { height, width };
  });
const layouts = { nchw: 'NCHW', nhwc: 'NHWC' } as const;

/** The flags of `import`, by their names on the command line. */
const importFlags = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes'),
  task: z.enum(['super-resolution', 'classification', 'object-detection']),
  version: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,31}$/)
    .default('1'),
  out: z.string().default('models'),
  description: z.string().optional(),
  licence: z.string().optional(),
  input: z.string().optional(),
  output: z.array(z.string()).optional(),
  size: pictureSize.optional(),
  layout: z
    .enum(['nchw', 'nhwc'])
    .transform((name) => layouts[name])
    .optional(),
  'channel-order': z.enum(['rgb', 'bgr']).optional(),
  scale: scale.optional(),
  mean: numbersList.optional(),
  std: numbersList.optional(),
  resize: z.enum(['stretch', 'cover', 'letterbox']).optional(),
  crop: z.coerce
    .number('give a number such as 0.875')
    .min(MOST_CROPPED)
    .max(1, 'give the part that stays, such as 0.875 where 256 is cropped to 224')
    .optional(),
  anchor: z.enum(['centre', 'top-left']).optional(),
  fill: numbersList.pipe(z.tuple([z.int(), z.int(), z.int()])).optional(),
  labels: z.string().optional(),
  activation: z.enum(['none', 'softmax', 'sigmoid']).optional(),
  'output-scale': scale.optional(),
  luma: z.enum(['full', 'studio']).optional(),
  tile: pictureSize.optional(),
  overlap: z.coerce.number('give a number of pixels, such as 16').int().nonnegative().optional(),
  head: z.enum(['yolox', 'yolov5', 'yolov8', 'ssd', 'detr', 'end-to-end']).optional(),
  'box-format': z.enum(['xyxy', 'xywh', 'cxcywh', 'yxyx']).optional(),
  'box-units': z.enum(['pixels', 'normalised']).optional(),
  background: z.enum(['first', 'last', 'none']).optional(),
  columns: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(columnNames)))
    .optional(),
  'first-class': z.coerce.number().int().optional(),
  golden: z.array(z.string()).optional(),
});

const repeated = new Set(['output', 'golden']);

/** Text for a person, and JSON for a program. @throws Refusal */
export async function inspectCommand(file: string, asJson: boolean): Promise<string> {
  const inspection = await inspectFile(file);
  return asJson ? JSON.stringify(inspection, null, 2) : inspectionText(inspection);
}

/** @param flags as on the command line, without the dashes · @throws Refusal */
export async function importCommand(
  file: string,
  flags: Readonly<Record<string, unknown>>,
  print: (line: string) => void,
): Promise<string> {
  const parsed = importFlags.safeParse(flags);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`);
    throw new Refusal(problems.join('\n'));
  }
  const { data } = parsed;
  const options = {
    ...data,
    file,
    channelOrder: data['channel-order'],
    outputScale: data['output-scale'],
    boxFormat: data['box-format'],
    boxUnits: data['box-units'],
    firstClass: data['first-class'],
  };
  const { folder } = await importModel(options, (sentence) => print(`  ${sentence}`));
  return folder;
}

/** Runs `inspect FILE` or `import FILE`. @returns the exit code */
export async function runModelCommand(
  args: readonly string[],
  print: (line: string) => void = console.log,
): Promise<number> {
  const string = { type: 'string' } as const;
  const flags = Object.keys(importFlags.shape).map((name) => [
    name,
    { ...string, multiple: repeated.has(name) },
  ]);
  try {
    const { values, positionals } = parseArgs({
      args: joinNegative(args),
      allowPositionals: true,
      options: { ...Object.fromEntries(flags), json: { type: 'boolean' } },
    });
    const [command, file] = positionals;
    if (file === undefined || (command !== 'inspect' && command !== 'import')) {
      throw new Refusal('Say: inspect FILE [--json], or import FILE --name NAME --task TASK.');
    }
    const { json, ...rest }: Record<string, unknown> = values;
    print(
      command === 'inspect'
        ? await inspectCommand(file, json === true)
        : `written: ${await importCommand(file, rest, print)}`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof TypeError && 'code' in error)) throw error;
    print(error.message);
    return 1;
  }
}

/** `--scale -1-1` reads as two flags to parseArgs; `--scale=-1-1` does not. */
function joinNegative(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const flag = joined.at(-1) ?? '';
    const isValue = /^-\d/.test(arg) && flag.startsWith('--') && !flag.includes('=');
    if (isValue) joined[joined.length - 1] = `${flag}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

if (import.meta.main) process.exitCode = await runModelCommand(process.argv.slice(2));
