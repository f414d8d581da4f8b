/** What is served: models, the names that reach them, their versions, and on how many workers they are loaded. */
import type { FleetWorker, Model } from '../api.ts';
import { titleCase } from '../format.ts';

interface ModelsProps {
  readonly models: readonly Model[];
  /** Undefined while they are not known. */
  readonly workers: readonly FleetWorker[] | undefined;
}

export function ModelsTable({ models, workers }: ModelsProps) {
  return (
    <section class="block" aria-labelledby="models">
      <h2 id="models">Models</h2>
      {models.length === 0 ? (
        <p class="note">
          None is published. <code>outboard model publish</code> adds one.
        </p>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Task</th>
              <th scope="col">Also called</th>
              <th scope="col">Version</th>
              <th scope="col">Loaded on</th>
            </tr>
          </thead>
          <tbody>
            {models.map(({ name, task, aliases, version, versions }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td data-label="Task">{titleCase(task)}</td>
                <td data-label="Also called">{aliases.length === 0 ? '–' : aliases.join(', ')}</td>
                <td data-label="Version">
                  <span class="tag">{version}</span>
                  {versions.length > 1 && (
                    <span class="table-note">
                      also {versions.filter((one) => one !== version).join(', ')}
                    </span>
                  )}
                </td>
                <td data-label="Loaded on">{loadedOn(`${name}@${version}`, workers)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function loadedOn(version: string, workers: readonly FleetWorker[] | undefined): string {
  if (workers === undefined) return '–';
  const count = workers.filter(({ models }) => models.includes(version)).length;
  if (count === 0) return 'none yet: the first job waits for it';
  return `${count} of ${workers.length}`;
}
