/**
 * The model to import as it is understood so far: a file that onnxruntime runs, unchanged in meaning, and what its
 * picture input looks like.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensorInfo } from '../graph-builder.ts';
import { inspectModel } from '../inspect.ts';
import { intOf } from '../onnx/graph.ts';
import { type LoadedModel, readModel, writeModel } from '../onnx/model-file.ts';
import { Refusal } from '../refusal.ts';
import { inputsOf, type Layout, layoutOf, outputsOf, type Port, shapeText } from '../signature.ts';
import { freePixelShuffle } from './free-shapes.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { trimEdges } from './trim.ts';

export interface Subject {
  /** The untouched model, or what is left after its edges were cut. */
  readonly path: string;
  readonly input: Port;
  readonly outputs: readonly Port[];
  readonly layout: Layout;
  readonly channels: 1 | 3;
  /** Type of the numbers that the input takes. */
  readonly type: string;
  /** The batch that the model insists on. */
  readonly batch: number | undefined;
  /** The size that the model insists on. */
  readonly size: PictureSize | undefined;
  readonly parameters: number;
  readonly producer: string;
  readonly opset: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** A folder for files that only the import needs. */
  readonly workFolder: string;
}

/** @throws Refusal where the model has no input that can be a picture, or operators that nothing here can run */
export async function readSubject(options: ImportOptions, note: Note): Promise<Subject> {
  const model = await readModel(options.file);
  const workFolder = await mkdtemp(join(tmpdir(), 'outboard-import-'));
  const isCut = trimEdges(model, note);
  const input = pictureInput(model, options);
  const found =
    options.layout ?? layoutOf(input) ?? (input.dims === undefined || isOpen(input) ? 'NCHW' : undefined);
  if (found === undefined) {
    throw new Refusal(
      `The input ${input.name} ${shapeText(input)} may have its channels second or last: say --layout nchw or --layout nhwc.`,
      { flag: '--layout' },
    );
  }
  const side = (axis: number) => {
    const declared = input.dims?.[axis];
    return typeof declared === 'number' ? declared : undefined;
  };
  const [heightAxis, widthAxis, channelAxis] = found === 'NCHW' ? [2, 3, 1] : [1, 2, 3];
  const channels = side(channelAxis) ?? channelsOfFirstConvolution(model, input.name) ?? 3;
  if (channels !== 1 && channels !== 3) {
    throw new Refusal(
      `The input ${input.name} ${shapeText(input)} has ${channels} channels; a picture has 1 or 3.`,
    );
  }
  const [height, width] = [side(heightAxis), side(widthAxis)];
  const declared = height !== undefined && width !== undefined ? { height, width } : undefined;
  const size =
    declared ??
    (isCut || input.dims === undefined ? freePixelShuffle(structuredClone(model).graph) : undefined);
  const path = isCut ? join(workFolder, 'net.onnx') : options.file;
  const port = { ...input, type: input.type ?? floatType(model) };
  if (isCut) {
    model.graph.input = model.graph.input.map((value) =>
      value.name === port.name ? tensorInfo(port.name, port.type, openShape(found, channels)) : value,
    );
    await writeModel(path, model);
  }
  const { parameters, producer, opset, metadata } = inspectModel(model);
  note(
    `input: ${port.name} ${port.type}, ${found}, ${channels} channel${channels === 1 ? '' : 's'}, ${sizeText(size)}.`,
  );
  return {
    path,
    input: port,
    outputs: outputsOf(model.graph),
    layout: found,
    channels,
    type: port.type,
    batch: side(0),
    size,
    parameters,
    producer,
    opset,
    metadata,
    workFolder,
  };
}

const sizeText = (size: PictureSize | undefined) =>
  size === undefined ? 'any size' : `${size.height}×${size.width}`;

const isOpen = ({ dims }: Port): boolean =>
  dims?.length === 4 && dims.every((size) => typeof size === 'string');

const openShape = (layout: Layout, channels: number) =>
  layout === 'NCHW' ? ['batch', channels, 'height', 'width'] : ['batch', 'height', 'width', channels];

const floatType = (model: LoadedModel): 'float32' | 'float16' =>
  inspectModel(model).weight_types.includes('float32') ? 'float32' : 'float16';

function pictureInput(model: LoadedModel, options: ImportOptions): Port {
  const inputs = inputsOf(model.graph);
  const listed = inputs.map((port) => `${port.name} ${shapeText(port)}`).join(', ');
  const [first, ...others] =
    options.input === undefined ? inputs : inputs.filter(({ name }) => name === options.input);
  if (first === undefined)
    throw new Refusal(`The model has no input ${options.input ?? ''}; it has ${listed}.`, {
      flag: '--input',
    });
  if (others.length > 0 || inputs.length > 1) {
    throw new Refusal(
      `The model takes ${inputs.length} inputs (${listed}); only models that take one picture can be imported.`,
    );
  }
  if (first.dims !== undefined && first.dims.length !== 4) {
    throw new Refusal(`The input ${listed} is not a batch of pictures, which has four dimensions.`);
  }
  return first;
}

/** Weights of a convolution are [out, in / groups, …]: they tell the channels where the declaration does not. */
function channelsOfFirstConvolution({ graph }: LoadedModel, input: string): number | undefined {
  const node = graph.node.find(({ op_type, input: names }) => op_type === 'Conv' && names[0] === input);
  const weights = graph.initializer.find(({ name }) => name === node?.input[1]);
  const perGroup = weights?.dims[1];
  return node === undefined || perGroup === undefined ? undefined : perGroup * (intOf(node, 'group') ?? 1);
}
