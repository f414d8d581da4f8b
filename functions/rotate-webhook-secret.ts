/** POST /v1/webhook-secret/rotate: a new secret; messages are signed with it and with the one before. */
import { connectSecrets } from '../shared/aws/connect.ts';
import type { SecretStore } from '../shared/aws/secret-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { secretView, webhookSecret } from './webhooks/secret.ts';

export function rotateWebhookSecret(secrets: Pick<SecretStore, 'rotate'>) {
  return async ({ tenant }: Request): Promise<Reply> => ({
    status: 200,
    body: secretView(await secrets.rotate(webhookSecret(tenant))),
  });
}

const settings = readFunctionsEnvironment(process.env);
export const handler = httpFunction(
  rotateWebhookSecret(connectSecrets(settings)),
  createLogger('rotate-webhook-secret'),
);
