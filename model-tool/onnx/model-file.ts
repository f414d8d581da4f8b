/**
 * An ONNX file in and out. External data is pulled into the model, so that a package is one file with one checksum;
 * its paths are the model author's input and must stay inside the model's folder.
 */
import { open, readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { Refusal } from '../refusal.ts';
import { type Attribute, type Graph, Model, type TensorProto } from './schema.ts';
import { byteLength, decode, encode } from './wire.ts';

const EXTERNAL = 1;
const MOST_BYTES = 2 ** 31 - 1;

/** A model with a graph and all its weights in memory. @throws Refusal where the file is no ONNX model */
export type LoadedModel = Model & { graph: Graph };

export async function readModel(path: string): Promise<LoadedModel> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new Refusal(`${path} cannot be read.`, { cause });
  });
  const model = parseModel(bytes, path);
  for (const tensor of tensorsOf(model.graph)) {
    if (tensor.data_location === EXTERNAL) await loadExternal(tensor, dirname(path));
  }
  return model;
}

function parseModel(bytes: Uint8Array, path = 'The file'): LoadedModel {
  let model: Model;
  try {
    model = decode(Model, bytes);
  } catch (cause) {
    throw new Refusal(`${path} is not an ONNX model, or is cut short.`, { cause });
  }
  if (model.graph === undefined || model.graph.output.length === 0 || model.opset_import.length === 0) {
    throw new Refusal(`${path} holds no ONNX graph.`);
  }
  return { ...model, graph: model.graph };
}

/** @throws Refusal where the model would pass the 2 GiB that one protobuf file can hold */
export async function writeModel(path: string, model: Model): Promise<void> {
  const chunks = encode(Model, model);
  if (byteLength(chunks) > MOST_BYTES) throw new Refusal('The model has more than 2 GiB of weights.');
  const file = await open(path, 'wx');
  try {
    // writev takes a limited number of buffers; small ones are joined, large ones pass through uncopied.
    for (const group of grouped(chunks)) await file.write(group);
  } finally {
    await file.close();
  }
}

const LARGE = 1 << 16;

function* grouped(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (chunk.length < LARGE) {
      small.push(chunk);
      continue;
    }
    if (small.length > 0) yield Buffer.concat(small);
    small = [];
    yield chunk;
  }
  if (small.length > 0) yield Buffer.concat(small);
}

/** All constants of a graph, those in attributes and subgraphs too. */
export function* tensorsOf(graph: Graph): Generator<TensorProto> {
  yield* graph.initializer;
  for (const node of graph.node) for (const attribute of node.attribute) yield* tensorsIn(attribute);
}

function* tensorsIn(attribute: Attribute): Generator<TensorProto> {
  if (attribute.t !== undefined) yield attribute.t;
  yield* attribute.tensors;
  if (attribute.g !== undefined) yield* tensorsOf(attribute.g);
  for (const graph of attribute.graphs) yield* tensorsOf(graph);
}

async function loadExternal(tensor: TensorProto, folder: string): Promise<void> {
  const entries = new Map(tensor.external_data.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const path = await confined(folder, location, tensor.name ?? '');
  const file = await open(path, 'r');
  try {
    const offset = Number(entries.get('offset') ?? 0);
    const length = Number(entries.get('length') ?? (await file.stat()).size - offset);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
    if (bytesRead !== length)
      throw new Refusal(`${location} is too short for the weights of ${tensor.name}.`);
    tensor.raw_data = buffer;
  } finally {
    await file.close();
  }
  tensor.external_data = [];
  delete tensor.data_location;
}

async function confined(folder: string, location: string, tensorName: string): Promise<string> {
  const root = await realpath(folder);
  const path = await realpath(join(root, location)).catch((cause: unknown) => {
    throw new Refusal(`The weights of ${tensorName} are in ${location}, which is not beside the model.`, {
      cause,
    });
  });
  const inside = relative(root, path);
  if (location === '' || isAbsolute(location) || inside.startsWith('..') || isAbsolute(inside)) {
    throw new Refusal(`The weights of ${tensorName} are in ${location}, outside the model's folder.`);
  }
  return path;
}
