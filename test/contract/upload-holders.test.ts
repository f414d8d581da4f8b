/** The contract on the table that table.ts names. */
import { connectHolders } from '../../shared/aws/connect.ts';
import { openTable, tableName } from './table.ts';
import { uploadHoldersContract } from './upload-holders.contract.ts';

uploadHoldersContract(tableName, async () => {
  const { settings, close } = await openTable();
  return { holders: connectHolders(settings), close };
});
