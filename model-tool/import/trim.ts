/**
 * Cuts away what hangs at the edges of a model and is no part of the net: picture decoding by operators that
 * onnxruntime lacks, and ZipMap, whose sequences of maps cannot be fetched. The same operators in the middle of a
 * net are refused, by name.
 */
import { unsupportedOperators } from '../inspect.ts';
import { dependents } from '../onnx/graph.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import { type Node, ValueInfo } from '../onnx/schema.ts';
import { Refusal } from '../refusal.ts';
import type { Note } from './options.ts';

/** @returns true where something was cut. @throws Refusal naming operators that cannot be run nor cut away */
export function trimEdges(model: LoadedModel, note: Note): boolean {
  const { graph } = model;
  const foreign = new Set(unsupportedOperators(model));
  const isEdge = (node: Node) => foreign.has(`${node.domain}::${node.op_type}`) || node.op_type === 'ZipMap';
  const front = trimFront(model, isEdge);
  const back = trimBack(model, isEdge);
  const stuck = [
    ...new Set(graph.node.filter((node) => isEdge(node)).map((n) => `${n.domain}::${n.op_type}`)),
  ];
  if (stuck.length > 0) {
    throw new Refusal(
      `onnxruntime has no operators ${stuck.join(', ')}. Export the model again without them (they often come from onnxruntime-extensions), or name the values between which the net itself lies: --input NAME --output NAME.`,
    );
  }
  for (const node of [...front, ...back]) note(`cut away: ${node.op_type}, which is not part of the net.`);
  dropNonTensors(model, note);
  return front.length + back.length > 0;
}

/** Edge nodes that hang on the graph's inputs alone; what they gave the net becomes its input. */
function trimFront({ graph }: LoadedModel, isEdge: (node: Node) => boolean): Node[] {
  const cut: Node[] = [];
  const weights = graph.initializer.map(({ name }) => name ?? '');
  const given = new Set([...weights, ...graph.input.map(({ name }) => name ?? '')]);
  for (const node of graph.node) {
    if (!isEdge(node) || node.input.some((name) => name !== '' && !given.has(name))) continue;
    cut.push(node);
    for (const name of node.output) given.add(name);
  }
  if (cut.length === 0) return cut;
  const made = new Set(cut.flatMap(({ output }) => output));
  graph.node = graph.node.filter((node) => !cut.includes(node));
  const wanted = new Set(graph.node.filter((node) => !isEdge(node)).flatMap(({ input }) => input));
  const kept = graph.input.filter(({ name }) => wanted.has(name ?? ''));
  const inputs = [...made].filter((name) => wanted.has(name));
  graph.input = [...kept, ...inputs.map((name) => ({ ...ValueInfo.empty(), name }))];
  return cut;
}

/** Edge nodes that only the graph's outputs hang on; what the net gave them becomes an output. */
function trimBack({ graph }: LoadedModel, isEdge: (node: Node) => boolean): Node[] {
  const cut = new Set<Node>();
  for (const node of graph.node.toReversed()) {
    const readers = graph.node.filter(({ input }) => input.some((name) => node.output.includes(name)));
    if (isEdge(node) && readers.every((reader) => cut.has(reader))) cut.add(node);
  }
  if (cut.size === 0) return [];
  const byNet = dependents(
    graph,
    graph.input.map(({ name }) => name ?? ''),
  );
  graph.node = graph.node.filter((node) => !cut.has(node));
  const made = new Set(graph.node.flatMap(({ output }) => output));
  const lost = new Set([...cut].flatMap(({ output }) => output));
  const stay = graph.output.filter(({ name }) => !lost.has(name ?? ''));
  const names = new Set(
    [...cut].flatMap(({ input }) => input).filter((name) => made.has(name) && byNet.has(name)),
  );
  for (const { name } of stay) names.delete(name ?? '');
  graph.output = [...stay, ...[...names].map((name) => ({ ...ValueInfo.empty(), name }))];
  return [...cut];
}

function dropNonTensors({ graph }: LoadedModel, note: Note): void {
  for (const { name, type } of graph.output) {
    const isList = type?.sequence_type !== undefined || type?.map_type !== undefined;
    if (!isList) continue;
    note(`left out: output ${name}, which is a sequence or map and no tensor.`);
    graph.output = graph.output.filter((output) => output.name !== name);
  }
  if (graph.output.length === 0) throw new Refusal('No output of the model is a tensor.');
}
