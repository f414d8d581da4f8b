/**
 * The container's health check: exits with 0 where the worker of this container takes jobs or finishes its last ones,
 * with 1 where it does not answer, still loads its models, or has given up.
 */
import { readWorkerEnvironment } from '../shared/environment.ts';

const TIMEOUT_MS = 4_000;

const { OUTBOARD_METRICS_PORT } = readWorkerEnvironment(process.env);
try {
  const answer = await fetch(`http://127.0.0.1:${OUTBOARD_METRICS_PORT}/health`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.error(`The worker does not answer: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
