/** The secrets that sign a tenant's webhooks: the newest, and the one before it, which stays good until the next rotation. */

/** The name under which the stage keeps them. */
export const webhookSecret = (tenant: string): string => `webhook#${tenant}`;

/** @param secrets base64, newest first @returns as Standard Webhooks writes them down */
export function secretView([current = '', previous]: readonly string[]) {
  return { current: written(current), ...(previous === undefined ? {} : { previous: written(previous) }) };
}

const written = (secret: string): string => `whsec_${secret}`;
