/** Pictures in, a task and a model chosen, and off. */
import { useState } from 'preact/hooks';
import { explain } from '../api.ts';
import { plural } from '../format.ts';
import { DropZone } from '../parts/drop-zone.tsx';
import { verbOf } from '../parts/job-words.ts';
import { Message } from '../parts/message.tsx';
import { ParameterForm } from '../parts/parameter-form.tsx';
import { RecentJobs } from '../parts/recent-jobs.tsx';
import { draft, sendAll } from '../state/draft.ts';
import {
  chooseModel,
  chosenModel,
  chosenTask,
  loadModels,
  models,
  modelsOfTask,
  setValue,
  tasks,
  values,
} from '../state/models.ts';
import { useRepeated } from '../state/repeat.ts';
import { go, linkTo } from '../state/route.ts';

/** Versions are promoted and models imported while a page is open. */
const MODELS_EVERY_MS = 30_000;

export function NewView() {
  const [problem, setProblem] = useState<string>();
  useRepeated(
    async (signal) => {
      await loadModels(signal);
      setProblem(undefined);
      return MODELS_EVERY_MS;
    },
    (error) => setProblem(explain(error)),
    [],
  );
  return (
    <>
      <h1 class="visually-hidden">New job</h1>
      <div class="new">
        <DropZone />
        <aside class="panel" aria-label="What to do">
          {models.value === undefined ? (
            problem === undefined ? (
              <PanelSkeleton />
            ) : (
              <Message title="No models to show" tone="bad">
                {problem}
              </Message>
            )
          ) : models.value.length === 0 ? (
            <Message title="This stage has no models">
              Publish one with <code>outboard model publish</code>.
            </Message>
          ) : (
            <Choices />
          )}
        </aside>
      </div>
      <RecentJobs />
    </>
  );
}

function Choices() {
  const [sending, setSending] = useState(false);
  const model = chosenModel.value;
  if (model === undefined) return null;
  const waiting = draft.value.length;

  const start = async (event: Event) => {
    event.preventDefault();
    setSending(true);
    const ids = await sendAll(model.name, values.value);
    setSending(false);
    const [first] = ids;
    // What was refused stays in sight, with the reason.
    if (first === undefined || draft.value.length > 0) return;
    go(ids.length === 1 ? linkTo.job(first) : linkTo.jobs());
  };

  return (
    <form class="choices" onSubmit={start}>
      <fieldset class="field">
        <legend class="field-label">Task</legend>
        <div class="segments">
          {tasks.value.map((task) => (
            <label key={task} class="segment">
              <input
                type="radio"
                name="task"
                checked={task === chosenTask.value}
                onChange={() => {
                  chosenTask.value = task;
                }}
              />
              <span>{verbOf(task)}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <div class="field">
        <label class="field-label" for="model">
          Model
        </label>
        <select
          id="model"
          value={model.name}
          aria-describedby="model-help"
          onChange={({ currentTarget }) => chooseModel(currentTarget.value)}
        >
          {modelsOfTask.value.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <p id="model-help" class="field-help">
          {model.description} Version {model.version}.
        </p>
      </div>
      <ParameterForm key={model.name} schema={model.parameters} values={values.value} onChange={setValue} />
      <button type="submit" class="button is-main is-large" disabled={waiting === 0 || sending}>
        {sending
          ? 'Sending…'
          : waiting === 0
            ? verbOf(model.task)
            : `${verbOf(model.task)} ${plural(waiting, 'picture')}`}
      </button>
      {waiting === 0 && <p class="note is-centred">Add a picture to start.</p>}
    </form>
  );
}

const PanelSkeleton = () => (
  <div class="choices" aria-busy="true">
    <span class="visually-hidden">Fetching the models…</span>
    {[34, 64, 34, 56, 40].map((height, index) => (
      <span key={index} class="skeleton" style={{ height: `${height}px` }} />
    ))}
  </div>
);
