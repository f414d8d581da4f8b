/** The emulators as servers on loopback ports. What each cannot do stands in docs/emulators.md. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Engine, startEngine } from './engine.ts';
import { installDynamoDbLocal, installElasticMq, installMoto } from './install-engines.ts';

/** SQS, DynamoDB, S3, CloudFormation and the services that a template names; all state in memory. */
export async function startMoto(port: number): Promise<Engine> {
  return startEngine({
    name: 'moto',
    port,
    command: await installMoto(),
    args: ['-H', '127.0.0.1', '-p', String(port)],
  });
}

export async function startDynamoDbLocal(port: number): Promise<Engine> {
  const { classPath, libraries } = await installDynamoDbLocal();
  const flags = ['-inMemory', '-disableTelemetry', '-port', String(port)];
  return startEngine({
    name: 'DynamoDB Local',
    port,
    command: 'java',
    args: [`-Djava.library.path=${libraries}`, '-cp', classPath, 'LoopbackDynamoDb', ...flags],
    environment: { DDB_LOCAL_TELEMETRY: '0' },
  });
}

/** @param directory where its configuration may be written */
export async function startElasticMq(port: number, directory: string): Promise<Engine> {
  const configuration = path.join(directory, 'elasticmq.conf');
  await writeFile(
    configuration,
    `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${port}, context-path = "" }
rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = ${port}, sqs-limits = strict }
rest-stats.enabled = false
`,
  );
  return startEngine({
    name: 'ElasticMQ',
    port,
    command: 'java',
    args: [`-Dconfig.file=${configuration}`, '-cp', await installElasticMq(), 'org.elasticmq.server.Main'],
  });
}
