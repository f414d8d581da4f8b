/** `outboard model inspect | import`: what an ONNX export is, and the package that serves made from it. */
import { Command, Option } from 'commander';
import { importCommand, inspectCommand } from '../model-tool/cli.ts';

/** Flags of `import` with what they mean; the tool itself asks for those it cannot do without. */
const IMPORT_OPTIONS: readonly (readonly [flags: string, meaning: string])[] = [
  ['--name <name>', 'name of the model: lower-case letters, digits, dashes'],
  ['--task <task>', 'super-resolution, classification or object-detection'],
  ['--version <version>', 'version of the package (default: 1)'],
  ['--out <folder>', 'where packages lie (default: models)'],
  ['--description <text>', 'one sentence about the model'],
  ['--licence <text>', 'licence of the weights'],
  ['--scale <range>', 'what the model takes: 0-1, 0-255 or -1-1'],
  ['--mean <numbers>', 'mean by channel, after scaling, such as 0.485,0.456,0.406'],
  ['--std <numbers>', 'deviation by channel, such as 0.229,0.224,0.225'],
  ['--channel-order <order>', 'rgb or bgr'],
  ['--layout <layout>', 'nchw or nhwc'],
  ['--size <HxW>', 'input size of a model that takes any'],
  ['--resize <mode>', 'how a picture is brought to that size: stretch, cover or letterbox'],
  [
    '--crop <fraction>',
    'classification: part that the centre crop keeps, such as 0.875 (256 cropped to 224)',
  ],
  ['--anchor <place>', 'where a letterboxed picture lies: centre or top-left'],
  ['--fill <r,g,b>', 'colour beside a letterboxed picture'],
  ['--labels <file>', 'names of the classes, one a line'],
  ['--activation <kind>', 'from numbers to scores: none, softmax or sigmoid'],
  ['--input <name>', 'the picture input, where there are several'],
  ['--output <name...>', 'the outputs to read, where there are others'],
  ['--output-scale <range>', 'super-resolution: range of the output'],
  ['--luma <range>', 'super-resolution on luminance: full or studio'],
  ['--tile <HxW>', 'super-resolution: size that large pictures are cut into'],
  [
    '--overlap <pixels>',
    'super-resolution: how far tiles overlap, where the reach of the net cannot be found out',
  ],
  ['--head <form>', 'detection: yolox, yolov5, yolov8, ssd, detr or end-to-end'],
  ['--box-format <format>', 'detection: xyxy, xywh, cxcywh or yxyx'],
  ['--box-units <units>', 'detection: pixels or normalised'],
  ['--background <place>', 'detection: which class is background: first, last or none'],
  ['--columns <names>', 'detection: columns of a model with its own suppression'],
  ['--first-class <number>', 'detection: number of the first class'],
  ['--golden <picture...>', 'pictures to prove the package on, beside the built-in ones'],
];

/** As the flag is written, for the tool that reads it. */
const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export function importCommands(): Command[] {
  const inspect = new Command('inspect')
    .description('what an ONNX file takes and gives, in a form to read at a glance')
    .argument('<file>')
    .option('--json', 'for programs')
    .action(async (file: string, { json }: { json?: boolean }) => {
      console.log(await inspectCommand(file, json === true));
    });
  const importing = new Command('import')
    .description('make a package that serves from an ONNX export, and prove it against the untouched model')
    .argument('<file>')
    .action(async (file: string, options: Record<string, unknown>) => {
      const flags = Object.fromEntries(Object.entries(options).map(([name, value]) => [kebab(name), value]));
      const folder = await importCommand(file, flags, console.log);
      console.log(`written: ${folder}\nnext: npx outboard model publish ${folder}`);
    });
  for (const [flags, meaning] of IMPORT_OPTIONS) importing.addOption(new Option(flags, meaning));
  for (const option of importing.options)
    option.makeOptionMandatory(['--name', '--task'].includes(option.long ?? ''));
  return [inspect, importing];
}
