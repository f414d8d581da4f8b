/** The frame around every view: navigation, the state of the connection, settings. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { connection } from './api.ts';
import { Icon } from './parts/icon.tsx';
import { Message } from './parts/message.tsx';
import { SettingsDialog } from './parts/settings-dialog.tsx';
import { linkTo, type Route, route, SKIP } from './state/route.ts';
import { settings, settingsLoaded } from './state/settings.ts';
import { JobView } from './views/job-view.tsx';
import { JobsView } from './views/jobs-view.tsx';
import { NewView } from './views/new-view.tsx';
import { OperationsView } from './views/operations-view.tsx';

const links = [
  { href: linkTo.new, word: 'New', views: ['new'] },
  { href: linkTo.jobs(), word: 'Jobs', views: ['jobs', 'job'] },
  { href: linkTo.operations, word: 'Operations', views: ['operations'] },
];

const titles: Readonly<Record<Route['view'], string>> = {
  new: 'New',
  jobs: 'Jobs',
  job: 'Job',
  operations: 'Operations',
  missing: 'Not found',
};

export function App() {
  const [settingsOpen, openSettings] = useState(false);
  const main = useRef<HTMLElement>(null);
  const firstView = useRef(true);
  const { view } = route.value;
  const place = JSON.stringify(route.value);

  useEffect(() => {
    document.title = `${titles[view]} · Outboard`;
    // Whoever came by a link reads on from the new view, not from where the old one was.
    if (!firstView.current) main.current?.focus();
    firstView.current = false;
    scrollTo(0, 0);
  }, [place]);

  return (
    <>
      <a class="skip" href={SKIP}>
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href={linkTo.new} aria-label="Outboard, new job">
          <Mark />
          <span class="brand-name">Outboard</span>
        </a>
        <nav class="nav" aria-label="Main">
          {links.map(({ href, word, views }) => (
            <a key={word} href={href} aria-current={views.includes(view) ? 'page' : undefined}>
              {word}
            </a>
          ))}
        </nav>
        <button type="button" class="button is-quiet top-settings" onClick={() => openSettings(true)}>
          <Icon name="settings" />
          <span class="top-word">Settings</span>
        </button>
      </header>
      <Connection onSettings={() => openSettings(true)} />
      <main ref={main} id="main" tabIndex={-1} class={`main is-${view}`}>
        {settingsLoaded.value && <View key={`${settings.value.endpoint} ${settings.value.apiKey}`} />}
      </main>
      {settingsOpen && <SettingsDialog onClose={() => openSettings(false)} />}
    </>
  );
}

function View() {
  const place = route.value;
  switch (place.view) {
    case 'new':
      return <NewView />;
    case 'jobs':
      return <JobsView status={place.status} />;
    case 'job':
      return <JobView key={place.id} id={place.id} />;
    case 'operations':
      return <OperationsView />;
    case 'missing':
      return (
        <>
          <h1 class="visually-hidden">Not found</h1>
          <Message
            title="There is nothing here"
            actions={
              <a class="button is-main" href={linkTo.new}>
                Start a job
              </a>
            }
          >
            The address may be mistyped.
          </Message>
        </>
      );
  }
}

/** Told once for the whole page, and only while something is wrong. */
function Connection({ onSettings }: { readonly onSettings: () => void }) {
  const state = connection.value;
  return (
    <div class="notice-place" role="status">
      {state === 'away' && (
        <p class="notice">
          <span class="spinner" />
          The API does not answer. Trying again; jobs go on without this page.
        </p>
      )}
      {state === 'refused' && (
        <p class="notice is-bad">
          <Icon name="alert" />
          {settings.value.apiKey === '' ? 'The API wants a key.' : 'The API does not know this key.'}
          <button type="button" class="button is-small" onClick={onSettings}>
            Give a key
          </button>
        </p>
      )}
    </div>
  );
}

/** A propeller of three blades. */
const Mark = () => (
  <svg class="mark" viewBox="-12 -12 24 24" aria-hidden="true" focusable="false">
    {[0, 120, 240].map((turn) => (
      <path
        key={turn}
        transform={`rotate(${turn})`}
        d="M0-1.200C-4.200-3-4.600-8.600-.800-10.600 3.400-10.800 4.600-5.600 1.200-1.600Z"
      />
    ))}
    <circle r="2.200" />
  </svg>
);
