/** GET /v1/webhook-secret: what a receiver checks signatures with; made when it is asked for, or needed, first. */
import { connectSecrets } from '../shared/aws/connect.ts';
import type { SecretStore } from '../shared/aws/secret-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { secretView, webhookSecret } from './webhooks/secret.ts';

export function getWebhookSecret(secrets: Pick<SecretStore, 'secrets'>) {
  return async ({ tenant }: Request): Promise<Reply> => ({
    status: 200,
    body: secretView(await secrets.secrets(webhookSecret(tenant))),
  });
}

const settings = readFunctionsEnvironment(process.env);
export const handler = httpFunction(
  getWebhookSecret(connectSecrets(settings, 0)),
  createLogger('get-webhook-secret'),
);
