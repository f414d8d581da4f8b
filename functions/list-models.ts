/** GET /v1/models and GET /v1/models/{name}: what can be asked for, with its parameters and versions. */
import type { CatalogStore } from '../shared/aws/catalog-store.ts';
import { connectCatalog } from '../shared/aws/connect-catalog.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import type { ModelCatalog } from '../shared/model.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { modelView, modelViews } from './http/model-view.ts';

export function listModels(catalog: Pick<CatalogStore, 'consult'>) {
  return async (request: Request): Promise<Reply> => {
    const { name } = request.path;
    const view = (served: ModelCatalog) =>
      name === undefined ? { models: modelViews(served) } : modelView(served, name);
    return { status: 200, body: await catalog.consult(view) };
  };
}

const catalog = connectCatalog(readFunctionsEnvironment(process.env));
export const handler = httpFunction(listModels(catalog), createLogger('list-models'));
