/**
 * docs/api.md from the OpenAPI document and the examples beside it. `node scripts/api-docs.ts` writes it; a test fails
 * while it differs.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { openApiDocument } from '../functions/http/openapi-document.ts';
import { examples, preparation } from './api-docs/examples.ts';
import { fieldsTable, row, typeText } from './api-docs/schema-text.ts';
import type { Schema } from './client-types.ts';

const FILE = path.resolve(import.meta.dirname, '../docs/api.md');

/** The part of an operation that is shown. */
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { in: string; name: string; schema: Schema }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content & { readonly description: string }>>;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

const HEAD = `# The API

<!-- Written by scripts/api-docs.ts from the OpenAPI document: do not edit. -->

Every route but health and the OpenAPI document wants the header \`x-api-key\`. Bodies are JSON. Refused requests answer
\`application/problem+json\` with a stable \`code\` ([the table](../README.md#errors)); 429 and 503 carry \`Retry-After\`. Fields
marked * are always there, or must be. An answer may get new fields at any time; an unknown field in a request is refused.

The examples run in this order in a clone of the repository, with \`npm start\` in another terminal, after`;

/** The text of docs/api.md. */
export function apiDocs(): string {
  const { paths = {}, components } = openApiDocument('');
  const routes = Object.entries(paths).flatMap(([route, methods]) =>
    Object.entries(methods as Record<string, Operation>).map(([method, operation]) =>
      section(`${method.toUpperCase()} ${route}`, operation),
    ),
  );
  const schemas = Object.entries(components?.schemas ?? {}).map(([name, schema]) =>
    schemaSection(name, schema as Schema),
  );
  return `${[HEAD, block(preparation), ...routes, '## Schemas', ...schemas].join('\n\n')}\n`;
}

function section(route: string, operation: Operation): string {
  const { operationId, summary, security, parameters = [], requestBody, responses } = operation;
  const example = examples[operationId];
  if (example === undefined) throw new Error(`${operationId} has no example.`);
  const parts = [`## \`${route}\``, `${summary}.${security?.length === 0 ? ' Wants no key.' : ''}`];
  if (parameters.length > 0) parts.push(parametersTable(parameters));
  const body = bodyOf(requestBody);
  if (body !== undefined) parts.push(`Body: ${typeText(body)}.`);
  const answers = Object.entries(responses).map(([status, answer]) => {
    const schema = bodyOf(answer);
    return row(`${status}`, schema === undefined ? '' : typeText(schema), answer.description);
  });
  parts.push([row('answer', 'body', ''), row('---', '---', '---'), ...answers].join('\n'), block(example));
  return parts.join('\n\n');
}

function parametersTable(parameters: NonNullable<Operation['parameters']>): string {
  const rows = parameters.map(({ in: place, name, schema }) => {
    const fallback = schema.default === undefined ? '' : ` Default: \`${schema.default}\`.`;
    return row(`\`${name}\``, place, typeText(schema), `${schema.description ?? ''}${fallback}`);
  });
  return [row('parameter', 'in', 'type', 'meaning'), row('---', '---', '---', '---'), ...rows].join('\n');
}

const bodyOf = (content: Content | undefined): Schema | undefined =>
  Object.values(content?.content ?? {})[0]?.schema;

function schemaSection(name: string, schema: Schema): string {
  const description = schema.description === undefined ? [] : [schema.description];
  const content = schema.properties === undefined ? `${typeText(schema)}.` : fieldsTable(schema).join('\n');
  return [`### ${name}`, ...description, content].join('\n\n');
}

const block = (text: string): string => `\`\`\`sh\n${text}\n\`\`\``;

if (import.meta.main) writeFileSync(FILE, apiDocs());
