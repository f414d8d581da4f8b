/** A model as a client sees it: names that reach it, versions, and the JSON Schema of its parameters. */
import * as z from 'zod';
import { OutboardError } from '../../shared/errors.ts';
import {
  type ModelCatalog,
  type ModelManifest,
  resolveModel,
  versionOf,
  versionsOf,
} from '../../shared/model.ts';
import { keepDefault, parametersFor } from '../../shared/parameters.ts';

export function modelViews(catalog: ModelCatalog) {
  const names = [...new Set(catalog.models.map((model) => model.name))].sort();
  return names.map((name) => modelView(catalog, name));
}

/** @param asked a name, an alias or name@version. @throws unknown_model */
export function modelView(catalog: ModelCatalog, asked: string) {
  const served = resolveModel(catalog, decoded(asked));
  if (served === undefined)
    throw new OutboardError('unknown_model', { detail: `Asked for ${JSON.stringify(asked)}.` });
  return {
    name: served.name,
    task: served.task,
    description: served.description,
    licence: served.licence,
    aliases: aliasesOf(catalog, served),
    version: served.version,
    versions: versionsOf(catalog, served.name).map((model) => model.version),
    parameters: z.toJSONSchema(parametersFor(served), { io: 'input', override: keepDefault }),
    ...(served.task === 'super-resolution' ? {} : { labels: served.labels }),
    metrics: served.metrics,
  };
}

/** As it came, where it is not encoded text: then there is no model of that name either. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function aliasesOf(catalog: ModelCatalog, model: ModelManifest): string[] {
  return Object.keys(catalog.aliases)
    .filter((alias) => {
      const target = resolveModel(catalog, alias);
      return target !== undefined && versionOf(target) === versionOf(model);
    })
    .sort();
}
