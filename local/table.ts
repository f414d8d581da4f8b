/** DynamoDB on one machine: dynalite in this process, on disk, with the table of infra/jobs.yml. */
import { once } from 'node:events';
import {
  CreateTableCommand,
  DynamoDBClient,
  type Projection,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { OPEN_INDEX, OPEN_INDEX_ATTRIBUTES, TENANT_INDEX } from '../shared/aws/job-index.ts';
import { credentials, HOST, KEEP_ALIVE_MS, names } from './settings.ts';

/** @param directory where the rows are kept; undefined keeps them in memory */
export async function startTable(
  port: number,
  directory?: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = dynalite({ ...(directory === undefined ? {} : { path: directory }), createTableMs: 0 });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, HOST);
  await once(server, 'listening');
  const address = server.address();
  const url = `http://${HOST}:${typeof address === 'object' && address !== null ? address.port : port}`;
  await createTable(url, names.table);
  return {
    url,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The jobs table; the same keys and indexes as in infra/jobs.yml. */
async function createTable(endpoint: string, name: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  const index = (indexName: string, hash: string, range: string, projection: Projection) => ({
    IndexName: indexName,
    KeySchema: [
      { AttributeName: hash, KeyType: 'HASH' as const },
      { AttributeName: range, KeyType: 'RANGE' as const },
    ],
    Projection: projection,
  });
  try {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['id', 'tenant', 'created_at', 'open_shard', 'sweep_at'].map((attribute) => ({
          AttributeName: attribute,
          AttributeType: 'S' as const,
        })),
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        GlobalSecondaryIndexes: [
          index(TENANT_INDEX, 'tenant', 'created_at', { ProjectionType: 'ALL' }),
          index(OPEN_INDEX, 'open_shard', 'sweep_at', {
            ProjectionType: 'INCLUDE',
            NonKeyAttributes: [...OPEN_INDEX_ATTRIBUTES],
          }),
        ],
      }),
    );
  } catch (error) {
    // It is there from the run before.
    if (!(error instanceof ResourceInUseException)) throw error;
  } finally {
    client.destroy();
  }
}
