/** Address and key of a stage: as given, or the address from the outputs of its stack. */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

interface Given {
  readonly stage?: string | undefined;
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly apiKey?: string | undefined;
}

/** @throws Error that says what to give */
export async function stageAccess(given: Given): Promise<{ url: string; apiKey: string }> {
  const { stage, region, endpoint, apiKey } = given;
  if (apiKey === undefined)
    throw new Error(
      'Give a key: --api-key KEY or OUTBOARD_API_KEY. `serverless deploy` and `serverless info` print it.',
    );
  if (endpoint !== undefined) return { url: withoutSlash(endpoint), apiKey };
  if (stage === undefined)
    throw new Error('Say which stage: --stage NAME with AWS credentials, or --endpoint URL without any.');
  const url = await endpointOf(`outboard-${stage}`, region).catch((error: Error) => {
    throw new Error(
      `The stack outboard-${stage} in ${region} cannot be read: ${error.message}\n` +
        'It takes AWS credentials that may describe it (AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret) and the right --region; or give --endpoint URL.',
      { cause: error },
    );
  });
  return { url: withoutSlash(url), apiKey };
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

async function endpointOf(stackName: string, region: string): Promise<string> {
  const client = new CloudFormationClient({ region });
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
  const output = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'ServiceEndpoint');
  if (output?.OutputValue === undefined) throw new Error('it has no output ServiceEndpoint.');
  return output.OutputValue;
}
