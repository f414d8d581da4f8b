/** Every way a request can be wrong gets its code and its field, and nothing that is JSON can do more harm than that. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutboardError } from '../../shared/errors.ts';
import { checkCreateJob, checkCreateUpload, listJobsQuery, parse } from '../../shared/requests.ts';
import { catalog } from './catalog.ts';

const URL_ = 'https://pictures.example/harbour.jpg';
const BASE64 = Buffer.from('picture').toString('base64');
const UPLOAD = `upl_${'a'.repeat(24)}`;

const check = (body: unknown) => checkCreateJob(body, catalog);
const withUrl = (fields: object) => check({ image_url: URL_, ...fields });

/** Code and field of the refusal. */
function refusal(ask: () => unknown): [string, string | undefined] {
  try {
    ask();
  } catch (error) {
    if (error instanceof OutboardError) return [error.code, error.field];
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('a request for a job', () => {
  it('gets the defaults of what it leaves out', () => {
    expect(check({ image_url: URL_ })).toMatchObject({
      model: 'super-resolution',
      manifest: { name: 'sharp', version: '1.0.0' },
      parameters: { upscale_factor: 4, output_format: 'png', quality: 90 },
      input: { kind: 'url', url: URL_ },
    });
  });

  it.each([[2], [4], [8], ['2'], ['4'], ['8'], [4.0], ['4.0']])('takes the factor %j', (factor) => {
    expect(withUrl({ upscale_factor: factor }).parameters.upscale_factor).toBe(Number(factor));
  });

  it.each([
    [3],
    [0],
    [-2],
    [2.5],
    ['3'],
    ['4.5'],
    ['x'],
    [''],
    [' 4'],
    ['4 '],
    ['0x4'],
    ['four'],
    [null],
    [true],
    [[4]],
    [{ value: 4 }],
    ['٤'],
    ['9'.repeat(10)],
  ])('refuses the factor %j', (factor) => {
    expect(refusal(() => withUrl({ upscale_factor: factor }))).toEqual([
      'unsupported_upscale_factor',
      'upscale_factor',
    ]);
  });

  it('refuses a factor that its model cannot do, and names those that it can', () => {
    expect(refusal(() => withUrl({ model: 'twice', upscale_factor: 4 }))).toEqual([
      'unsupported_upscale_factor',
      'upscale_factor',
    ]);
    expect(() => withUrl({ model: 'twice', upscale_factor: 4 })).toThrow('expected 2');
    expect(withUrl({ model: 'twice', upscale_factor: 2 }).manifest.name).toBe('twice');
  });

  it.each(['sharp', 'sharp@1.0.0', 'super-resolution'])('finds the model %s', (model) => {
    expect(withUrl({ model }).manifest.name).toBe('sharp');
  });

  it.each(['blunt', 'sharp@2.0.0', 'SHARP', '__proto__', 'constructor', 'toString', ' '])(
    'does not know the model %j',
    (model) => {
      expect(refusal(() => withUrl({ model }))).toEqual(['unknown_model', 'model']);
    },
  );

  it.each([[7], [null], [''], ['m'.repeat(129)], [['sharp']], [{}]])(
    'refuses %j where a model should be',
    (model) => {
      expect(refusal(() => withUrl({ model }))).toEqual(['invalid_request', 'model']);
    },
  );

  it('needs one picture, and says which two it got', () => {
    expect(refusal(() => check({}))).toEqual(['input_missing', 'image_url']);
    expect(refusal(() => check({ image_name: 'a.png' }))).toEqual(['input_missing', 'image_url']);
    expect(refusal(() => withUrl({ image_base64: BASE64 }))).toEqual(['input_ambiguous', 'image_base64']);
    expect(refusal(() => withUrl({ upload_id: UPLOAD }))).toEqual(['input_ambiguous', 'upload_id']);
    expect(refusal(() => check({ image_base64: BASE64, upload_id: UPLOAD }))).toEqual([
      'input_ambiguous',
      'upload_id',
    ]);
    expect(() => withUrl({ image_base64: BASE64 })).toThrow('image_url and image_base64');
  });

  it.each([
    'ftp://pictures.example/a.jpg',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    's3://bucket/key',
    'javascript:alert(1)',
    'pictures.example/a.jpg',
    '//pictures.example/a.jpg',
    '/a.jpg',
    'https://',
    'https://user@pictures.example/a.jpg',
    'https://user:secret@pictures.example/a.jpg',
    'https://:secret@pictures.example/a.jpg',
    'https://[::1/a.jpg',
    'https://pictures.example:99999/',
    ' ',
  ])('refuses the URL %s', (url) => {
    expect(refusal(() => check({ image_url: url }))).toEqual(['url_invalid', 'image_url']);
  });

  it.each([
    ['HTTPS://Pictures.Example/Ä b.jpg', 'https://pictures.example/%C3%84%20b.jpg'],
    ['http://pictures.example', 'http://pictures.example/'],
    ['  https://pictures.example/a.jpg\n', 'https://pictures.example/a.jpg'],
  ])('writes the URL %j as it will be asked for', (url, href) => {
    expect(check({ image_url: url }).input).toEqual({ kind: 'url', url: href });
  });

  it.each([[''], [7], [null], [['https://a.example']], [`https://a.example/${'a'.repeat(4_096)}`]])(
    'refuses %j where a URL should be',
    (url) => {
      expect(refusal(() => check({ image_url: url }))).toEqual(['invalid_request', 'image_url']);
    },
  );

  const bytes = Buffer.from([0xfb, 0xff, 0xbf, 0x01]);
  it.each([
    ['with its padding', '+/+/AQ=='],
    ['without its padding', '+/+/AQ'],
    ['in the alphabet of URLs', '-_-_AQ'],
    ['with line breaks', '+/+/\r\nAQ==\n'],
    ['as a data: URL', 'data:image/png;base64,+/+/AQ=='],
    ['as a data: URL without a type', 'data:;base64,+/+/AQ=='],
  ])('takes base64 %s', (_, text) => {
    expect(check({ image_base64: text, image_name: 'a.png' }).input).toEqual({
      kind: 'bytes',
      bytes,
      name: 'a.png',
    });
  });

  it.each([
    ['a length that no bytes have', 'AAAAA'],
    ['a foreign character', 'AAA*'],
    ['a space', 'AA AA'],
    ['padding in the middle', 'AA==AAAA'],
    ['padding alone', '===='],
    ['line breaks alone', '\r\n'],
    ['a data: URL that is not base64', 'data:image/png,AAAA'],
    ['a data: URL with nothing in it', 'data:image/png;base64,'],
    ['hexadecimal with a prefix', '0x89504e47!'],
    ['a NUL', 'AAA\0'],
    ['another script', 'АААА'],
    ['a URL', URL_],
  ])('refuses base64 that is %s', (_, text) => {
    expect(refusal(() => check({ image_base64: text }))).toEqual(['invalid_base64', 'image_base64']);
  });

  it.each([[''], [7], [null], [[BASE64]]])('refuses %j where base64 should be', (text) => {
    expect(refusal(() => check({ image_base64: text }))).toEqual(['invalid_request', 'image_base64']);
  });

  it.each([[''], ['a/b.png'], ['a\\b.png'], ['a\nb'], ['a\0b'], ['n'.repeat(256)], [7], [null]])(
    'refuses the name %j',
    (name) => {
      expect(refusal(() => check({ image_base64: BASE64, image_name: name }))).toEqual([
        'invalid_request',
        'image_name',
      ]);
    },
  );

  it.each([
    ['upl_1'],
    [`job_${'a'.repeat(24)}`],
    [`${UPLOAD}a`],
    [UPLOAD.toUpperCase()],
    [`../${UPLOAD}`],
    [7],
  ])('refuses the upload %j', (upload) => {
    expect(refusal(() => check({ upload_id: upload }))).toEqual(['invalid_request', 'upload_id']);
  });

  it.each([
    ['output_format', 'gif'],
    ['output_format', 7],
    ['quality', 0],
    ['quality', 101],
    ['quality', 50.5],
    ['quality', '1e1'],
    ['quality', null],
  ])('refuses %s: %j', (field, value) => {
    expect(refusal(() => withUrl({ [field]: value }))).toEqual(['invalid_request', field]);
  });

  it.each(['scale', 'imageUrl', 'image_URL', 'Model', '', 'constructor', 'hasOwnProperty'])(
    'does not know the field %j',
    (field) => {
      expect(refusal(() => withUrl({ [field]: 1 }))).toEqual(['unknown_field', field]);
    },
  );

  it.each([[null], [7], ['text'], [true], [[]], [[{ image_url: URL_ }]], [undefined]])(
    'refuses the body %j: it is not an object',
    (body) => {
      expect(refusal(() => check(body))).toEqual(['invalid_request', undefined]);
      expect(() => check(body)).toThrow('The body must be a JSON object.');
    },
  );
});

describe('a request for an upload', () => {
  const upload = (fields: object) => checkCreateUpload({ content_type: 'image/png', ...fields }, catalog);

  it('starts its job unless it says otherwise', () => {
    expect(upload({})).toMatchObject({ startJob: true, contentType: 'image/png', maxBytes: undefined });
    expect(upload({ start_job: false, max_bytes: 9, image_name: 'a.png' })).toMatchObject({
      startJob: false,
      maxBytes: 9,
      imageName: 'a.png',
    });
  });

  it.each([
    ['content_type', 'image/svg+xml'],
    ['content_type', undefined],
    ['max_bytes', 0],
    ['max_bytes', 1.5],
    ['max_bytes', '9'],
    ['start_job', 'no'],
    ['start_job', 0],
    ['image_name', 'a/b'],
    ['model', 7],
  ])('refuses %s: %j', (field, value) => {
    expect(refusal(() => upload({ [field]: value }))).toEqual(['invalid_request', field]);
  });

  it('refuses what only a job knows, a factor that no model has, and an unknown model', () => {
    expect(refusal(() => upload({ image_url: URL_ }))).toEqual(['unknown_field', 'image_url']);
    expect(refusal(() => upload({ upscale_factor: 3 }))).toEqual([
      'unsupported_upscale_factor',
      'upscale_factor',
    ]);
    expect(refusal(() => upload({ model: 'blunt' }))).toEqual(['unknown_model', 'model']);
  });
});

describe('the query of a list', () => {
  it('takes numbers as text and has a default', () => {
    expect(parse(listJobsQuery, {})).toEqual({ limit: 25 });
    expect(parse(listJobsQuery, { limit: '100', status: 'failed' })).toEqual({
      limit: 100,
      status: 'failed',
    });
  });

  it.each([
    ['limit', '0'],
    ['limit', '101'],
    ['limit', 'all'],
    ['limit', ''],
    ['status', 'done'],
    ['cursor', 'c'.repeat(2_049)],
  ])('refuses %s=%s', (field, value) => {
    expect(refusal(() => parse(listJobsQuery, { [field]: value }))).toEqual(['invalid_request', field]);
  });
});

describe('any JSON at all', () => {
  const fields = ['image_url', 'image_base64', 'image_name', 'upload_id', 'model', 'content_type'];
  const likely = fc.oneof(
    fc.jsonValue(),
    fc.webUrl(),
    fc.base64String(),
    fc.constantFrom('sharp', 'twice', 'super-resolution', UPLOAD, 2, 4, '8', 'png', 'image/png', true, ''),
  );
  const body = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(
      fc.oneof(
        fc.constantFrom(...fields, 'upscale_factor', 'output_format', 'quality', 'max_bytes', 'start_job'),
        fc.string(),
      ),
      likely,
      { maxKeys: 5 },
    ),
    fc.record({ image_base64: fc.string() }),
    fc.record({ image_url: fc.string() }),
  );

  it.each([
    ['job', checkCreateJob],
    ['upload', checkCreateUpload],
  ])('is a request for a %s or an error of the table', (_, checkRequest) => {
    fc.assert(
      fc.property(body, (value) => {
        const text = JSON.stringify(value);
        try {
          expect(checkRequest(JSON.parse(text), catalog)).toMatchObject({ manifest: { version: '1.0.0' } });
        } catch (error) {
          if (!(error instanceof OutboardError)) throw error;
          expect(error.httpStatus, error.message).toBeGreaterThanOrEqual(400);
          expect(error.httpStatus, error.message).toBeLessThan(500);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives back every picture that was sent as base64', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.constantFrom('base64', 'base64url'),
        (picture, alphabet) => {
          const { input } = check({ image_base64: Buffer.from(picture).toString(alphabet as 'base64') });
          expect(input.kind === 'bytes' && [...input.bytes]).toEqual([...picture]);
        },
      ),
    );
  });
});
