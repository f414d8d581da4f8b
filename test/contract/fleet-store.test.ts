/** The contract on the table that table.ts names. */
import { connectFleet, connectJobs } from '../../shared/aws/connect.ts';
import { fleetStoreContract } from './fleet-store.contract.ts';
import { openTable, tableName } from './table.ts';

fleetStoreContract(tableName, async () => {
  const { settings, close } = await openTable();
  const { jobs, index } = connectJobs(settings);
  return { fleet: connectFleet(settings), index, erase: (id) => jobs.erase(id), close };
});
