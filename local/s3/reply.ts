/** What an operation answers, apart from how it is sent: the server adds CORS headers and the request id. */
import type { Readable } from 'node:stream';
import { type XmlContent, xmlDocument } from './xml.ts';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
}

export const xmlReply = (body: string, status = 200): Reply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body,
});

export const documentReply = (name: string, content: XmlContent, status = 200): Reply =>
  xmlReply(xmlDocument(name, content), status);
