/**
 * The door from serverless.yml to what TypeScript computes: `${file(infra/load.cjs):name}` calls the function of that
 * name. It is CommonJS because serverless loads nothing else.
 */
module.exports = {
  ...require('./compose.ts'),
  ...require('./parameters.ts'),
  ...require('./roles.ts'),
  ...require('./function-alarms.ts'),
  ...require('./dashboard.ts'),
};
