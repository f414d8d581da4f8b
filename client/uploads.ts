/** Files that go straight to the object store, through a form that the API signs. */
import type { Upload } from './api-types.ts';
import { OutboardApiError } from './errors.ts';
import type { Http } from './http.ts';
import { contentTypeOf } from './image.ts';

interface SendOptions {
  /** Results are named after it. */
  readonly name?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Uploads {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** A form for one file. Unless `start_job` is false, sending it starts the job that the answer names. */
  create(
    request: { readonly content_type: string } & Readonly<Record<string, unknown>>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Upload> {
    return this.#http.json('POST', '/v1/uploads', { body: request, signal });
  }

  /** Stores a file and starts nothing. @returns the `upload_id` to name in a job; it is good for some days. */
  async send(blob: Blob, { name, signal }: SendOptions = {}): Promise<string> {
    const request = { content_type: await contentTypeOf(blob), start_job: false };
    const form = await this.create(name === undefined ? request : { ...request, image_name: name }, {
      signal,
    });
    if (blob.size > form.max_bytes) {
      const detail = `The file has ${blob.size} bytes, the limit is ${form.max_bytes}.`;
      throw new OutboardApiError({ status: 413, code: 'input_too_large', detail });
    }
    await this.post(form, blob, { signal });
    return form.upload_id;
  }

  /** Sends the file of a form. @throws OutboardApiError `upload_refused` with what the object store said. */
  async post(
    { url, fields }: Pick<Upload, 'url' | 'fields'>,
    blob: Blob,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    // The store reads no field behind the file.
    body.append('file', blob);
    const answer = await this.#http.send(url, {
      method: 'POST',
      body,
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await answer.text();
    if (answer.ok) return;
    const [, reason = text] = /<Message>(.*?)<\/Message>/s.exec(text) ?? [];
    throw new OutboardApiError({
      status: answer.status,
      code: 'upload_refused',
      detail: `The object store refused the file: ${reason}`,
      requestId: answer.headers.get('x-amz-request-id') ?? undefined,
    });
  }
}
