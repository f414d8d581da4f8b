/**
 * The XML of the S3 protocol, written and read. Control characters are written as references because keys may
 * hold them: raw, they would make the answer unreadable for every XML parser.
 */
import { S3Error } from './errors.ts';

/** Text, an element's children by name, or a list for an element that repeats; undefined leaves it out. */
export type XmlContent =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlContent[]
  | { readonly [name: string]: XmlContent };

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const characters: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]|[^\P{Cc}]/gu, (character) => escapes[character] ?? `&#${character.codePointAt(0)};`);

const unescapeXml = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    name === undefined
      ? String.fromCodePoint(Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16))
      : (characters[name] ?? whole),
  );

function element(name: string, content: XmlContent, attributes = ''): string {
  if (content === undefined) return '';
  if (Array.isArray(content)) return content.map((item) => element(name, item)).join('');
  const inner =
    typeof content === 'object'
      ? Object.entries(content)
          .map(([child, value]) => element(child, value))
          .join('')
      : escapeXml(String(content));
  return `<${name}${attributes}>${inner}</${name}>`;
}

/** A whole document; `namespaced` is for every answer but errors. */
export const xmlDocument = (name: string, content: XmlContent, namespaced = true): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${element(
    name,
    content,
    namespaced ? ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' : '',
  )}`;

/** The insides of every `name` element: enough for the two flat documents that clients send. */
export const xmlElements = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>(.*?)</${name}>`, 'gs'))].map(
    ([, inner]) => inner ?? '',
  );

/** The text of the first `name` element. */
export function xmlText(xml: string, name: string): string | undefined {
  const inner = xmlElements(xml, name)[0];
  if (inner === undefined) return undefined;
  if (inner.includes('<')) throw new S3Error('MalformedXML');
  return unescapeXml(inner);
}
