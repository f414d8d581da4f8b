/**
 * `outboard model inspect FILE`: what a person wants to know of an ONNX file before it is imported. It only reads;
 * nothing is run, so it is safe on any file.
 */
import { isStandard, nodesOf, opsetOf } from './onnx/graph.ts';
import { type LoadedModel, readModel, tensorsOf } from './onnx/model-file.ts';
import { receptiveRadius } from './onnx/receptive-radius.ts';
import { dataTypeName, dataTypes, elementCount } from './onnx/tensor.ts';
import { inputsOf, type Layout, layoutOf, outputsOf, type Port, shapeText } from './signature.ts';

export interface Inspection {
  readonly producer: string;
  readonly ir_version: number;
  readonly opset: number;
  readonly opset_imports: Readonly<Record<string, number>>;
  readonly inputs: readonly (Port & { readonly layout?: Layout })[];
  readonly outputs: readonly Port[];
  /** Names of the dimensions of the inputs that vary. */
  readonly dynamic_dims: readonly string[];
  readonly parameters: number;
  readonly weight_types: readonly string[];
  /** In input pixels; absent where the net looks at the whole picture or its reach is not known. */
  readonly receptive_radius?: number;
  /** Operator → how often, most frequent first. Those of a domain of their own are written `domain::Operator`. */
  readonly operators: Readonly<Record<string, number>>;
  /** Operators that onnxruntime does not have. */
  readonly unsupported_operators: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Domains whose operators onnxruntime brings along. */
const NATIVE_DOMAINS = new Set(['ai.onnx.ml', 'com.microsoft']);

/** @throws Refusal where the file is no ONNX model */
export const inspectFile = async (path: string): Promise<Inspection> => inspectModel(await readModel(path));

export function inspectModel(model: LoadedModel): Inspection {
  const { graph } = model;
  const inputs = inputsOf(graph).map((port) => {
    const layout = layoutOf(port);
    return layout === undefined ? port : { ...port, layout };
  });
  const counts = new Map<string, number>();
  for (const node of nodesOf(graph)) {
    const operator = isStandard(node.domain) ? (node.op_type ?? '') : `${node.domain}::${node.op_type}`;
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
  }
  const radius = receptiveRadius(graph, inputs[0]?.name ?? '');
  return {
    producer: `${model.producer_name ?? 'unknown'} ${model.producer_version ?? ''}`.trim(),
    ir_version: model.ir_version ?? 0,
    opset: opsetOf(model),
    opset_imports: Object.fromEntries(
      model.opset_import.map(({ domain, version }) => [domain || 'ai.onnx', Number(version ?? 0)]),
    ),
    inputs,
    outputs: outputsOf(graph),
    dynamic_dims: [
      ...new Set(inputs.flatMap(({ dims }) => dims?.filter((size) => typeof size === 'string') ?? [])),
    ],
    parameters: parameterCount(model),
    weight_types: [
      ...new Set(
        [...tensorsOf(graph)].map(({ data_type }) => dataTypeName(data_type) ?? `type ${data_type}`),
      ),
    ],
    ...(radius === undefined ? {} : { receptive_radius: radius }),
    operators: Object.fromEntries([...counts].sort((a, b) => b[1] - a[1])),
    unsupported_operators: unsupportedOperators(model),
    metadata: Object.fromEntries(model.metadata_props.map(({ key, value }) => [key ?? '', value ?? ''])),
  };
}

/** Constants of int64 are shapes and indices, which nobody trained. */
function parameterCount({ graph }: LoadedModel): number {
  const trained = [...tensorsOf(graph)].filter(({ data_type }) => data_type !== dataTypes.int64);
  return trained.reduce((sum, { dims }) => sum + elementCount(dims), 0);
}

/** Operators of domains that neither onnxruntime nor the model itself defines, as `domain::Operator`. */
export function unsupportedOperators(model: LoadedModel): string[] {
  const own = new Set(model.functions.map(({ domain, name }) => `${domain}::${name}`));
  const foreign = [...nodesOf(model.graph)]
    .filter(({ domain }) => !isStandard(domain) && !NATIVE_DOMAINS.has(domain ?? ''))
    .map(({ domain, op_type }) => `${domain}::${op_type}`);
  return [...new Set(foreign)].filter((operator) => !own.has(operator)).sort();
}

const TEXT_LIMIT = 100;

/** The same for a person. */
export function inspectionText(inspection: Inspection): string {
  const port = (p: Port & { layout?: Layout }) =>
    `${p.name}  ${p.type ?? 'not a tensor'} ${shapeText(p)}${p.layout === undefined ? '' : `  ${p.layout}`}`;
  const rows: [string, string][] = [
    ...inspection.inputs.map((p): [string, string] => ['input', port(p)]),
    ...inspection.outputs.map((p): [string, string] => ['output', port(p)]),
    ['varying', inspection.dynamic_dims.join(', ') || 'nothing: every size is fixed'],
    ['parameters', `${inspection.parameters.toLocaleString('en')} (${inspection.weight_types.join(', ')})`],
    ['sees', seen(inspection.receptive_radius)],
    [
      'opset',
      Object.entries(inspection.opset_imports)
        .map(([domain, version]) => `${domain} ${version}`)
        .join(', '),
    ],
    ['made by', `${inspection.producer}, IR version ${inspection.ir_version}`],
    [
      'operators',
      Object.entries(inspection.operators)
        .map(([name, count]) => `${name} ${count}`)
        .join(', '),
    ],
    ...Object.entries(inspection.metadata).map(([key, value]): [string, string] => [
      'metadata',
      `${key} = ${value.length > TEXT_LIMIT ? `${value.slice(0, TEXT_LIMIT)}…` : value}`,
    ]),
  ];
  if (inspection.unsupported_operators.length > 0) {
    rows.push([
      'refused',
      `${inspection.unsupported_operators.join(', ')}: onnxruntime has no such operators`,
    ]);
  }
  return rows.map(([label, text]) => `${label.padEnd(11)}${text}`).join('\n');
}

const seen = (radius: number | undefined): string =>
  radius === undefined
    ? 'the whole picture, or not known: cannot be cut into exact tiles'
    : `${radius} pixels in each direction`;
