/** The functions of a stack, each started when it is first needed and again for as many as run at once, as Lambda does. */
import type { DeployedFunction } from '../stack.ts';
import { type LambdaFunction, startFunction } from './function.ts';

export class Functions {
  readonly #deployed: readonly DeployedFunction[];
  /** Added to what the stack gives each function: where the services are, and who asks them. */
  readonly #surroundings: Readonly<Record<string, string>>;
  readonly #idle = new Map<string, LambdaFunction[]>();
  readonly #all: LambdaFunction[] = [];

  constructor(deployed: readonly DeployedFunction[], surroundings: Readonly<Record<string, string>>) {
    this.#deployed = deployed;
    this.#surroundings = surroundings;
  }

  /** @param which logical id in the template, or deployed name */
  async invoke(which: string, event: unknown): Promise<unknown> {
    const found = this.#deployed.find(({ logicalId, name }) => logicalId === which || name === which);
    if (found === undefined) throw new Error(`There is no function ${which}.`);
    const idle = this.#idle.get(found.name) ?? [];
    this.#idle.set(found.name, idle);
    const instance = idle.pop() ?? (await this.#start(found));
    const answer = await instance.invoke(event);
    // One that failed or did not answer in time is not used again.
    idle.push(instance);
    return answer;
  }

  async #start({ zip, handler, name, timeoutMs, environment }: DeployedFunction): Promise<LambdaFunction> {
    const all = { ...environment, ...this.#surroundings };
    const started = await startFunction({ zip, handler, name, timeoutMs, environment: all });
    this.#all.push(started);
    return started;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.splice(0).map((each) => each.close()));
  }
}
