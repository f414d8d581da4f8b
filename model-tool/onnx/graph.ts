/**
 * Questions about a graph, and the renaming of its values. Everything descends into the bodies of If, Loop and Scan:
 * a body sees the names around it, so a rename that stopped at its door would break the model.
 */
import type { Attribute, Graph, Model, Node, TensorProto } from './schema.ts';
import { numbersOf } from './tensor.ts';

export const bodiesOf = (node: Node): Graph[] =>
  node.attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));

/** All nodes, those of bodies after the node that holds them. */
export function* nodesOf(graph: Graph): Generator<Node> {
  for (const node of graph.node) {
    yield node;
    for (const body of bodiesOf(node)) yield* nodesOf(body);
  }
}

export const attributeOf = (node: Node, name: string): Attribute | undefined =>
  node.attribute.find((attribute) => attribute.name === name);

export const intsOf = (node: Node, name: string): number[] | undefined =>
  attributeOf(node, name)?.ints.map(Number);

export function intOf(node: Node, name: string): number | undefined {
  const value = attributeOf(node, name)?.i;
  return value === undefined ? undefined : Number(value);
}

export function stringOf(node: Node, name: string): string | undefined {
  const bytes = attributeOf(node, name)?.s;
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** The version of the standard operators (domain '' or 'ai.onnx') that the model is written in. */
export const opsetOf = (model: Model): number =>
  Number(model.opset_import.find(({ domain }) => isStandard(domain))?.version ?? 0n);

export const isStandard = (domain: string | undefined): boolean =>
  domain === undefined || domain === '' || domain === 'ai.onnx';

/** The tensor that `name` stands for, if it is constant: an initializer or the output of a Constant node. */
export function constantOf(graph: Graph, name: string | undefined): TensorProto | undefined {
  if (name === undefined) return undefined;
  const stored = graph.initializer.find((tensor) => tensor.name === name);
  if (stored !== undefined) return stored;
  const node = graph.node.find(({ op_type, output }) => op_type === 'Constant' && output[0] === name);
  return node === undefined ? undefined : attributeOf(node, 'value')?.t;
}

export function constantNumbers(graph: Graph, name: string | undefined): number[] | undefined {
  const tensor = constantOf(graph, name);
  return tensor === undefined ? undefined : numbersOf(tensor);
}

/** Names of all values that change with the input. */
export function dependents(graph: Graph, inputs: Iterable<string>): Set<string> {
  const reached = new Set(inputs);
  for (const node of graph.node) {
    const reads = [
      ...node.input,
      ...bodiesOf(node).flatMap((body) => [...nodesOf(body)].flatMap((n) => n.input)),
    ];
    if (reads.some((name) => reached.has(name))) for (const name of node.output) reached.add(name);
  }
  return reached;
}

/** Gives values new names everywhere in the graph. */
export function renameValues(graph: Graph, newName: (name: string) => string): void {
  const rename = (names: string[]) => names.map((name) => (name === '' ? name : newName(name)));
  for (const value of [...graph.input, ...graph.output, ...graph.value_info, ...graph.initializer]) {
    if (value.name !== undefined) value.name = newName(value.name);
  }
  for (const node of graph.node) {
    node.input = rename(node.input);
    node.output = rename(node.output);
    for (const body of bodiesOf(node)) renameValues(body, newName);
  }
}

/** Old models list their weights among the inputs, where a caller could replace them; this takes them off the list. */
export function closeWeights(graph: Graph): void {
  const weights = new Set(graph.initializer.map(({ name }) => name));
  graph.input = graph.input.filter(({ name }) => !weights.has(name));
}
