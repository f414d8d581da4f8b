/**
 * The tables of the docs that come from code: error codes and environment variables in README.md, a stage's parameters
 * in docs/deploy.md. `node scripts/readme-tables.ts` writes them; a test fails while they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parameters } from '../infra/parameters.ts';
import { settingsTable } from '../shared/environment.ts';
import { errorKinds } from '../shared/errors.ts';

const README = path.resolve(import.meta.dirname, '../README.md');
const DEPLOY = path.resolve(import.meta.dirname, '../docs/deploy.md');

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const table = (header: readonly string[], rows: readonly string[]): string[] => [
  row(...header),
  row(...header.map(() => '---')),
  ...rows,
];

const errorTable = (): string[] =>
  table(
    ['code', 'status', 'retried', 'meaning'],
    Object.entries(errorKinds).map(([code, { httpStatus, retryable, publicMessage }]) =>
      row(`\`${code}\``, String(httpStatus), retryable ? 'yes' : 'no', publicMessage),
    ),
  );

const environmentTable = (): string[] =>
  table(
    ['variable', 'read by', 'default', 'meaning'],
    settingsTable().map(({ name, halves, fallback, meaning }) =>
      row(`\`${name}\``, halves.join(', '), fallback ?? 'must be set', meaning),
    ),
  );

const parameterTable = (): string[] =>
  table(
    ['parameter', 'default', '`pr-…`', 'meaning'],
    parameters.map(({ name, value, preview, meaning }) =>
      row(
        `\`${name}\``,
        value === '' ? 'empty' : String(value),
        preview === undefined ? '' : String(preview),
        meaning,
      ),
    ),
  );

/** docs/deploy.md as it should be. */
export const deployWithTables = (deploy: string): string => fill(deploy, 'parameters', parameterTable());

/** README.md as it should be. */
export function readmeWithTables(readme: string): string {
  return fill(fill(readme, 'errors', errorTable()), 'environment', environmentTable());
}

/** Replaces the lines between two marks. */
function fill(text: string, mark: string, lines: readonly string[]): string {
  const pattern = new RegExp(`(<!-- ${mark} -->\\n)[^]*?(<!-- /${mark} -->)`);
  if (!pattern.test(text)) throw new Error(`There is no place marked ${mark}.`);
  return text.replace(pattern, (_all, open: string, close: string) => `${open}${lines.join('\n')}\n${close}`);
}

if (import.meta.main) {
  writeFileSync(README, readmeWithTables(readFileSync(README, 'utf8')));
  writeFileSync(DEPLOY, deployWithTables(readFileSync(DEPLOY, 'utf8')));
}
