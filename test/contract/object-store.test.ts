/** The contract on the bucket that bucket.ts names. */
import { bucketName, openBucket } from './bucket.ts';
import { objectStoreContract } from './object-store.contract.ts';

objectStoreContract(bucketName, openBucket);
