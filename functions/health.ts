/** GET /v1/health: whether the API reaches what it needs. Needs no key; says nothing about tenants. */
import type { CatalogStore } from '../shared/aws/catalog-store.ts';
import { connectQueue } from '../shared/aws/connect.ts';
import { connectCatalog } from '../shared/aws/connect-catalog.ts';
import type { JobQueue } from '../shared/aws/job-queue.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply } from './http/edge.ts';

interface Services {
  readonly queue: Pick<JobQueue, 'depth'>;
  readonly catalog: Pick<CatalogStore, 'read'>;
  readonly stage: string;
}

export function health({ queue, catalog, stage }: Services) {
  return async (): Promise<Reply> => {
    const [depth, models] = await Promise.allSettled([queue.depth(), catalog.read()]);
    const healthy = depth.status === 'fulfilled' && models.status === 'fulfilled';
    return {
      status: healthy ? 200 : 503,
      body: {
        status: healthy ? 'ok' : 'degraded',
        stage,
        queue: depth.status === 'fulfilled' ? { waiting: depth.value } : { error: 'unreachable' },
        models: models.status === 'fulfilled' ? models.value.models.length : { error: 'unreachable' },
      },
    };
  };
}

const settings = readFunctionsEnvironment(process.env);
export const handler = httpFunction(
  health({
    queue: connectQueue(settings),
    catalog: connectCatalog(settings),
    stage: settings.OUTBOARD_STAGE,
  }),
  createLogger('health'),
);
