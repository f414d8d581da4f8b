/** The compiled templates the tests read: packaged once a file, by the program that deploys them. */
import { buildFunctions } from '../../scripts/build-functions.ts';
import { packageStage, type Template } from '../../scripts/package-stage.ts';

const kinds = {
  prod: { stage: 'prod', parameters: {} },
  'prod without fleet': { stage: 'prod', parameters: { fleet: 'none' } },
  dev: { stage: 'dev', parameters: { fleet: 'cpu' } },
  'pr-1': { stage: 'pr-1', parameters: {} },
};

export type Kind = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as Kind[];

let built: ReturnType<typeof buildFunctions> | undefined;
export const builtFunctions = () => {
  built ??= buildFunctions();
  return built;
};

export async function packaged(names: readonly Kind[] = kindNames): Promise<Map<Kind, Template>> {
  await builtFunctions();
  const templates = new Map<Kind, Template>();
  // One after the other: packaging keeps a core busy.
  for (const name of names) {
    const { stage, parameters } = kinds[name];
    templates.set(name, await packageStage(stage, parameters));
  }
  return templates;
}

/** Resources of a type, by logical id. @returns only what the template would make, whatever its conditions say */
export const ofType = (template: Template, type: string) =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

/** As CloudFormation writes one thing or several. */
export const listed = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? value : [value as T];
