/** The contract on the table that table.ts names. */
import { connectDeliveries, connectJobs } from '../../shared/aws/connect.ts';
import { deliveryStoreContract } from './delivery-store.contract.ts';
import { openTable, tableName } from './table.ts';

deliveryStoreContract(tableName, async () => {
  const { settings, close } = await openTable();
  return { ...connectJobs(settings), deliveries: connectDeliveries(settings), close };
});
