/** The contract on the table that table.ts names. */
import { connectJobs } from '../../shared/aws/connect.ts';
import { jobStoreContract } from './job-store.contract.ts';
import { openTable, tableName } from './table.ts';

jobStoreContract(tableName, async () => {
  const { settings, close } = await openTable();
  return { ...connectJobs(settings), close };
});
