/** The rights a template hands out, and what is wrong with them. */
import { exceptions } from '../../infra/wildcards.ts';
import type { Template } from '../../scripts/package-stage.ts';
import { listed, ofType } from './stages.ts';

export interface Right {
  readonly role: string;
  readonly action: string;
  /** With references as `${LogicalId.Attribute}`. */
  readonly resource: string;
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly NotAction?: unknown;
  readonly NotResource?: unknown;
}

/** Every action on every resource that a role allows, its own policies and those attached to it. */
export function rightsOf(template: Template): Right[] {
  const own = ofType(template, 'AWS::IAM::Role').flatMap(([role, { Properties }]) =>
    listed(Properties.Policies ?? []).flatMap(({ PolicyDocument }) => expand(role, PolicyDocument.Statement)),
  );
  const attached = ofType(template, 'AWS::IAM::RolePolicy').flatMap(([, { Properties }]) =>
    expand(Properties.RoleName.Ref, Properties.PolicyDocument.Statement),
  );
  return [...own, ...attached];
}

const expand = (role: string, statements: Statement | readonly Statement[]): Right[] =>
  listed(statements).flatMap(({ Effect, Action, Resource, NotAction, NotResource }) => {
    if (Effect !== 'Allow' || NotAction !== undefined || NotResource !== undefined)
      throw new Error(`${role} has a statement that is no plain Allow.`);
    return listed(Action).flatMap((action: string) =>
      listed(Resource).map((resource) => ({ role, action, resource: asText(resource) })),
    );
  });

/** A resource of a statement as one line. */
function asText(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Sub': text } = resource as Record<string, unknown>;
  if (typeof text === 'string') return text;
  if (typeof Ref === 'string') return `\${${Ref}}`;
  if (Array.isArray(attribute)) return `\${${attribute.join('.')}}`;
  throw new Error(`What resource is ${JSON.stringify(resource)}?`);
}

/** Everything about the rights of a template that breaks a rule; empty is right. */
export function policyProblems(template: Template): string[] {
  const rights = rightsOf(template);
  return [
    ...rights.flatMap((right) => rightProblems(template, right)),
    ...sharedRoles(template),
    ...['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::User', 'AWS::IAM::Group'].flatMap((type) =>
      ofType(template, type).map(([id]) => `${id} is a ${type}`),
    ),
    ...ofType(template, 'AWS::IAM::Role').flatMap(([id, { Properties }]) => [
      ...(Properties.ManagedPolicyArns === undefined ? [] : [`${id} has managed policies`]),
      ...(rights.some(({ role }) => role === id) ? [] : [`${id} may do nothing`]),
      ...trustProblems(id, Properties.AssumeRolePolicyDocument.Statement),
    ]),
    ...ofType(template, 'AWS::Lambda::Permission').flatMap(([id, { Properties }]) =>
      Properties.SourceArn === undefined ? [`${id} lets all of ${Properties.Principal} call`] : [],
    ),
  ];
}

function rightProblems(template: Template, { role, action, resource }: Right): string[] {
  const tell = (problem: string) => [`${role}: ${action} on ${resource}: ${problem}`];
  if (action.includes('*')) return tell('names no single action');
  if (/^(iam|sts|organizations):/.test(action)) return tell('passes rights on');
  const excepted = exceptions.some(
    (exception) =>
      exception.action === action &&
      (exception.resource === '*' ? resource === '*' : resource.endsWith(`:${exception.resource}`)),
  );
  if (excepted) return [];
  if (resource === '*') return tell('is everywhere');
  return ownsResource(template, resource) ? [] : tell('is not of this stack');
}

/** Begins with something of this stack; what follows may be `/*`, for the things inside. */
function ownsResource(template: Template, resource: string): boolean {
  const arn =
    /^arn:\$\{AWS::Partition\}:([\w-]+):(?:\$\{AWS::Region\})?:(?:\$\{AWS::AccountId\})?:(.+)$/.exec(
      resource,
    );
  const [, service, name = resource] = arn ?? [];
  const reference = /^(?:[a-z-]+\/)?\$\{(\w+)(?:\.\w+)?\}(\/[\w.*@-]+)*$/.exec(name);
  if (reference !== null) return template.Resources[reference[1] ?? ''] !== undefined;
  const fixed = [
    ...ofType(template, 'AWS::S3::Bucket').map(([, { Properties }]) => ({
      service: 's3',
      name: Properties?.BucketName?.['Fn::Sub'],
    })),
    ...ofType(template, 'AWS::Lambda::Function').map(([, { Properties }]) => ({
      service: 'lambda',
      name: `function:${Properties.FunctionName}`,
    })),
  ];
  return fixed.some(
    (known) => known.service === service && (name === known.name || name.startsWith(`${known.name}/`)),
  );
}

/** One role a function, and the roles of functions for nobody else. */
function sharedRoles(template: Template): string[] {
  const roles = ofType(template, 'AWS::Lambda::Function').map(([id, { Properties }]) => ({
    id,
    role: asText(Properties.Role),
  }));
  return roles.flatMap(({ id, role }, index) =>
    roles.some((other, at) => at < index && other.role === role) ? [`${id} shares ${role}`] : [],
  );
}

function trustProblems(role: string, statements: readonly Record<string, unknown>[]): string[] {
  const services = listed(statements).flatMap(({ Principal }) => Object.entries(Principal as object));
  const [kind, service] = services[0] ?? [];
  const plain = services.length === 1 && kind === 'Service' && typeof service === 'string';
  return plain && /^(lambda|ecs-tasks|ec2)\.amazonaws\.com$/.test(service)
    ? []
    : [`${role} trusts ${JSON.stringify(services)}`];
}
