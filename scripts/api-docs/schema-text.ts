/** JSON Schema as Markdown: a table of fields, and types in a few words. */
import type { Schema } from '../client-types.ts';

/** A schema of the document by name: text with a link to its section. */
const reference = (name: string): string => `[${name}](#${name.toLowerCase()})`;

/** @returns lines of a table; what a field must be, and what it is for */
export function fieldsTable({ properties = {}, required = [] }: Schema): string[] {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const meaning = [
      schema.description,
      required.includes(name)
        ? undefined
        : schema.default === undefined
          ? undefined
          : `Default: ${code(schema.default)}.`,
    ];
    const mark = required.includes(name) ? ' *' : '';
    return row(
      `\`${name}\`${mark}`,
      typeText(schema),
      meaning.filter((text) => text !== undefined).join(' '),
    );
  });
  return [row('field', 'type', 'meaning'), row('---', '---', '---'), ...rows];
}

/** A type in a few words, with links to the schemas that it names. */
export function typeText(schema: Schema): string {
  if (schema.$ref !== undefined) return reference(schema.$ref.split('/').at(-1) ?? '');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.map(typeText).join(' or ');
  if (schema.type === 'array') return `array of ${typeText(schema.items ?? {})}`;
  if (schema.type === 'object' && schema.properties !== undefined) {
    return `{ ${Object.entries(schema.properties)
      .map(([name, field]) => `${name}: ${typeText(field)}`)
      .join(', ')} }`;
  }
  const kind = schema.format === 'date-time' ? 'time (ISO 8601)' : (schema.type ?? 'any');
  const { minimum, maximum } = schema;
  if (minimum === undefined && maximum === undefined) return kind;
  return `${kind}, ${minimum ?? ''} to ${maximum ?? ''}`.replace(/ to $/, ' or more');
}

export const row = (...cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
