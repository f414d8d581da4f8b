/**
 * The table under test: the local one, or that of OUTBOARD_CONTRACT_JOBS_TABLE at the endpoint of
 * OUTBOARD_CONTRACT_DYNAMODB_ENDPOINT with the credentials of the AWS_* variables. Nobody else may use it meanwhile; what
 * the suites write they erase.
 */
import { names } from '../../local/settings.ts';
import { startTable } from '../../local/table.ts';
import type { ServiceSettings } from '../../shared/aws/connect.ts';

const endpoint = process.env.OUTBOARD_CONTRACT_DYNAMODB_ENDPOINT;

export const tableName = endpoint ?? 'the local table';

export async function openTable(): Promise<{ settings: ServiceSettings; close(): Promise<void> }> {
  const settings = (url: string, table: string) => ({
    AWS_REGION: process.env.AWS_REGION ?? '',
    AWS_ENDPOINT_URL_DYNAMODB: url,
    OUTBOARD_JOBS_TABLE: table,
    OUTBOARD_QUEUE_URL: '',
    OUTBOARD_MODELS_BUCKET: '',
  });
  if (endpoint !== undefined) {
    return {
      settings: settings(endpoint, process.env.OUTBOARD_CONTRACT_JOBS_TABLE ?? ''),
      close: async () => {},
    };
  }
  const { url, close } = await startTable(0);
  return { settings: settings(url, names.table), close };
}
