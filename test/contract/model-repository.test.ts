/** The contract on the bucket that bucket.ts names; it must hold no catalog, and holds none afterwards. */
import { bucketName, openBucket } from './bucket.ts';
import { modelRepositoryContract } from './model-repository.contract.ts';

modelRepositoryContract(bucketName, openBucket);
