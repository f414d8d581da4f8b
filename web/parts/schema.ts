/** What a form needs to know of a parameter, read off the JSON Schema that GET /v1/models gives. */
import { titleCase } from '../format.ts';

export type Control =
  | { readonly kind: 'choice'; readonly options: readonly (string | number)[] }
  | { readonly kind: 'range'; readonly minimum: number; readonly maximum: number; readonly step: number }
  | {
      readonly kind: 'number';
      readonly minimum: number | undefined;
      readonly maximum: number | undefined;
      readonly step: number;
    }
  | { readonly kind: 'switch' }
  | { readonly kind: 'text' };

export interface Parameter {
  readonly name: string;
  readonly label: string;
  readonly help: string | undefined;
  readonly fallback: unknown;
  readonly control: Control;
}

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** A slider with more steps than this is no help. */
const MOST_STEPS = 200;

export function parametersOf(schema: Readonly<Record<string, unknown>>): Parameter[] {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
  return Object.entries(properties).map(([name, property]) => ({
    name,
    label: titleCase(name),
    help: property.description,
    fallback: property.default,
    control: controlOf(property),
  }));
}

function controlOf(schema: Schema): Control {
  const options = optionsOf(schema);
  if (options !== undefined) return { kind: 'choice', options };
  if (schema.type === 'boolean') return { kind: 'switch' };
  if (schema.type !== 'number' && schema.type !== 'integer') return { kind: 'text' };
  const { minimum, maximum } = schema;
  const step = schema.type === 'integer' ? 1 : 0.01;
  if (minimum !== undefined && maximum !== undefined && (maximum - minimum) / step <= MOST_STEPS) {
    return { kind: 'range', minimum, maximum, step };
  }
  return { kind: 'number', minimum, maximum, step };
}

function optionsOf(schema: Schema): readonly (string | number)[] | undefined {
  const listed =
    schema.enum ??
    (schema.const === undefined ? undefined : [schema.const]) ??
    schema.anyOf?.map((one) => one.const);
  return listed?.every((option) => typeof option === 'string' || typeof option === 'number')
    ? (listed as (string | number)[])
    : undefined;
}

/**
 * Whether a parameter changes anything, given the others: PNG has no quality, and a picture that is not made has no
 * format. Those that do not are still sent as they stand, and mean nothing.
 */
export function matters(name: string, values: Readonly<Record<string, unknown>>): boolean {
  if (values.annotated === false && (name === 'output_format' || name === 'quality')) return false;
  return name !== 'quality' || values.output_format !== 'png';
}
