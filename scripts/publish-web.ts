/**
 * `npm run web -- --stage S`: builds the page and uploads it to the stage's page bucket (infra/web.yml). What index.html
 * names goes first and index.html last, so that nobody gets a page whose parts are not there yet; parts of older pages
 * stay for the tabs that still show them.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { cacheControl, contentType } from '../local/page.ts';
import { buildWeb } from './build-web.ts';

/** @returns the keys in the order in which they were written */
export async function publishWeb(client: Pick<S3Client, 'send'>, bucket: string): Promise<string[]> {
  const folder = await buildWeb();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort((a, b) => Number(a === 'index.html') - Number(b === 'index.html') || a.localeCompare(b));
  for (const file of files) {
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: file,
        Body: await readFile(path.join(folder, file)),
        ContentType: contentType(file),
        CacheControl: cacheControl(file),
      }),
    );
  }
  return files;
}

async function outputsOf(stage: string): Promise<ReadonlyMap<string | undefined, string | undefined>> {
  const { Stacks } = await new CloudFormationClient({}).send(
    new DescribeStacksCommand({ StackName: `outboard-${stage}` }),
  );
  return new Map(Stacks?.[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
}

if (import.meta.main) {
  const { stage } = parseArgs({ options: { stage: { type: 'string' } } }).values;
  if (stage === undefined) throw new Error('Name the stage: npm run web -- --stage dev');
  const outputs = await outputsOf(stage);
  const bucket = outputs.get('PageBucketName');
  if (bucket === undefined) {
    throw new Error(`The stack outboard-${stage} has no page; see "The page" in README.md.`);
  }
  for (const key of await publishWeb(new S3Client({}), bucket)) console.log(`  ${key}`);
  console.log(`The page is at ${outputs.get('PageUrl')}`);
}
