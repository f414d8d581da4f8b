import { defineConfig } from 'vitest/config';

/**
 * A function file reads its settings when it is imported. These lead nowhere (port 9 discards), so that a test that
 * forgets to hand in a store fails instead of leaving the machine; what the shell sets wins, for the contract suites.
 */
const environment: Record<string, string> = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'outboard-local',
  AWS_SECRET_ACCESS_KEY: 'outboard-local-secret',
  AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:9',
  AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9',
  AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9',
  OUTBOARD_QUEUE_URL: 'http://127.0.0.1:9/000000000000/nowhere',
  OUTBOARD_JOBS_TABLE: 'nowhere',
  OUTBOARD_UPLOADS_BUCKET: 'uploads',
  OUTBOARD_RESULTS_BUCKET: 'results',
  OUTBOARD_MODELS_BUCKET: 'models',
  // Tests that load a model in their own process must not report it to its library's makers.
  ORT_DISABLE_TELEMETRY: '1',
};

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real components over loopback share two cores: generous limits, so that load never fails a promise.
    testTimeout: 60_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
    env: Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, process.env[name] ?? value]),
    ),
  },
});
