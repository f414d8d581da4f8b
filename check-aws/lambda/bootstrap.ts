/**
 * What Lambda's own Node.js runtime does: loads the handler that _HANDLER names from LAMBDA_TASK_ROOT, then takes one
 * event after the other from the runtime API. AWS's published client (aws-lambda-ric) does the same behind a native addon
 * that every install would have to compile. Only the handler and Node itself may be loaded here: what is measured and
 * proved is the bundle.
 */
import { createRequire } from 'node:module';

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, _HANDLER = '' } = process.env;
const api = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;

const post = (path: string, body: unknown) =>
  fetch(`${api}/${path}`, { method: 'POST', body: JSON.stringify(body ?? null) });

const described = (error: unknown) =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, stackTrace: error.stack?.split('\n') }
    : { errorType: 'Error', errorMessage: String(error) };

function loadHandler(): (event: unknown, context: object) => unknown {
  const dot = _HANDLER.lastIndexOf('.');
  const module = createRequire(import.meta.url)(`${LAMBDA_TASK_ROOT}/${_HANDLER.slice(0, dot)}.cjs`);
  const handler = module[_HANDLER.slice(dot + 1)];
  if (typeof handler !== 'function') throw new Error(`${_HANDLER} is not a function.`);
  return handler;
}

async function serve(): Promise<never> {
  const handler = loadHandler();
  for (;;) {
    const next = await fetch(`${api}/invocation/next`);
    const event: unknown = await next.json();
    const awsRequestId = next.headers.get('lambda-runtime-aws-request-id') ?? '';
    const deadline = Number(next.headers.get('lambda-runtime-deadline-ms'));
    const context = {
      awsRequestId,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      invokedFunctionArn: next.headers.get('lambda-runtime-invoked-function-arn'),
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    try {
      await post(`invocation/${awsRequestId}/response`, await handler(event, context));
    } catch (error) {
      await post(`invocation/${awsRequestId}/error`, described(error));
    }
  }
}

await serve().catch(async (error: unknown) => {
  await post('init/error', described(error));
  process.exit(1);
});
