import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import fc from 'fast-check';
import { Client } from 'undici';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { OutboardError } from '../../shared/errors.ts';
import { download } from '../../shared/net/download.ts';
import { parseHttpUrl, pinnedConnector } from '../../shared/net/guarded-client.ts';
import { listen, serve } from './loopback-server.ts';

/** A name server that must not be asked is one whose call count stays 0. */
function setup(addresses: string[] = ['127.0.0.1']) {
  const resolve = vi.fn(async (_hostname: string) => addresses);
  /** Stands in for the public internet, so that a real server can be on it. */
  const permits = (address: string) => address === '127.0.0.1';
  return { resolve, permits };
}

const codeOf = (outcome: Promise<unknown>): Promise<unknown> =>
  outcome.then(
    () => 'accepted',
    (error) => (error instanceof OutboardError ? error.code : error),
  );

const literals = [
  ...['127.0.0.1', '127.1', '127.0.1', '0x7f000001', '0x7F.1', '2130706433', '017700000001', '0177.0.0.1'],
  ...[
    '127.0.0.1.',
    '127.0.0.1..',
    '127。0。0。1',
    '127．0．0．1',
    '１２７.0.0.1',
    '①27.0.0.1',
    '%31%32%37.0.0.1',
  ],
  ...[
    '0',
    '0.0.0.0',
    '0x0',
    '10.1',
    '192.168.257',
    '169.254.169.254',
    '0xa9fea9fe',
    '2852039166',
    '4294967295',
  ],
  ...[
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[fe80::1]',
  ],
  ...['[fd00:ec2::254]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[2606:4700::5efe:127.0.0.1]', '[ff02::1]'],
  ...['localhost', 'LOCALHOST', 'localhost.', 'localhost..', 'a.localhost', 'a.b.localhost.', 'ｌocalhost'],
];

describe('a URL that names a forbidden host', () => {
  it.each(literals)('is refused before any look-up: %s', async (host) => {
    const { resolve } = setup(['93.184.216.34']);
    for (const url of [`http://${host}/`, `https://${host}:8443/a.png`]) {
      expect(await codeOf(download(url, { resolve }))).toBe('url_forbidden');
    }
    expect(resolve).not.toHaveBeenCalled();
  });

  it('is refused in any spelling of any forbidden IPv4 address', async () => {
    const blocks: [base: number, hostBits: number][] = [
      [0x00000000, 24],
      [0x0a000000, 24],
      [0x64400000, 22],
      [0x7f000000, 24],
      [0xa9fe0000, 16],
      [0xac100000, 20],
      [0xc0000000, 8],
      [0xc0586300, 8],
      [0xc0a80000, 16],
      [0xc6120000, 17],
      [0xe0000000, 28],
      [0xf0000000, 28],
    ];
    const address = fc
      .constantFrom(...blocks)
      .chain(([base, hostBits]) => fc.nat(2 ** hostBits - 1).map((host) => base + host));
    const spelling = fc.record({
      parts: fc.integer({ min: 1, max: 4 }),
      radix: fc.tuple(...Array.from({ length: 4 }, () => fc.constantFrom('', '0x', '0X', '0', '000'))),
      dot: fc.constantFrom('.', '。', '．', '｡'),
      glyph: fc.constantFrom<(character: string) => string>(
        (c) => c,
        (c) => String.fromCodePoint(c.charCodeAt(0) + 0xfee0),
        (c) => `%${c.charCodeAt(0).toString(16)}`,
      ),
      end: fc.constantFrom('', '.'),
    });
    const { resolve } = setup(['93.184.216.34']);
    await fc.assert(
      fc.asyncProperty(address, spelling, async (value, { parts, radix, dot, glyph, end }) => {
        const octets = Array.from({ length: parts - 1 }, (_, i) => Math.floor(value / 256 ** (3 - i)) % 256);
        const words = [...octets, value % 256 ** (5 - parts)].map((word, i) => {
          const prefix = radix[i] ?? '';
          const digits = word.toString(prefix === '' ? 10 : /x/i.test(prefix) ? 16 : 8);
          return [...(prefix + digits)].map(glyph).join('');
        });
        expect(await codeOf(download(`http://${words.join(dot)}${end}/`, { resolve }))).toBe('url_forbidden');
      }),
      { numRuns: 500 },
    );
    expect(resolve).not.toHaveBeenCalled();
  });

  it.each([
    ...[
      'ftp://1.1.1.1/',
      'file:///etc/passwd',
      'data:image/png;base64,AA',
      'gopher://a/',
      'a.png',
      '//a/',
      '',
    ],
    ...['http://me@1.1.1.1/', 'https://:secret@1.1.1.1/', 'http://[::1%25lo]/', 'http://1.2.3.4.5/'],
  ])('is invalid when it is not a plain http URL: %s', (url) => {
    expect(() => parseHttpUrl(url, 'image_url')).toThrow(expect.objectContaining({ code: 'url_invalid' }));
  });
});

describe('a name', () => {
  it.each([
    [['127.0.0.1']],
    [['93.184.216.34', '10.0.0.1']],
    [['169.254.169.254', '93.184.216.34']],
    [['2606:4700::1111', '::1']],
    [['fe80::1%eth0']],
    [['not an address']],
  ])('is refused when any of its addresses is forbidden: %j', async (addresses) => {
    const { resolve } = setup(addresses);
    expect(await codeOf(download('http://pictures.example/', { resolve }))).toBe('url_forbidden');
  });

  it('is unreachable when it has no address', async () => {
    const { resolve } = setup([]);
    expect(await codeOf(download('http://pictures.example/', { resolve }))).toBe('url_unreachable');
  });

  it('is looked up once, so an answer that changes after the check changes nothing', async () => {
    const server = await serve((_, response) => response.end('picture'));
    const { resolve, permits } = setup(['127.0.0.9']);
    resolve.mockResolvedValueOnce(['127.0.0.1']);

    const { bytes } = await download(`http://pictures.example:${server.port}/`, { resolve, permits });

    expect(bytes.toString()).toBe('picture');
    expect(resolve.mock.calls).toEqual([['pictures.example']]);
  });

  it('stays the Host of the request though the address is pinned', async () => {
    const server = await serve((_, response) => response.end());
    await download(`http://Pictures.example.:${server.port}/`, setup());
    expect(server.requests[0]?.headers.host).toBe(`pictures.example:${server.port}`);
  });

  it('is sent as the TLS server name though the address is pinned', async () => {
    const names: string[] = [];
    const port = await listen(
      createTlsServer({
        SNICallback: (name, done) => {
          names.push(name);
          done(new Error('no certificate'));
        },
      }),
    );
    expect(await codeOf(download(`https://pictures.example.:${port}/`, setup()))).toBe('url_unreachable');
    expect(names).toEqual(['pictures.example']);
  });

  it('is reached at another of its addresses when the first does not listen', async () => {
    const server = await serve((_, response) => response.end('picture'));
    const { resolve } = setup(['::1', '127.0.0.1']);
    const permits = () => true;
    const { bytes } = await download(`http://pictures.example:${server.port}/`, { resolve, permits });
    expect(bytes.toString()).toBe('picture');
  });
});

describe('a connection', () => {
  it('that ends at an address which was not judged is dropped before the request', async () => {
    const server = await serve((_, response) => response.end('secret'));
    const { signal } = new AbortController();
    // A literal in the URL is the known way past `lookup`.
    const connect = pinnedConnector(['127.0.0.2'], { signal, field: 'image_url' });
    const client = new Client(server.origin, { connect });

    expect(await codeOf(client.request({ method: 'GET', path: '/' }))).toBe('url_forbidden');
    expect(server.requests).toEqual([]);
    await client.destroy();
  });

  it('that hangs in the TLS handshake is closed at the deadline', async () => {
    const peers: Promise<unknown>[] = [];
    const server = createTcpServer((socket: Socket) => {
      socket.resume();
      peers.push(once(socket, 'close'));
    });
    const port = await listen(server);
    const outcome = download(`https://pictures.example:${port}/`, { ...setup(), timeoutMs: 200 });
    expect(await codeOf(outcome)).toBe('url_timeout');
    expect(peers).toHaveLength(1);
    await Promise.all(peers);
  });

  it.skipIf(!hasOpenssl())('to a server with an untrusted certificate is refused', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    const port = await listen(createTlsServer(selfSigned('pictures.example'), (socket) => socket.end()));
    const failure = await download(`https://pictures.example:${port}/`, setup()).catch((error) => error);
    expect(failure).toMatchObject({
      code: 'url_unreachable',
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
  });
});

function hasOpenssl(): boolean {
  try {
    return execFileSync('openssl', ['version']).length > 0;
  } catch {
    return false;
  }
}

function selfSigned(name: string): TlsOptions {
  const folder = mkdtempSync(join(tmpdir(), 'outboard-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2'];
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}
