/** Serverless loads plugins as CommonJS; this one is TypeScript. */
module.exports = require('./deploy-plugin.ts').DeployPlugin;
