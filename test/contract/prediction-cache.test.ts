/** The contract on the table that table.ts names. */
import { connectJobs, connectPredictions } from '../../shared/aws/connect.ts';
import { predictionCacheContract } from './prediction-cache.contract.ts';
import { openTable, tableName } from './table.ts';

predictionCacheContract(tableName, async () => {
  const { settings, close } = await openTable();
  const { jobs } = connectJobs(settings);
  return {
    lasting: (seconds) => connectPredictions(settings, seconds),
    withoutTable: connectPredictions({ ...settings, OUTBOARD_JOBS_TABLE: 'there-is-no-such-table' }, 60),
    erase: (id) => jobs.erase(id),
    close,
  };
});
