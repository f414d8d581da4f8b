/**
 * The model to import as it is understood so far: a file that onnxruntime runs, unchanged in meaning, and what its
 * picture input looks like.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphBuilder, tensorInfo } from '../graph-builder.ts';
import { inspectModel } from '../inspect.ts';
import { closeWeights, constantOf, intOf } from '../onnx/graph.ts';
import { type LoadedModel, readModel, writeModel } from '../onnx/model-file.ts';
import { refuseTooOld } from '../onnx/upgrade-opset.ts';
import { Refusal } from '../refusal.ts';
import { inputsOf, type Layout, layoutOf, outputsOf, type Port, portOf, shapeText } from '../signature.ts';
import { cutBetween } from './cut.ts';
import { freePixelShuffle } from './free-size.ts';
import { giveBatch } from './give-batch.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { settleSideInputs } from './side-inputs.ts';
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
  /** True where the net computes in float16, which carries three digits. */
  readonly isHalf: boolean;
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
  refuseTooOld(model);
  closeWeights(model.graph);
  const workFolder = await mkdtemp(join(tmpdir(), 'outboard-import-'));
  const isTrimmed = [cutBetween(model, options, note), trimEdges(model, note)].includes(true);
  const isSettled = settleSideInputs(model, options, note);
  const isHalf = inspectModel(model).weight_types.includes('float16');
  const isBatched = giveBatch(model, note);
  const input = pictureInput(model, isBatched ? undefined : options.input);
  const found =
    options.layout ?? layoutOf(input) ?? (input.dims === undefined || isOpen(input) ? 'NCHW' : undefined);
  const sides = [input.dims?.[1], input.dims?.[3]].filter((size) => typeof size === 'number');
  if (found === undefined && sides.length === 2 && !sides.some((size) => size === 1 || size === 3)) {
    throw new Refusal(
      `The input ${input.name} ${shapeText(input)} has neither 1 nor 3 channels, as pictures have; models of other channels cannot be imported.`,
    );
  }
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
  const size = declared ?? (isTrimmed ? freePixelShuffle(structuredClone(model).graph) : undefined);
  if (isTrimmed) declareInput(model, input, found, channels, isHalf);
  const isCast = castHalves(model, note);
  const isChanged = isTrimmed || isSettled || isBatched || isCast;
  const path = isChanged ? join(workFolder, 'net.onnx') : options.file;
  if (isChanged) await writeModel(path, model);
  const port = inputsOf(model.graph)[0] ?? input;
  const { parameters, producer, opset, metadata } = inspectModel(model);
  if (parameters === 0) throw new Refusal(`${options.file} holds no weights, so it is no trained net.`);
  note(
    `input: ${port.name} ${port.type}, ${found}, ${channels} channel${channels === 1 ? '' : 's'}, ${sizeText(size)}.`,
  );
  return {
    path,
    input: port,
    outputs: outputsOf(model.graph),
    layout: found,
    channels,
    type: port.type ?? 'float32',
    isHalf,
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

/** Operators that are gone had declared nothing of what they gave. */
function declareInput(
  model: LoadedModel,
  input: Port,
  layout: Layout,
  channels: number,
  isHalf: boolean,
): void {
  if (input.type !== undefined) return;
  const info = tensorInfo(input.name, isHalf ? 'float16' : 'float32', openShape(layout, channels));
  model.graph.input = model.graph.input.map((value) => (value.name === input.name ? info : value));
}

/** onnxruntime-node cannot be fed float16: the net gets float32 at its edges and computes as before. */
function castHalves(model: LoadedModel, note: Note): boolean {
  const { graph } = model;
  const front = new GraphBuilder(model, 'float32-in');
  const back = new GraphBuilder(model, 'float32-out');
  let isCast = false;
  for (const list of [graph.input, graph.output]) {
    for (const [at, value] of list.entries()) {
      const { name, type, dims } = portOf(value);
      if (type !== 'float16') continue;
      const outer = `float32/${name}`;
      if (list === graph.input) front.called(front.cast(outer, 'float16'), name);
      else back.called(back.cast(name, 'float32'), outer);
      list[at] = tensorInfo(outer, 'float32', dims ?? []);
      isCast = true;
    }
  }
  front.prepend();
  back.append();
  if (isCast) note('float16: the net keeps computing in it; its edges are float32.');
  return isCast;
}

function pictureInput(model: LoadedModel, asked: string | undefined): Port {
  const inputs = inputsOf(model.graph);
  const listed = inputs.map((port) => `${port.name} ${shapeText(port)}`).join(', ');
  const [first, ...others] = asked === undefined ? inputs : inputs.filter(({ name }) => name === asked);
  if (first === undefined)
    throw new Refusal(`The model has no input ${asked ?? ''}; it has ${listed}.`, {
      flag: '--input',
    });
  if (others.length > 0 || inputs.length > 1) {
    throw new Refusal(
      `The model takes ${inputs.length} inputs (${listed}); only models that take one picture can be imported.`,
    );
  }
  if (first.dims !== undefined && first.dims.length !== 4) {
    throw new Refusal(
      `The input ${listed} is not a batch of pictures, which has four dimensions [batch, channels, height, width]. Export the model with such an input.`,
    );
  }
  return first;
}

/** Weights of a convolution are [out, in / groups, …]: they tell the channels where the declaration does not. */
function channelsOfFirstConvolution({ graph }: LoadedModel, input: string): number | undefined {
  const node = graph.node.find(({ op_type, input: names }) => op_type === 'Conv' && names[0] === input);
  const perGroup = constantOf(graph, node?.input[1])?.dims[1];
  return node === undefined || perGroup === undefined ? undefined : perGroup * (intOf(node, 'group') ?? 1);
}
