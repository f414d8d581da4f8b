/** What can be asked for, and what is chosen for the next picture. Kept while the page is open. */
import { computed, effect, signal } from '@preact/signals';
import { type Model, outboard } from '../api.ts';

export const models = signal<readonly Model[] | undefined>(undefined);

/** The tasks that some model is there for, the best known first. */
const ORDER = ['super-resolution', 'classification', 'object-detection'];
export const tasks = computed<readonly string[]>(() => {
  const found = [...new Set(models.value?.map(({ task }) => task))];
  return found.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
});
const rank = (task: string): number => (ORDER.includes(task) ? ORDER.indexOf(task) : ORDER.length);

export const chosenTask = signal<string | undefined>(undefined);
/** By task. */
const chosenNames = signal<Readonly<Record<string, string>>>({});
/** What was set by hand, by model and name; all else has its default. */
const chosenValues = signal<Readonly<Record<string, Readonly<Record<string, unknown>>>>>({});

/** The models of the chosen task; the one that answers to the task's name first. */
export const modelsOfTask = computed<readonly Model[]>(() => {
  const task = chosenTask.value;
  const found = models.value?.filter((model) => model.task === task) ?? [];
  return found.toSorted((a, b) => Number(b.aliases.includes(b.task)) - Number(a.aliases.includes(a.task)));
});

export const chosenModel = computed<Model | undefined>(() => {
  const name = chosenNames.value[chosenTask.value ?? ''];
  return modelsOfTask.value.find((model) => model.name === name) ?? modelsOfTask.value[0];
});

export const values = computed<Readonly<Record<string, unknown>>>(
  () => chosenValues.value[chosenModel.value?.name ?? ''] ?? {},
);

export function chooseModel(name: string): void {
  chosenNames.value = { ...chosenNames.value, [chosenTask.value ?? '']: name };
}

export function setValue(parameter: string, value: unknown): void {
  const name = chosenModel.value?.name ?? '';
  chosenValues.value = { ...chosenValues.value, [name]: { ...values.value, [parameter]: value } };
}

export async function loadModels(signal: AbortSignal): Promise<void> {
  models.value = await outboard.value.models.list({ signal });
}

effect(() => {
  const known = tasks.value;
  const chosen = chosenTask.peek();
  if (chosen === undefined || !known.includes(chosen)) chosenTask.value = known[0];
});
