import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { errorKinds, OutboardError } from '../../shared/errors.ts';
import { type DownloadOptions, download } from '../../shared/net/download.ts';
import { serve } from './loopback-server.ts';

/** A server whose exact origin is allowed; any other address is judged as in production. */
async function setup(answer: RequestListener) {
  const server = await serve(answer);
  const fetchFrom = (path: string, options: DownloadOptions = {}) =>
    download(server.origin + path, { allowedOrigins: [server.origin], ...options });
  return { ...server, fetchFrom };
}

const failureOf = (outcome: Promise<unknown>): Promise<OutboardError> =>
  outcome.then(
    () => expect.fail('it was accepted'),
    (error) => (error instanceof OutboardError ? error : expect.fail(`not our error: ${error}`)),
  );

const redirectTo =
  (location: string, status = 302): RequestListener =>
  (_, response) =>
    response.writeHead(status, { location, 'set-cookie': 'a=b' }).end('moved');

describe('download', () => {
  it('returns the bytes, the type and where they came from', async () => {
    const picture = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
    const { origin, fetchFrom } = await setup((_, response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).end(picture),
    );
    const { bytes, ...rest } = await fetchFrom('/a.png?size=2#top');
    expect(bytes.equals(picture)).toBe(true);
    expect(rest).toEqual({ finalUrl: `${origin}/a.png?size=2#top`, contentType: 'image/png' });
  });

  it('joins a body of many small chunks', async () => {
    const { fetchFrom } = await setup((_, response) => {
      for (let i = 0; i < 70_000; i++) response.write(String(i % 10));
      response.end();
    });
    const { bytes, contentType } = await fetchFrom('/', { maxBytes: 70_000 });
    expect(bytes.toString()).toBe('0123456789'.repeat(7_000));
    expect(contentType).toBeUndefined();
  });

  it('asks for the plain file, with no cookie and no referer, and goes through no proxy', async () => {
    const proxy = await serve((_, response) => response.end('proxied'));
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) vi.stubEnv(name, proxy.origin);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { port, requests, fetchFrom } = await setup((request, response) =>
      request.url === '/' ? redirectTo('/next')(request, response) : response.end(),
    );
    await fetchFrom('/');
    expect(proxy.requests).toEqual([]);
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /', 'GET /next']);
    expect(requests[1]?.headers).toEqual({
      host: `127.0.0.1:${port}`,
      connection: 'close',
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'outboard/0.1',
    });
  });

  it('names the field it was told to name', async () => {
    expect((await failureOf(download('http://127.1/'))).field).toBe('image_url');
    expect((await failureOf(download('http://127.1/', { field: 'webhook' }))).field).toBe('webhook');
    expect((await failureOf(download('ftp://a/', { field: 'webhook' }))).field).toBe('webhook');
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('with status %d is followed', async (status) => {
    const { origin, fetchFrom } = await setup((request, response) =>
      request.url === '/a/b' ? redirectTo('../c', status)(request, response) : response.end('picture'),
    );
    const { bytes, finalUrl } = await fetchFrom('/a/b');
    expect([bytes.toString(), finalUrl]).toEqual(['picture', `${origin}/c`]);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    '//169.254.169.254/',
    'https://[::ffff:127.0.0.1]/',
    'http://localhost/',
    'http://intranet.example/',
  ])('to %s is refused, in words that tell nothing', async (location) => {
    const resolve = async () => ['10.0.0.1'];
    const { fetchFrom } = await setup(redirectTo(location));
    const failure = await failureOf(fetchFrom('/', { resolve }));
    expect(failure.toPublic()).toEqual({
      code: 'url_forbidden',
      message: errorKinds.url_forbidden.publicMessage,
      field: 'image_url',
    });
  });

  it('to another port of an allowed host is refused before a connection', async () => {
    const secret = await serve((_, response) => response.end('secret'));
    const { fetchFrom } = await setup(redirectTo(secret.origin));
    expect((await failureOf(fetchFrom('/'))).code).toBe('url_forbidden');
    expect(secret.requests).toEqual([]);
  });

  it.each([
    'file:///etc/passwd',
    'ftp://example.com/',
    'http://me:secret@example.com/',
    'http://[::1%25lo]/',
  ])('to %s is invalid', async (location) => {
    const { fetchFrom } = await setup(redirectTo(location));
    expect((await failureOf(fetchFrom('/'))).code).toBe('url_invalid');
  });

  it('is followed as often as the limit says and not once more', async () => {
    const { requests, fetchFrom } = await setup(({ url = '' }, response) => {
      const left = Number(url.slice(1));
      if (left === 0) return response.end('picture');
      return response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    expect((await fetchFrom('/5')).bytes.toString()).toBe('picture');
    expect((await failureOf(fetchFrom('/6'))).code).toBe('url_too_many_redirects');
    expect(requests).toHaveLength(6 + 6);
    expect((await failureOf(fetchFrom('/1', { maxRedirects: 0 }))).code).toBe('url_too_many_redirects');
  });

  it('that goes on sending its body is left at once', async () => {
    const closed = Promise.withResolvers<void>();
    const { fetchFrom } = await setup((request, response) => {
      if (request.url !== '/') return response.end('picture');
      response.on('close', closed.resolve);
      response.writeHead(302, { location: '/next' });
      return response.write(Buffer.alloc(2 ** 20));
    });
    expect((await fetchFrom('/', { timeoutMs: 600_000 })).bytes.toString()).toBe('picture');
    await closed.promise;
  });
});

describe('the limit on bytes', () => {
  it('is held by Content-Length before the body', async () => {
    const { fetchFrom } = await setup((_, response) => {
      response.writeHead(200, { 'content-length': '1001' }).flushHeaders();
    });
    const failure = await failureOf(fetchFrom('/', { maxBytes: 1000 }));
    expect(failure.toPublic()).toMatchObject({ code: 'input_too_large', field: 'image_url' });
    expect(failure.message).toContain('1000 bytes');
  });

  it('is held while streaming when there is no Content-Length, and the connection is dropped', async () => {
    const closed = Promise.withResolvers<void>();
    const { fetchFrom } = await setup((_, response) => {
      response.on('close', closed.resolve);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(2 ** 16)));
      };
      response.on('drain', more);
      more();
    });
    expect((await failureOf(fetchFrom('/', { maxBytes: 2 ** 20 }))).code).toBe('input_too_large');
    await closed.promise;
  });

  it('admits a file of exactly that many bytes', async () => {
    const { fetchFrom } = await setup((_, response) => response.end(Buffer.alloc(1000)));
    expect((await fetchFrom('/', { maxBytes: 1000 })).bytes).toHaveLength(1000);
    expect((await failureOf(fetchFrom('/', { maxBytes: 999 }))).code).toBe('input_too_large');
  });

  it.each(['gzip', 'GZIP', 'x-gzip', 'br, gzip', 'deflate', 'zstd'])(
    'meets no compressed bomb: content-encoding %s is refused unread',
    async (encoding) => {
      const bomb = gzipSync(Buffer.alloc(8 * 2 ** 20));
      const { fetchFrom } = await setup((_, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
      );
      expect((await failureOf(fetchFrom('/'))).code).toBe('url_status');
    },
  );
});

describe('a server that', () => {
  it.each([204, 206, 300, 302, 304, 400, 401, 404, 410])('answers %d is not asked again', async (status) => {
    const { fetchFrom } = await setup((_, response) => response.writeHead(status, 'Secret').end());
    const failure = await failureOf(fetchFrom('/'));
    expect(failure).toMatchObject({ code: 'url_status', retryable: false });
    expect(failure.message).toBe(`${errorKinds.url_status.publicMessage} It answered ${status}.`);
  });

  it.each([408, 425, 429, 500, 502, 503, 504])('answers %d is worth another try', async (status) => {
    const { fetchFrom } = await setup((_, response) => response.writeHead(status).end());
    const failure = await failureOf(fetchFrom('/'));
    expect(failure).toMatchObject({ code: 'url_server_error', retryable: true });
    expect(failure.message).toContain(`It answered ${status}.`);
  });

  it('does not listen is unreachable', async () => {
    // Port 1 of the loopback device: nothing listens there.
    const failure = await failureOf(download('http://127.0.0.1:1/', { permits: () => true }));
    expect(failure.toPublic()).toEqual({
      code: 'url_unreachable',
      message: errorKinds.url_unreachable.publicMessage,
      field: 'image_url',
    });
  });

  it.each([
    ['hangs up before the answer', (_, response) => void response.destroy()],
    [
      'hangs up before the end',
      (_, response) => {
        response.writeHead(200, { 'content-length': '10' });
        response.write('12345', () => response.destroy());
      },
    ],
    [
      'hangs up in a chunked body',
      (_, response) => {
        response.write('12345', () => response.destroy());
      },
    ],
    ['does not speak HTTP', ({ socket }) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n')],
  ] satisfies [string, RequestListener][])('%s is unreachable', async (_, answer) => {
    const { fetchFrom } = await setup(answer);
    const failure = await failureOf(fetchFrom('/'));
    expect(failure.code).toBe('url_unreachable');
    expect(failure.message).toBe(errorKinds.url_unreachable.publicMessage);
  });
});

describe('the deadline', () => {
  it('ends a body that drips', async () => {
    const { fetchFrom } = await setup((_, response) => {
      const drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(drip));
    });
    const failure = await failureOf(fetchFrom('/', { timeoutMs: 200 }));
    expect(failure).toMatchObject({ code: 'url_timeout', retryable: true, field: 'image_url' });
  });

  it('ends headers that never come', async () => {
    const { fetchFrom } = await setup(() => {});
    expect((await failureOf(fetchFrom('/', { timeoutMs: 100 }))).code).toBe('url_timeout');
  });

  it('ends a look-up that never answers', async () => {
    const resolve = () => new Promise<never>(() => {});
    const outcome = download('http://pictures.example/', { resolve, timeoutMs: 50 });
    expect((await failureOf(outcome)).code).toBe('url_timeout');
  });

  it('covers all redirects together', async () => {
    const { fetchFrom } = await setup((_, response) => {
      setTimeout(() => response.writeHead(302, { location: '/' }).end(), 60);
    });
    const outcome = fetchFrom('/', { timeoutMs: 200, maxRedirects: 1000 });
    expect((await failureOf(outcome)).code).toBe('url_timeout');
  });
});

describe('the signal', () => {
  it('ends a download that runs, with its own reason, and closes the connection', async () => {
    const arrived = Promise.withResolvers<void>();
    const controller = new AbortController();
    const closed = Promise.withResolvers<void>();
    const { fetchFrom } = await setup((_, response) => {
      response.on('close', closed.resolve);
      response.write('x');
      arrived.resolve();
    });
    const outcome = fetchFrom('/', { signal: controller.signal }).catch((error) => error);
    await arrived.promise;
    const reason = new Error('lease lost');
    controller.abort(reason);
    expect(await outcome).toBe(reason);
    await closed.promise;
  });

  it('that was given aborted lets nothing start', async () => {
    const reason = new Error('lease lost');
    const { requests, fetchFrom } = await setup((_, response) => response.end());
    const resolve = vi.fn(async () => ['127.0.0.1']);
    const options = { signal: AbortSignal.abort(reason), resolve };
    await expect(fetchFrom('/', options)).rejects.toBe(reason);
    await expect(download('http://pictures.example/', options)).rejects.toBe(reason);
    expect(requests).toEqual([]);
    expect(resolve).not.toHaveBeenCalled();
  });
});
