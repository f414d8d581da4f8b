/**
 * Lifts a model written in operators of version 7 to 12 to version 13. A graph has one version for all its nodes, so
 * the nodes that fold pre- and post-processing in could otherwise have to be written in seven dialects, and some
 * (non-maximum suppression, rounding) do not exist in the old ones. ONNX functions with an import of their own are no
 * way out: their version must agree with the model's. The tables in
 * operator-rewrites.ts list every operator whose form changed between 7 and 13; anything of 13 and later is left as it is.
 */
import { Refusal } from '../refusal.ts';
import { bodiesOf, isStandard, opsetOf } from './graph.ts';
import { type LoadedModel, tensorsOf } from './model-file.ts';
import { expansions, type Rewrite, rewrites } from './operator-rewrites.ts';
import { type Graph, OperatorSetId } from './schema.ts';
import { dataTypes, elementCount, tensorProto } from './tensor.ts';

const OLDEST = 7;
const TARGET = 13;
const IR_VERSION = 8;

/** @throws Refusal where the model is older than version 7 */
export function refuseTooOld(model: LoadedModel): void {
  const opset = opsetOf(model);
  if (opset >= OLDEST) return;
  throw new Refusal(
    `The model is written in ONNX operator set ${opset}; onnxruntime and this tool start at ${OLDEST}. Export it again with a newer one (torch.onnx.export(…, opset_version=17)).`,
  );
}

export function upgradeOpset(model: LoadedModel): void {
  const opset = opsetOf(model);
  model.ir_version = Math.max(model.ir_version ?? 0, IR_VERSION);
  if (opset >= TARGET) return;
  let count = 0;
  const name = () => `outboard/upgrade/${count++}`;
  const float = floatTypeOf(model.graph);
  const constant: Rewrite['constant'] = (type, dims, values) => {
    const constantName = name();
    const tensor = tensorProto(constantName, type === 'float' ? float : type, dims, values);
    model.graph.initializer.push(tensor);
    return constantName;
  };
  upgradeNodes(model.graph, { opset, constant, name });
  model.opset_import = [
    ...model.opset_import.filter(({ domain }) => !isStandard(domain)),
    { ...OperatorSetId.empty(), domain: '', version: BigInt(TARGET) },
  ];
}

/** Old forms hold limits and fill values as float32 attributes; as inputs they must be of the type of the data. */
function floatTypeOf(graph: Graph): 'float32' | 'float16' {
  const numbers = { [dataTypes.float32]: 0, [dataTypes.float16]: 0 };
  for (const { data_type, dims } of tensorsOf(graph)) {
    if (data_type === dataTypes.float32 || data_type === dataTypes.float16)
      numbers[data_type] += elementCount(dims);
  }
  return numbers[dataTypes.float16] > numbers[dataTypes.float32] ? 'float16' : 'float32';
}

function upgradeNodes(graph: Graph, rewrite: Rewrite): void {
  graph.node = graph.node.flatMap((node) => {
    for (const body of bodiesOf(node)) upgradeNodes(body, rewrite);
    if (!isStandard(node.domain)) return [node];
    const expand = expansions[node.op_type ?? ''];
    if (expand !== undefined) return expand(node, rewrite);
    rewrites[node.op_type ?? '']?.(node, rewrite);
    return [node];
  });
}
