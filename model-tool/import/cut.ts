/**
 * Takes the net out of a model that carries its own decoding, resizing and encoding, between values that a person
 * names. Everything that the named outputs do not need falls away, and with it whatever stood around the net.
 */
import { bodiesOf, nodesOf } from '../onnx/graph.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import { type Node, ValueInfo } from '../onnx/schema.ts';
import { Refusal } from '../refusal.ts';
import type { ImportOptions, Note } from './options.ts';

/** @returns true where a named value lies inside the graph, so that something was cut. @throws Refusal */
export function cutBetween(model: LoadedModel, { input, output }: ImportOptions, note: Note): boolean {
  const { graph } = model;
  const made = new Set(graph.node.flatMap((node) => node.output));
  const isInner = (name: string, listed: readonly ValueInfo[]) =>
    made.has(name) && listed.every((value) => value.name !== name);
  const cutsInput = input !== undefined && isInner(input, graph.input);
  const cutsOutput = output?.some((name) => isInner(name, graph.output)) ?? false;
  if (!cutsInput && !cutsOutput) return false;
  const outputs = output ?? graph.output.map(({ name }) => name ?? '');
  graph.node = needed(graph.node, outputs, cutsInput ? input : undefined);
  const known = (name: string, list: readonly ValueInfo[]) =>
    list.find((value) => value.name === name) ?? { ...ValueInfo.empty(), name };
  graph.output = outputs.map((name) => known(name, [...graph.output, ...graph.value_info]));
  const wanted = new Set([...nodesOf(graph)].flatMap((node) => node.input));
  const others = graph.input.filter(({ name }) => wanted.has(name ?? ''));
  if (cutsInput && others.length > 0) {
    const names = others.map(({ name }) => name).join(', ');
    throw new Refusal(`Between ${input} and ${outputs.join(', ')} the net still needs ${names}.`, {
      flag: '--input',
    });
  }
  if (cutsInput) graph.input = [known(input, graph.value_info)];
  note(
    `cut out: the net between ${graph.input.map(({ name }) => name).join(', ')} and ${outputs.join(', ')}.`,
  );
  return true;
}

/** The nodes that the outputs hang on, looking back no further than `from`. */
function needed(nodes: readonly Node[], outputs: readonly string[], from: string | undefined): Node[] {
  const wanted = new Set(outputs);
  if (from !== undefined) wanted.delete(from);
  const kept = nodes.toReversed().filter((node) => {
    if (!node.output.some((name) => name !== from && wanted.has(name))) return false;
    const inner = bodiesOf(node).flatMap((body) => [...nodesOf(body)].flatMap(({ input }) => input));
    for (const name of [...node.input, ...inner]) if (name !== from) wanted.add(name);
    return true;
  });
  return kept.toReversed();
}
