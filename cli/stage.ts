/**
 * A deployed stage as its stack describes it, or the local stack where no stage is named. Credentials, region and
 * endpoints are the SDK's own business (profiles, AWS_REGION, AWS_ENDPOINT_URL).
 */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { API_KEY, credentials, HOST, names, portsFrom } from '../local/settings.ts';

/** What an operator's command needs to know of a stage. Members a stage does not have are undefined. */
export interface Stage {
  readonly name: string;
  readonly isLocal: boolean;
  readonly apiUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly queueUrl: string;
  readonly deadLetterUrl: string;
  readonly table: string;
  readonly uploadsBucket: string;
  readonly resultsBucket: string;
  readonly modelsBucket: string;
  readonly cluster: string | undefined;
  readonly service: string | undefined;
  readonly group: string | undefined;
  readonly endpoints: { readonly sqs?: string; readonly dynamodb?: string; readonly s3?: string };
}

export const stackName = (stage: string): string => `outboard-${stage}`;

/** @throws with what to do, where there is no such stack or its outputs are of an older version. */
export async function findStage(name: string): Promise<Stage> {
  const client = new CloudFormationClient({});
  const { Stacks } = await client
    .send(new DescribeStacksCommand({ StackName: stackName(name) }))
    .catch((error: unknown) => {
      throw explain(error, name);
    });
  const outputs = new Map(
    Stacks?.[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
  );
  const needed = (key: string): string => {
    const value = outputs.get(key);
    if (value === undefined)
      throw new Error(
        `The stack ${stackName(name)} has no output ${key}; deploy this version of Outboard to it.`,
      );
    return value;
  };
  return {
    name,
    isLocal: false,
    apiUrl: outputs.get('ServiceEndpoint'),
    apiKey: undefined,
    queueUrl: needed('JobQueueUrl'),
    deadLetterUrl: needed('DeadLetterQueueUrl'),
    table: needed('JobsTableName'),
    uploadsBucket: needed('UploadsBucketName'),
    resultsBucket: needed('ResultsBucketName'),
    modelsBucket: needed('ModelsBucketName'),
    cluster: outputs.get('ClusterName'),
    service: outputs.get('WorkerServiceName'),
    group: outputs.get('WorkerGroupName'),
    endpoints: {},
  };
}

/** The stack that `npm start` runs. Sets the well-known keys for the SDK clients of this process. */
export function localStage(port: number): Stage {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: 'us-east-1',
  });
  const ports = portsFrom(port);
  const at = (number: number) => `http://${HOST}:${number}`;
  return {
    name: 'local',
    isLocal: true,
    apiUrl: at(ports.api),
    apiKey: API_KEY,
    queueUrl: `${at(ports.sqs)}/000000000000/${names.queue}`,
    deadLetterUrl: `${at(ports.sqs)}/000000000000/${names.deadLetters}`,
    table: names.table,
    uploadsBucket: names.uploads,
    resultsBucket: names.results,
    modelsBucket: names.models,
    cluster: undefined,
    service: undefined,
    group: undefined,
    endpoints: { sqs: at(ports.sqs), dynamodb: at(ports.dynamodb), s3: at(ports.s3) },
  };
}

/** The settings that the doors of shared/aws ask for. */
export const settingsOf = (stage: Stage) => ({
  AWS_REGION: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
  AWS_ENDPOINT_URL_SQS:
    stage.endpoints.sqs ?? process.env.AWS_ENDPOINT_URL_SQS ?? process.env.AWS_ENDPOINT_URL,
  AWS_ENDPOINT_URL_DYNAMODB:
    stage.endpoints.dynamodb ?? process.env.AWS_ENDPOINT_URL_DYNAMODB ?? process.env.AWS_ENDPOINT_URL,
  AWS_ENDPOINT_URL_S3: stage.endpoints.s3 ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL,
  AWS_ENDPOINT_URL_ECS: process.env.AWS_ENDPOINT_URL_ECS ?? process.env.AWS_ENDPOINT_URL,
  AWS_ENDPOINT_URL_AUTO_SCALING: process.env.AWS_ENDPOINT_URL_AUTO_SCALING ?? process.env.AWS_ENDPOINT_URL,
  OUTBOARD_QUEUE_URL: stage.queueUrl,
  OUTBOARD_JOBS_TABLE: stage.table,
  OUTBOARD_MODELS_BUCKET: stage.modelsBucket,
  OUTBOARD_FLEET_CLUSTER: stage.cluster,
  OUTBOARD_FLEET_SERVICE: stage.service,
  OUTBOARD_FLEET_GROUP: stage.group,
});

function explain(error: unknown, stage: string): Error {
  const { name = '', message = '' } = error instanceof Error ? error : {};
  if (/does not exist/.test(message))
    return new Error(
      `There is no stage ${stage} here (stack ${stackName(stage)}): npx serverless deploy --stage ${stage}`,
    );
  if (/Credential|ExpiredToken|UnrecognizedClient|InvalidClientTokenId/.test(`${name} ${message}`))
    return new Error(`AWS does not know these credentials (${message}). Set AWS_PROFILE or log in.`);
  if (/Region is missing/.test(message))
    return new Error('Say in which region the stage is: AWS_REGION=eu-central-1 …');
  return error instanceof Error ? error : new Error(String(error));
}
