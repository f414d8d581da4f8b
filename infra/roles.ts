/**
 * One IAM role a function, from infra/grants.yml. A function without an entry there cannot be deployed: it would else
 * run with whatever a shared role had gathered.
 */
import { type Fragment, logicalName, type Variables } from './variables.ts';

type Grants = Readonly<Record<string, readonly object[]>>;

/** `create-job` → `CreateJobRole`, which that function names in serverless.yml. */
const roleName = (functionName: string): string =>
  `${functionName.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}Role`;

/** @throws Error naming the functions without grants, with another role, and the grants without a function */
export async function roles({ resolveVariable, resolveConfigurationProperty }: Variables): Promise<Fragment> {
  const grants = (await resolveVariable('file(infra/grants.yml)')) as Grants;
  const functions = Object.entries((await resolveConfigurationProperty(['functions'])) ?? {});
  const wrong = functions
    .filter(
      ([name, { role }]) => grants[name] === undefined || role?.['Fn::Sub'] !== `\${${roleName(name)}.Arn}`,
    )
    .map(([name]) => `${name} needs an entry in infra/grants.yml and role: !Sub \${${roleName(name)}.Arn}`);
  const names = new Set(functions.map(([name]) => name));
  const unused = Object.keys(grants).filter((name) => !names.has(name));
  const problems = [...wrong, ...unused.map((name) => `there is no function ${name}`)];
  if (problems.length > 0) throw new Error(`Roles: ${problems.join('; ')}.`);
  return {
    Resources: Object.fromEntries(
      Object.entries(grants).map(([name, statements]) => [roleName(name), role(name, statements)]),
    ),
  };
}

const role = (functionName: string, statements: readonly object[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    Description: `What ${functionName} may do.`,
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    },
    Policies: [
      {
        PolicyName: functionName,
        PolicyDocument: { Version: '2012-10-17', Statement: [ownLog(functionName), ...statements] },
      },
    ],
  },
});

/** The group is the stack's, so no function may make one. */
const ownLog = (functionName: string) => ({
  Effect: 'Allow',
  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: { 'Fn::GetAtt': [`${logicalName(functionName)}LogGroup`, 'Arn'] },
});
