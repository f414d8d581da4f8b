/**
 * client/api-types.ts from the OpenAPI document, so that the client is typed from the schemas that check requests and
 * ships none of them. `node scripts/client-types.ts` writes it; a test fails while it differs. The usual generator
 * needs the compiler's JavaScript API, which TypeScript 7 does not have.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { openApiDocument } from '../functions/http/openapi-document.ts';

/** As in biome.json. */
const LINE_WIDTH = 110;

const FILE = path.resolve(import.meta.dirname, '../client/api-types.ts');

/** The part of JSON Schema that the document uses; anything else is an error and not silently `unknown`. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
}

/** The text of client/api-types.ts. */
export function clientTypes(): string {
  const { schemas = {} } = openApiDocument('').components ?? {};
  const declarations = Object.entries(schemas).map(([name, schema]) => declaration(name, schema as Schema));
  const head =
    '/** What the API takes and answers. Written by scripts/client-types.ts from the OpenAPI document: do not edit. */';
  return `${head}\n\n${declarations.join('\n\n')}\n`;
}

function declaration(name: string, schema: Schema): string {
  const body = typeOf(schema, '');
  const text = body.startsWith('{')
    ? `export interface ${name} ${body}`
    : property(`export type ${name} =`, body, '');
  return `${comment(schema, '')}${text}`;
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.map((choice) => choiceOf(choice, choices, indent)).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return `readonly ${elementOf(schema.items ?? {}, indent)}[]`;
    case 'object':
      return objectOf(schema, indent);
    case undefined:
      return 'unknown';
    default:
      throw new Error(`No TypeScript for ${JSON.stringify(schema)}.`);
  }
}

/** Known texts or any other: the second as a type that does not swallow the first. */
function choiceOf(choice: Schema, choices: readonly Schema[], indent: string): string {
  const text = typeOf(choice, indent);
  return text === 'string' && choices.some((other) => other.enum !== undefined) ? '(string & {})' : text;
}

function elementOf(schema: Schema, indent: string): string {
  const text = typeOf(schema, indent);
  return /^[\w]+$/.test(text) || text.startsWith('{') ? text : `(${text})`;
}

function objectOf({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  if (properties === undefined) {
    const values =
      typeof additionalProperties === 'object' ? typeOf(additionalProperties, indent) : 'unknown';
    return `Readonly<Record<string, ${values}>>`;
  }
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? '' : '?';
    return `${comment(schema, inner)}${inner}${property(`readonly ${name}${optional}:`, typeOf(schema, inner), inner)}`;
  });
  return `{\n${lines.join('\n')}\n${indent}}`;
}

/** A union that does not fit on its line gets a line for each member, as the formatter has it. */
function property(name: string, type: string, indent: string): string {
  const line = `${name} ${type};`;
  if (line.includes('\n') || indent.length + line.length <= LINE_WIDTH) return line;
  return `${name}\n${type
    .split(' | ')
    .map((member) => `${indent}  | ${member}`)
    .join('\n')};`;
}

function comment({ description, default: fallback }: Schema, indent: string): string {
  const sentences = [
    description,
    fallback === undefined ? undefined : `Default: ${JSON.stringify(fallback)}.`,
  ];
  const text = sentences.filter((sentence) => sentence !== undefined).join(' ');
  return text === '' ? '' : `${indent}/** ${text.replaceAll('*/', '* /')} */\n`;
}

/** As the formatter writes it. */
const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : JSON.stringify(value);

if (import.meta.main) writeFileSync(FILE, clientTypes());
