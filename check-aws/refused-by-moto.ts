/**
 * Resources of the template that make moto refuse the whole stack, by rule. They are left out and named; a rule that is
 * needed no more fails the check until it is taken off.
 */
import type { Template } from '../scripts/package-stage.ts';

type Resource = Template['Resources'][string];

export interface Refusal {
  readonly why: string;
  matches(resource: Resource, template: Template): boolean;
}

export const refusals: readonly Refusal[] = [
  {
    why: 'moto asks every API Gateway method for an IntegrationHttpMethod; AWS does so for all but MOCK, which answers the preflight of browsers',
    matches: ({ Type, Properties }) =>
      Type === 'AWS::ApiGateway::Method' && Properties.Integration?.Type === 'MOCK',
  },
  {
    why: 'moto makes no CloudWatch alarm from a template, so nothing can ask for the ARN of one',
    matches: (resource, { Resources }) =>
      Object.entries(Resources).some(
        ([id, { Type }]) =>
          Type === 'AWS::CloudWatch::Alarm' && JSON.stringify(resource).includes(`{"Fn::GetAtt":["${id}",`),
      ),
  },
];

/** @returns the template without what the rules match, and the names of that */
export function withoutRefused(
  template: Template,
  rules: readonly Refusal[] = refusals,
): { template: Template; dropped: readonly string[] } {
  const dropped = Object.entries(template.Resources).flatMap(([id, resource]) =>
    rules.some((rule) => rule.matches(resource, template)) ? [id] : [],
  );
  const kept = Object.entries(template.Resources).flatMap(([id, resource]) =>
    dropped.includes(id) ? [] : [[id, { ...resource, ...withoutDependsOn(resource, dropped) }] as const],
  );
  return { template: { ...template, Resources: Object.fromEntries(kept) }, dropped };
}

function withoutDependsOn({ DependsOn }: Resource, dropped: readonly string[]): object {
  if (DependsOn === undefined) return {};
  return { DependsOn: [DependsOn].flat().filter((id: string) => !dropped.includes(id)) };
}
