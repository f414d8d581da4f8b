/** Where in the page a person is, kept behind the `#`, so that any plain file server can serve the page. */
import { signal } from '@preact/signals';

export type Route =
  | { readonly view: 'new' }
  | { readonly view: 'jobs'; readonly status: string | undefined }
  | { readonly view: 'job'; readonly id: string }
  | { readonly view: 'operations' }
  | { readonly view: 'missing' };

function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [first = '', second] = path.split('/');
  if (first === '') return { view: 'new' };
  if (first === 'jobs' && second !== undefined && second !== '') {
    return { view: 'job', id: decodeURIComponent(second) };
  }
  if (first === 'jobs')
    return { view: 'jobs', status: new URLSearchParams(query).get('status') ?? undefined };
  if (first === 'operations') return { view: 'operations' };
  return { view: 'missing' };
}

export const linkTo = {
  new: '#/',
  jobs: (status?: string) => (status === undefined ? '#/jobs' : `#/jobs?status=${status}`),
  job: (id: string) => `#/jobs/${encodeURIComponent(id)}`,
  operations: '#/operations',
} as const;

export const route = signal<Route>(parseRoute(location.hash));

export const go = (hash: string): void => {
  location.hash = hash;
};

/** Leads to the content of the view that is shown, and so to no other place. */
export const SKIP = '#main';

let place = location.hash;
addEventListener('hashchange', () => {
  if (location.hash === SKIP) {
    history.replaceState(null, '', place || '#/');
    document.querySelector<HTMLElement>(SKIP)?.focus();
    return;
  }
  place = location.hash;
  route.value = parseRoute(place);
});
