/** `outboard models`: what the stage serves, and the parameters of one model. */
import { Command } from 'commander';
import type { Model } from '../client/outboard.ts';
import { type ConnectionFlags, connect, withConnection } from './connection.ts';
import { describe, parameterSchemas } from './run/parameters.ts';
import { tableText } from './table.ts';

export function modelsCommand(): Command {
  const command = new Command('models')
    .description('models that can be asked for; with a name, the parameters of one')
    .argument('[name]')
    .option('--json', 'as the API gives them');
  return withConnection(command).action(
    async (name: string | undefined, flags: ConnectionFlags & { readonly json?: true }) => {
      const { models } = connect(flags);
      const found = name === undefined ? await models.list() : await models.get(name);
      if (flags.json) console.log(JSON.stringify(found, null, 2));
      else console.log('name' in found ? parametersTable(found) : modelsTable(found));
    },
  );
}

const modelsTable = (models: readonly Model[]): string =>
  tableText(
    ['MODEL', 'TASK', 'VERSION', 'ALSO CALLED', ''],
    models.map(({ name, task, version, aliases, description }) => [
      name,
      task,
      version,
      aliases.join(', ') || '-',
      description,
    ]),
  );

function parametersTable(model: Model): string {
  const rows = Object.entries(parameterSchemas(model)).map(([name, schema]) => [
    name,
    describe(schema),
    String(schema.default ?? ''),
    schema.description ?? '',
  ]);
  return `${model.name}@${model.version}: ${model.description}\n\n${tableText(['PARAMETER', 'TAKES', 'DEFAULT', ''], rows)}`;
}
