/** The table and the queues of the compiled template on an engine that knows no CloudFormation. */
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Template } from '../scripts/package-stage.ts';
import { credentials, REGION } from './emulator-account.ts';
import { resourcesOf } from './stack.ts';

/** @returns the table's name */
export async function createTable(endpoint: string, template: Template): Promise<string> {
  const [[TableName, table] = []] = resourcesOf(template, 'AWS::DynamoDB::Table');
  if (TableName === undefined) throw new Error('The template has no table.');
  const { BillingMode, AttributeDefinitions, KeySchema, GlobalSecondaryIndexes } = table?.Properties ?? {};
  const shape = { BillingMode, AttributeDefinitions, KeySchema, GlobalSecondaryIndexes };
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials });
  await client.send(new CreateTableCommand({ TableName, ...shape } as CreateTableCommandInput));
  client.destroy();
  return TableName;
}

/** The queue that has dead letters, and the queue of those. @returns the first one's URL */
export async function createQueues(endpoint: string, template: Template): Promise<string> {
  const client = new SQSClient({ endpoint, region: REGION, credentials, useQueueUrlAsEndpoint: false });
  const create = async (QueueName: string, attributes: Record<string, unknown>) => {
    const Attributes = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, text(value)]),
    );
    return (await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? '';
  };
  const [jobs] = resourcesOf(template, 'AWS::SQS::Queue').filter(
    ([, { Properties }]) => Properties.RedrivePolicy,
  );
  if (jobs === undefined) throw new Error('The template has no queue with dead letters.');
  const [name, { Properties }] = jobs;
  const { RedrivePolicy, VisibilityTimeout } = Properties;
  const [deadLetters] = RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'];
  const dead = await create(deadLetters, {});
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['QueueArn'] }),
  );
  const policy = { ...RedrivePolicy, deadLetterTargetArn: Attributes?.QueueArn };
  const url = await create(name, { VisibilityTimeout, RedrivePolicy: policy });
  client.destroy();
  return url;
}

const text = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
