/** The API of the local stack as a process of its own: gateway, serverless-offline and the built functions. */
import { startApi } from '../../local/api.ts';
import { stackEnvironment } from '../../local/settings.ts';
import { buildFunctions } from '../../scripts/build-functions.ts';

const [port = '', directory = ''] = process.argv.slice(2);

await buildFunctions();
const api = await startApi({
  port: Number(port),
  environment: stackEnvironment({ port: Number(port), directory }),
  print: console.log,
  page: new Map(),
});
process.on('SIGTERM', async () => {
  await api.close();
  process.exit();
});
