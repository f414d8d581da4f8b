/** Endpoint and key, kept in this browser. */
import { useState } from 'preact/hooks';
import { changeSettings, settings, stageSettings } from '../state/settings.ts';
import { Dialog } from './dialog.tsx';

export function SettingsDialog({ onClose }: { readonly onClose: () => void }) {
  const [endpoint, setEndpoint] = useState(settings.value.endpoint);
  const [apiKey, setApiKey] = useState(settings.value.apiKey);
  const [problem, setProblem] = useState<string>();
  const save = (event: Event) => {
    event.preventDefault();
    const address = endpoint.trim().replace(/\/+$/, '');
    if (!/^https?:$/.test(URL.parse(address)?.protocol ?? '')) {
      setProblem('Give the whole address, as in https://abc.execute-api.eu-west-1.amazonaws.com/prod');
      return;
    }
    changeSettings({ endpoint: address, apiKey: apiKey.trim() });
    onClose();
  };
  return (
    <Dialog title="Settings" onClose={onClose}>
      <form class="fields" onSubmit={save} noValidate>
        <label class="field">
          <span class="field-label">API key</span>
          <input
            type="password"
            autoComplete="off"
            spellcheck={false}
            value={apiKey}
            onInput={({ currentTarget }) => setApiKey(currentTarget.value)}
          />
          <span class="field-help">Kept in this browser and sent to the endpoint only.</span>
        </label>
        <label class="field">
          <span class="field-label">Endpoint</span>
          <input
            type="url"
            spellcheck={false}
            value={endpoint}
            aria-invalid={problem !== undefined}
            onInput={({ currentTarget }) => setEndpoint(currentTarget.value)}
          />
          {problem === undefined ? (
            <span class="field-help">
              Of this page’s own stage. Its security policy lets it talk to no other.
            </span>
          ) : (
            <span class="field-problem" role="alert">
              {problem}
            </span>
          )}
        </label>
        <div class="dialog-actions">
          <button
            type="button"
            class="button is-quiet"
            onClick={() => {
              setEndpoint(stageSettings.value.endpoint);
              setApiKey(stageSettings.value.apiKey);
            }}
          >
            Use the stage’s own
          </button>
          <button type="submit" class="button is-main">
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
