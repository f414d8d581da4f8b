/**
 * An HTTP client for one origin that a user named, which can reach public addresses only. What would break if the
 * order were changed: the name is looked up once, every answer is judged, and the socket may go to those answers
 * alone. A second look-up anywhere would let a name server answer "public" to the check and "private" to the socket.
 *
 * Any port is allowed: a port says nothing about who listens, the address does.
 */
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector, Client } from 'undici';
import { OutboardError } from '../errors.ts';
import { isPublicAddress } from './address-policy.ts';

export interface Guard {
  /** Ends look-up, connection and requests alike; its reason is what they reject with. */
  readonly signal: AbortSignal;
  /** The request field that errors name. */
  readonly field: string;
  /** Origins whose address is not judged (`http://127.0.0.1:9000`, no path): the local stage's own servers. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** All addresses of a name; the system's resolver by default. */
  readonly resolve?: ((hostname: string) => Promise<readonly string[]>) | undefined;
  /** The judge of each address; `isPublicAddress` by default. `() => true` is for a closed network only. */
  readonly permits?: ((address: string) => boolean) | undefined;
}

/**
 * The URL in its normal form, so that 0x7f.1, ①27.0.0.1 and "localhost." are 127.0.0.1 and "localhost" to the checks.
 * Throws url_invalid for what is not http or https, and for credentials in the URL.
 */
export function parseHttpUrl(text: string, field: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw new OutboardError('url_invalid', { field });
  }
  // The root dot changes nothing about where a name leads, but TLS server names and certificates have none.
  url.hostname = url.hostname.replace(/\.+$/, '');
  return url;
}

/**
 * A client whose only possible peers are the judged addresses of `url` (from `parseHttpUrl`); destroy it after use.
 * Throws url_forbidden if any address is not permitted, url_unreachable if there is none, else what the resolver or
 * the signal threw. Requests of the client neither follow redirects nor decode, and no proxy is taken from the
 * environment.
 */
export async function guardedClient(url: URL, guard: Guard): Promise<Client> {
  const { signal, field, resolve = systemResolve, permits = isPublicAddress } = guard;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const judged = !guard.allowedOrigins?.includes(url.origin);
  // RFC 6761: never a public name, whatever a resolver says.
  if (judged && /(^|\.)localhost$/.test(host)) throw new OutboardError('url_forbidden', { field });

  signal.throwIfAborted();
  const addresses = isIP(host) ? [host] : await Promise.race([resolve(host), rejection(signal)]);
  if (addresses.length === 0) throw new OutboardError('url_unreachable', { field });
  // One private answer among public ones is refused as a whole: it is an attack or a broken zone, never a picture.
  if (judged && !addresses.every(permits)) throw new OutboardError('url_forbidden', { field });

  return new Client(url.origin, {
    connect: pinnedConnector(addresses, { signal, field }),
    // The signal is the one clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** Connects to one of `addresses` whatever the host name is; a socket that ends anywhere else is url_forbidden. */
export function pinnedConnector(
  addresses: readonly string[],
  { signal, field }: Pick<Guard, 'signal' | 'field'>,
): buildConnector.connector {
  const pinned: LookupFunction = (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    );
  const connect = buildConnector({
    lookup: pinned,
    autoSelectFamily: true, // All the addresses are tried, and `lookup` is always asked for the whole list.
    rejectUnauthorized: true, // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED cannot turn it off.
    allowH2: false,
    timeout: 0,
    signal,
  });
  const peers = new Set(addresses.map(normalAddress));
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      // net.connect asks no `lookup` for a literal address, so where the socket really ended is checked as well.
      if (socket.remoteAddress !== undefined && peers.has(normalAddress(socket.remoteAddress))) {
        return callback(null, socket);
      }
      socket.destroy();
      callback(new OutboardError('url_forbidden', { field }), null);
    });
}

const normalAddress = (address: string) => ipaddr.parse(address).toNormalizedString();

const systemResolve = async (hostname: string) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address);

/** The system's resolver cannot be interrupted, but nobody has to wait for it. */
const rejection = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
