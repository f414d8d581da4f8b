/**
 * Which URLs a webhook may have, as far as their text tells. Where a name leads is judged with every attempt, when the
 * connection is made (guarded-client.ts): today's answer of a name server says nothing about tomorrow's.
 */
import { isIP } from 'node:net';
import { OutboardError } from '../errors.ts';
import { isPublicAddress } from './address-policy.ts';

const FIELD = 'webhook.url';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);

/**
 * @param allowsLoopback http:// and this machine may be named too: on a developer's machine, never in a stage
 * @throws webhook_url_invalid, webhook_url_forbidden
 */
export function webhookTarget(text: string, allowsLoopback: boolean): URL {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '')
    throw new OutboardError('webhook_url_invalid', { field: FIELD });
  url.hash = '';
  url.hostname = url.hostname.replace(/\.+$/, '');
  if (allowsLoopback && isLoopback(url) && ['http:', 'https:'].includes(url.protocol)) return url;
  if (url.protocol !== 'https:') throw new OutboardError('webhook_url_invalid', { field: FIELD });
  const host = hostOf(url);
  if (/(^|\.)localhost$/.test(host) || (isIP(host) !== 0 && !isPublicAddress(host)))
    throw new OutboardError('webhook_url_forbidden', { field: FIELD });
  return url;
}

/** Named as such: a name that merely leads there is judged like every other. */
export const isLoopback = (url: URL): boolean => LOOPBACK.has(hostOf(url));

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');
