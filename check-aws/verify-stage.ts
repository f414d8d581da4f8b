/**
 * `npm run verify:stage -- --stage S`: the end-to-end test against a live stage. It makes a few small jobs and erases
 * them. The address is read from the stage's stack with the credentials of the shell; with --endpoint none are needed.
 *
 *   npm run verify:stage -- --stage prod --api-key KEY [--region R] [--endpoint URL]
 */
import { parseArgs } from 'node:util';
import { endToEnd } from './end-to-end.ts';
import { stageAccess } from './stage-access.ts';
import { Tally } from './tally.ts';

const { values } = parseArgs({
  options: {
    stage: { type: 'string' },
    region: { type: 'string', default: process.env.AWS_REGION ?? 'us-east-1' },
    endpoint: { type: 'string' },
    'api-key': { type: 'string', default: process.env.OUTBOARD_API_KEY },
  },
});

try {
  const access = await stageAccess({ ...values, apiKey: values['api-key'] });
  console.log(`Verifying ${access.url}`);
  const tally = new Tally('verify:stage');
  const answers = await endToEnd(access, values.stage ?? 'stage', tally);
  for (const [name, answer] of Object.entries(answers))
    console.log(`${name.padEnd(16)} ${JSON.stringify(answer)}`);
  console.log(tally.closingLine());
  process.exitCode = tally.hasFailed ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
