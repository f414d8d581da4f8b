/** Which URLs are taken as webhooks when a job is accepted. */
import { expect, it } from 'vitest';
import { webhookTarget } from '../../shared/net/webhook-target.ts';

const codeOf = (url: string, allowsLoopback = false) => {
  try {
    webhookTarget(url, allowsLoopback);
    return 'taken';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

it.each([
  'https://hooks.example/in',
  'https://hooks.example:8443/in?key=1',
  'https://93.184.216.34/in',
  'https://[2606:2800:220:1:248:1893:25c8:1946]/',
])('takes %s', (url) => expect(codeOf(url)).toBe('taken'));

it.each([
  'http://hooks.example/in',
  'ftp://hooks.example/in',
  'https://user:secret@hooks.example/in',
  'https://user@hooks.example/in',
  'hooks.example/in',
  'file:///etc/passwd',
  '',
])('refuses the form of %s', (url) => expect(codeOf(url)).toBe('webhook_url_invalid'));

it.each([
  'https://169.254.169.254/latest/meta-data/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://0x7f000001/',
  'https://2130706433/',
  'https://10.1.2.3/',
  'https://192.168.0.1:8443/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://[fd00::1]/',
  'https://localhost/',
  'https://LOCALHOST./',
  'https://printer.localhost/',
  'https://0/',
])('refuses the address of %s', (url) => expect(codeOf(url)).toBe('webhook_url_forbidden'));

it('takes http and this machine where that is allowed, and no other private address', () => {
  for (const url of ['http://127.0.0.1:4000/in', 'http://localhost:4000/', 'https://[::1]:4000/'])
    expect(codeOf(url, true)).toBe('taken');
  expect(codeOf('http://10.0.0.1/', true)).toBe('webhook_url_invalid');
  expect(codeOf('https://169.254.169.254/', true)).toBe('webhook_url_forbidden');
  expect(codeOf('https://127.0.0.2/', true)).toBe('webhook_url_forbidden');
  expect(codeOf('http://hooks.example/', true)).toBe('webhook_url_invalid');
});

it('leaves the fragment and the dots of the root away', () => {
  expect(webhookTarget('https://hooks.example./in#top', false).href).toBe('https://hooks.example/in');
});
