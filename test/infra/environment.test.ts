/** Every variable that a function or the worker reads is known, given where it must be, and of the right form. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Template } from '../../scripts/package-stage.ts';
import { readFunctionsEnvironment, readWorkerEnvironment, settingsTable } from '../../shared/environment.ts';
import { type Kind, ofType, packaged } from './stages.ts';

/** A fleet of each kind. */
const kinds: readonly Kind[] = ['prod', 'prod without fleet', 'pr-1'];

let templates: Map<Kind, Template>;

beforeAll(async () => {
  templates = await packaged(kinds);
}, 240_000);

type Variables = Readonly<Record<string, unknown>>;

const functionsOf = (kind: Kind) =>
  ofType(templates.get(kind) as Template, 'AWS::Lambda::Function').map(
    ([id, { Properties }]) => [id, Properties.Environment.Variables as Variables] as const,
  );

const workersOf = (kind: Kind) =>
  ofType(templates.get(kind) as Template, 'AWS::ECS::TaskDefinition').map(([id, { Properties }]) => {
    const { Environment } = Properties.ContainerDefinitions[0] as {
      Environment: { Name: string; Value: unknown }[];
    };
    return [id, Object.fromEntries(Environment.map(({ Name, Value }) => [Name, Value]))] as const;
  });

/** What a reference becomes once the stack is there. */
const deployed = (variables: Variables): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      typeof value === 'object' ? (/_URL$/.test(name) ? 'https://sqs.example/1/q' : 'given') : String(value),
    ]),
  );

const inHalf = (half: string) => settingsTable().filter(({ halves }) => halves.includes(half));
const unknownTo = (half: string, variables: Variables): string[] => {
  const known = new Set(inHalf(half).map(({ name }) => name));
  return Object.keys(variables).filter((name) => !known.has(name));
};

describe.each(kinds)('%s', (kind) => {
  it('gives every function what it must have, and nothing that no function reads', () => {
    for (const [id, variables] of functionsOf(kind)) {
      expect(unknownTo('functions', variables), id).toEqual([]);
      expect(() => readFunctionsEnvironment(deployed(variables)), id).not.toThrow();
    }
  });

  it('gives the worker what it must have, as text, and nothing that it does not read', () => {
    for (const [id, variables] of workersOf(kind)) {
      expect(unknownTo('worker', variables), id).toEqual([]);
      expect(() => readWorkerEnvironment(deployed(variables)), id).not.toThrow();
      const numbers = Object.entries(variables).filter(([, value]) => typeof value === 'number');
      expect(numbers, id).toEqual([]);
    }
  });

  it('tells both halves the same names', () => {
    const [[, one] = ['', {}]] = functionsOf(kind);
    for (const [, variables] of workersOf(kind))
      for (const name of ['OUTBOARD_QUEUE_URL', 'OUTBOARD_JOBS_TABLE', 'OUTBOARD_RESULTS_BUCKET'])
        expect(variables[name]).toEqual(one[name]);
  });
});

it('lets the functions that accept jobs wake the one that scales, by the name it has', () => {
  const functions = Object.fromEntries(functionsOf('prod'));
  const scale = templates.get('prod')?.Resources.ScaleLambdaFunction?.Properties.FunctionName;
  for (const id of ['CreateDashjob', 'RetryDashjob', 'OnDashupload'])
    expect(functions[`${id}LambdaFunction`]?.OUTBOARD_SCALE_FUNCTION).toBe(scale);
});

it('tells the scaling function its fleet: an auto scaling group on EC2, none on Fargate, nothing without a fleet', () => {
  const fleetOf = (kind: Kind) => {
    const { ScaleLambdaFunction } = Object.fromEntries(functionsOf(kind));
    const { OUTBOARD_FLEET_SERVICE: service, OUTBOARD_FLEET_GROUP: group } = ScaleLambdaFunction ?? {};
    return { service, group };
  };
  const service = { 'Fn::GetAtt': ['WorkerService', 'Name'] };
  expect(fleetOf('prod')).toEqual({ service, group: { Ref: 'GpuInstances' } });
  expect(fleetOf('pr-1')).toEqual({ service, group: '' });
  expect(fleetOf('prod without fleet')).toEqual({ service: '', group: '' });
});
