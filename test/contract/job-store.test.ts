/**
 * The contract on the local table, or on the endpoint of OUTBOARD_CONTRACT_DYNAMODB_ENDPOINT with the credentials of
 * the AWS_* variables and the table of OUTBOARD_CONTRACT_JOBS_TABLE, in which it leaves nothing behind.
 */
import { names } from '../../local/settings.ts';
import { startTable } from '../../local/table.ts';
import { connectJobs } from '../../shared/aws/connect.ts';
import { jobStoreContract } from './job-store.contract.ts';

const endpoint = process.env.OUTBOARD_CONTRACT_DYNAMODB_ENDPOINT;

const connect = (url: string, table: string) =>
  connectJobs({
    AWS_REGION: process.env.AWS_REGION ?? '',
    AWS_ENDPOINT_URL_DYNAMODB: url,
    OUTBOARD_JOBS_TABLE: table,
    OUTBOARD_QUEUE_URL: '',
    OUTBOARD_MODELS_BUCKET: '',
  });

if (endpoint === undefined) {
  jobStoreContract('the local table', async () => {
    const { url, close } = await startTable(0);
    return { ...connect(url, names.table), close };
  });
} else {
  jobStoreContract(endpoint, async () => ({
    ...connect(endpoint, process.env.OUTBOARD_CONTRACT_JOBS_TABLE ?? ''),
    close: async () => {},
  }));
}
