/**
 * Where onnxruntime ran the nodes of a graph, read from the profile of one run. onnxruntime puts arithmetic on shapes
 * beside the CPU on purpose, also where everything heavy runs on CUDA: it reads and makes a few integers that the CPU
 * needs anyway. This tells that apart from a net that runs on the CPU because CUDA has no kernel for it.
 */

/** A node as the profile has it. */
export interface PlacedNode {
  readonly name: string;
  readonly operator: string;
  /** Such as `CUDAExecutionProvider`. */
  readonly provider: string;
  /** Numbers that it took and made, in all of its inputs and outputs. */
  readonly elements: number;
}

const CPU = 'CPUExecutionProvider';

/** What shapes, indices and thresholds are worked out with; none of them multiplies matrices or looks at a picture. */
const SHAPE_OPERATORS = new Set([
  ...['Constant', 'ConstantOfShape', 'Range', 'Identity', 'Cast'],
  ...[
    'Gather',
    'GatherElements',
    'GatherND',
    'Slice',
    'Concat',
    'Split',
    'Squeeze',
    'Unsqueeze',
    'Reshape',
    'Flatten',
    'Expand',
    'Tile',
    'Transpose',
  ],
  ...['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Neg', 'Abs', 'Floor', 'Ceil', 'Min', 'Max', 'Clip', 'Sqrt'],
  ...['ReduceProd', 'ReduceSum', 'ReduceMin', 'ReduceMax'],
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Not', 'And', 'Or', 'Where', 'NonZero'],
]);

/** A shape has eight numbers; a list of what was found a few hundred. A picture of 32×32 has three thousand. */
const MOST_ELEMENTS = 2048;

interface ProfileEvent {
  readonly cat?: unknown;
  readonly name?: unknown;
  readonly args?: Readonly<
    Record<'op_name' | 'provider' | 'input_type_shape' | 'output_type_shape', unknown>
  >;
}

/** The nodes that ran. @param profile text of the file that onnxruntime writes · @throws Error where it holds no node */
export function placedNodes(profile: string): PlacedNode[] {
  const nodes = (JSON.parse(profile) as ProfileEvent[]).flatMap(({ cat, name, args }) =>
    cat === 'Node' && typeof args?.provider === 'string'
      ? [
          {
            name: String(name).replace(/_kernel_time$/, ''),
            operator: String(args.op_name),
            provider: args.provider,
            elements: elementsOf(args.input_type_shape) + elementsOf(args.output_type_shape),
          },
        ]
      : [],
  );
  if (nodes.length === 0) throw new Error('The profile of the run says of no node where it ran.');
  return nodes;
}

/** `[{"float": [1, 3, 8, 8]}, …]`; what cannot be read counts as too much. */
function elementsOf(tensors: unknown): number {
  if (!Array.isArray(tensors)) return Number.POSITIVE_INFINITY;
  return tensors
    .flatMap((tensor: unknown) => Object.values(tensor as Record<string, number[]>))
    .reduce((sum, dims) => sum + dims.reduce((product, size) => product * size, 1), 0);
}

/** These look at the size of a tensor, however large it is, and at none of its numbers. */
const READS_NOTHING = new Set(['Shape', 'Size']);

/** Nodes of the net itself that ran on the CPU: everything there but small shape arithmetic. */
export const strayNodes = (nodes: readonly PlacedNode[]): PlacedNode[] =>
  nodes.filter(
    ({ operator, provider, elements }) =>
      provider === CPU &&
      !READS_NOTHING.has(operator) &&
      (!SHAPE_OPERATORS.has(operator) || elements > MOST_ELEMENTS),
  );

/** `CUDAExecutionProvider 210, CPUExecutionProvider 12 (Shape 4, Gather 8)`, for a log. */
export function placementText(nodes: readonly PlacedNode[]): string {
  const byProvider = Map.groupBy(nodes, ({ provider }) => provider);
  return [...byProvider]
    .map(
      ([provider, those]) => `${provider} ${those.length}${provider === CPU ? ` (${counted(those)})` : ''}`,
    )
    .join(', ');
}

const SHOWN = 12;

/** `Conv 3 (stem, head/1, …)` by operator. */
export function strayText(nodes: readonly PlacedNode[]): string {
  const names = nodes.slice(0, SHOWN).map(({ operator, name }) => `${operator} ${name}`);
  return `${names.join(', ')}${nodes.length > SHOWN ? ` and ${nodes.length - SHOWN} more` : ''}`;
}

const counted = (nodes: readonly PlacedNode[]): string =>
  [...Map.groupBy(nodes, ({ operator }) => operator)]
    .map(([operator, those]) => `${operator} ${those.length}`)
    .join(', ');
