/** The contract on the table that table.ts names. */
import { connectJobs } from '../../shared/aws/connect.ts';
import { jobIndexContract } from './job-index.contract.ts';
import { openTable, tableName } from './table.ts';

jobIndexContract(tableName, async () => {
  const { settings, close } = await openTable();
  return { ...connectJobs(settings), close };
});
