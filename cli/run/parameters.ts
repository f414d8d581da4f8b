/** Parameters from the command line, checked against the schema that the API gives of the model. */
import { z } from 'zod';
import type { Model } from '../../client/outboard.ts';
import { UsageError } from '../exit-code.ts';

/** What the schema of one parameter can say. */
interface ParameterSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
}

export const parameterSchemas = ({ parameters }: Model): Readonly<Record<string, ParameterSchema>> =>
  (parameters.properties ?? {}) as Record<string, ParameterSchema>;

/**
 * @param pairs `name=value` as typed
 * @returns sorted by name, so that the same parameters always make the same request.
 * @throws UsageError naming the parameter, what it takes, and those there are.
 */
export function readParameters(pairs: readonly string[], model: Model): Record<string, unknown> {
  const schemas = parameterSchemas(model);
  const read = pairs.map((pair) => {
    const [, name = '', text = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (name === '') throw new UsageError(`Give a parameter as name=value; ${pair} is not.`);
    const schema = schemas[name];
    if (schema === undefined) {
      throw new UsageError(
        `${model.name} has no parameter ${name}; it has ${Object.keys(schemas).join(', ')}.`,
      );
    }
    const value = convert(text, schema);
    const accepted = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value);
    if (!accepted.success) throw new UsageError(`${name} takes ${describe(schema)}, not ${text}.`);
    return [name, value] as const;
  });
  return Object.fromEntries(read.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function convert(text: string, { type }: ParameterSchema): unknown {
  if ((type === 'number' || type === 'integer') && text.trim() !== '') return Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

/** What a parameter takes, for a person. */
export function describe({ type, enum: choices, const: only, minimum, maximum }: ParameterSchema): string {
  if (only !== undefined) return String(only);
  if (choices !== undefined) return choices.join(', ').replace(/, ([^,]+)$/, ' or $1');
  if (type === 'boolean') return 'true or false';
  const kind = { integer: 'a whole number', number: 'a number' }[type ?? ''] ?? 'text';
  return minimum === undefined || maximum === undefined ? kind : `${kind} from ${minimum} to ${maximum}`;
}
