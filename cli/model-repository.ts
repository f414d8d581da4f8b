/**
 * `outboard model publish | promote | rollback | alias | list | remove`: the model repository of a stage, or of the local
 * stack where neither bucket nor endpoint is given.
 */
import { S3Client } from '@aws-sdk/client-s3';
import { Command, Option } from 'commander';
import { credentials, HOST, names, portsFrom } from '../local/settings.ts';
import { CatalogStore } from '../shared/aws/catalog-store.ts';
import { ModelRepository } from '../shared/aws/model-repository.ts';
import { ObjectStore } from '../shared/aws/object-store.ts';
import { type ModelCatalog, resolveModel, versionOf } from '../shared/model.ts';
import { tableText } from './table.ts';

interface Where {
  readonly bucket?: string;
  readonly endpoint?: string;
  readonly port: string;
}

const DEFAULT_PORT = 3000;

/** The stage's bucket with the caller's own AWS credentials, or the local stack's with its well-known ones. */
function connect({ bucket, endpoint, port }: Where): { catalog: CatalogStore; repository: ModelRepository } {
  const isLocal = bucket === undefined && endpoint === undefined;
  const client = isLocal
    ? new S3Client({
        endpoint: `http://${HOST}:${portsFrom(Number(port)).s3}`,
        region: 'us-east-1',
        credentials,
        forcePathStyle: true,
      })
    : new S3Client(endpoint === undefined ? {} : { endpoint, forcePathStyle: true });
  const objects = new ObjectStore(client, bucket ?? names.models);
  const catalog = new CatalogStore(objects, () => 0);
  return { catalog, repository: new ModelRepository(objects, catalog) };
}

function repositoryCommand(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .addOption(new Option('--bucket <name>', 'models bucket of a stage').env('OUTBOARD_MODELS_BUCKET'))
    .addOption(new Option('--endpoint <url>', 'S3 endpoint, where it is not AWS').env('AWS_ENDPOINT_URL_S3'))
    .addOption(
      new Option('--port <number>', 'port of the local stack').env('PORT').default(String(DEFAULT_PORT)),
    );
}

/** `name@version` taken apart. */
function readVersion(text: string): { name: string; version: string } {
  const [name, version, ...rest] = text.split('@');
  if (!name || !version || rest.length > 0)
    throw new Error(`Give the model as name@version; ${text} is not.`);
  return { name, version };
}

function table(catalog: ModelCatalog): string {
  const lines = catalog.models.map((model) => {
    const serves = Object.keys({ ...catalog.aliases, [model.name]: '' }).filter((name) => {
      const target = resolveModel(catalog, name);
      return target !== undefined && versionOf(target) === versionOf(model);
    });
    return [versionOf(model), model.task, serves.sort().join(', ') || '-', model.description];
  });
  return tableText(['MODEL', 'TASK', 'ANSWERS TO', ''], lines.sort());
}

export function repositoryCommands(): Command[] {
  return [
    repositoryCommand(
      'publish',
      'upload a package and make it known; serves under name@version until promoted',
    )
      .argument('<folder>', 'models/<name>/<version>')
      .action(async (folder: string, where: Where) => {
        const manifest = await connect(where).repository.publish(folder);
        console.log(`published ${versionOf(manifest)}`);
      }),
    repositoryCommand('promote', 'let a version answer to the bare name from now on')
      .argument('<name@version>')
      .action(async (text: string, where: Where) => {
        const { name, version } = readVersion(text);
        await connect(where).repository.promote(name, version);
        console.log(`${name} is now ${text}`);
      }),
    repositoryCommand('rollback', 'let the version before the present one answer again')
      .argument('<name>')
      .action(async (name: string, where: Where) => {
        const catalog = await connect(where).repository.rollback(name);
        const now = resolveModel(catalog, name);
        console.log(`${name} is now ${now === undefined ? 'nothing' : versionOf(now)}`);
      }),
    repositoryCommand('alias', 'let another name, as super-resolution, mean a model or one version of it')
      .argument('<alias>')
      .argument('<model>', 'a model, or name@version')
      .action(async (alias: string, target: string, where: Where) => {
        await connect(where).repository.alias(alias, target);
        console.log(`${alias} now means ${target}`);
      }),
    repositoryCommand('remove', 'erase a version that does not serve')
      .argument('<name@version>')
      .action(async (text: string, where: Where) => {
        const { name, version } = readVersion(text);
        await connect(where).repository.remove(name, version);
        console.log(`removed ${text}`);
      }),
    repositoryCommand('list', 'what is published, and which names it answers to')
      .option('--json', 'the whole catalog as JSON')
      .action(async ({ json, ...where }: Where & { json?: boolean }) => {
        const catalog = await connect(where).catalog.read();
        console.log(json === true ? JSON.stringify(catalog, null, 2) : table(catalog));
      }),
  ];
}
