/**
 * A fleet on one machine: the two calls of ECS that the scaling function makes, with worker processes as tasks. As ECS
 * does, it starts and ends tasks to match the ordered count, ends none that asked its agent for protection, and starts
 * one anew that ended by itself.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { HOST } from './settings.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

export const CLUSTER = 'outboard-local';
export const SERVICE = 'outboard-local-workers';

interface FleetOptions {
  readonly port: number;
  readonly environment: Record<string, string>;
  /** Port of the first worker's metrics; the others take any that is free. */
  readonly metricsPort: number;
  readonly print: (line: string) => void;
}

interface Task {
  protected: boolean;
  readonly metricsPort: number;
  readonly process: Promise<WorkerProcess>;
}

export class LocalFleet {
  readonly #options: FleetOptions;
  readonly #tasks = new Map<number, Task>();
  /** Tasks that got their SIGTERM and are still at work. */
  readonly #ending = new Set<Promise<void>>();
  readonly #server = createServer(async (request, response) => {
    const answer = await this.#answer(request).catch((error: unknown) => ({
      status: 400,
      body: { message: `${error}` },
    }));
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(answer.body));
  });
  #desired = 0;
  #nextId = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Tasks that are there now. */
  get size(): number {
    return this.#tasks.size;
  }

  /** Of them, those that asked not to be ended. */
  get protectedTasks(): number {
    return [...this.#tasks.values()].filter((task) => task.protected).length;
  }

  async listen(): Promise<this> {
    const { port } = this.#options;
    await new Promise<void>((resolve, reject) =>
      this.#server.once('error', reject).listen(port, HOST, resolve),
    );
    return this;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const id of [...this.#tasks.keys()]) this.#end(id);
    await Promise.all(this.#ending);
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const body = (await json(request)) as Record<string, unknown>;
    const agent = /^\/agent\/(\d+)\/task-protection\/v1\/state$/.exec(request.url ?? '');
    if (agent !== null) return this.#protect(Number(agent[1]), body.ProtectionEnabled === true);
    switch (String(request.headers['x-amz-target']).split('.').at(-1)) {
      case 'UpdateService':
        this.#desired = Number(body.desiredCount);
        this.#match();
        return { status: 200, body: { service: this.#describe() } };
      case 'DescribeServices':
        return { status: 200, body: { services: [this.#describe()], failures: [] } };
      default:
        return { status: 400, body: { __type: 'UnsupportedOperation' } };
    }
  }

  #describe() {
    return {
      serviceName: SERVICE,
      desiredCount: this.#desired,
      runningCount: this.size,
      pendingCount: 0,
      events: [],
    };
  }

  #protect(id: number, wanted: boolean) {
    const task = this.#tasks.get(id);
    if (task === undefined) return { status: 404, body: { error: { Code: 'ResourceNotFoundException' } } };
    task.protected = wanted;
    if (!wanted) this.#match();
    return { status: 200, body: { protection: { ProtectionEnabled: wanted } } };
  }

  #match(): void {
    while (this.size < this.#desired) this.#begin();
    for (const [id, task] of [...this.#tasks].reverse()) {
      if (this.size <= this.#desired) return;
      if (!task.protected) this.#end(id);
    }
  }

  #begin(): void {
    const id = this.#nextId++;
    const { environment, port, print } = this.#options;
    const taken = [...this.#tasks.values()].some((task) => task.metricsPort === this.#options.metricsPort);
    const metricsPort = taken ? 0 : this.#options.metricsPort;
    print(`fleet   starting worker ${id}`);
    const process = startWorker({
      environment: {
        ...environment,
        OUTBOARD_METRICS_PORT: String(metricsPort),
        ECS_AGENT_URI: `http://${HOST}:${port}/agent/${id}`,
      },
      print,
      ...(metricsPort === 0 ? {} : { metricsPort }),
    });
    process.catch((error: unknown) => {
      print(`fleet   worker ${id} did not start: ${error}`);
      this.#tasks.delete(id);
    });
    this.#tasks.set(id, { protected: false, metricsPort, process });
  }

  #end(id: number): void {
    const task = this.#tasks.get(id);
    if (task === undefined) return;
    this.#tasks.delete(id);
    this.#options.print(`fleet   ending worker ${id}`);
    const ended = task.process
      .then((worker) => worker.close())
      .catch(() => undefined)
      .finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
