/**
 * A plugin of the deploy command: refuses to deploy a stage whose fleet has no image to run, before anything is changed.
 * Packaging alone needs neither image nor credentials. Reads `custom.image` of serverless.yml.
 */
import type { ECRClientConfig } from '@aws-sdk/client-ecr';
import { ImageRegistry, REPOSITORY } from './registry.ts';

/** The part of the deploy command that is used here. */
interface Serverless {
  readonly service: {
    readonly custom?: { readonly image?: { readonly tag?: string; readonly fleet?: string } };
  };
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  getProvider(name: 'aws'): {
    getRegion(): string;
    getAwsSdkV3Config(): Promise<ECRClientConfig>;
  };
}

export default class RequireImage {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
    this.hooks = { 'before:deploy:deploy': () => this.#check() };
  }

  async #check(): Promise<void> {
    const { service, classes, getProvider } = this.#serverless;
    const { tag, fleet = 'gpu' } = service.custom?.image ?? {};
    if (fleet === 'none') return;
    if (tag === undefined) throw new classes.Error('custom.image.tag is not set.', 'IMAGE_TAG_MISSING');
    const aws = getProvider.call(this.#serverless, 'aws');
    const registry = new ImageRegistry(await aws.getAwsSdkV3Config());
    if ((await registry.find(String(tag))) !== undefined) return;
    const flags = `${fleet === 'cpu' ? '--cpu ' : ''}--push --region ${aws.getRegion()}`;
    throw new classes.Error(
      `The fleet has no image to run: ${REPOSITORY}:${tag} is not in ${aws.getRegion()}.\n` +
        `Build and push it first:\n\n  npm run image -- --stage ${tag} ${flags}\n\n` +
        'Or deploy without a fleet: --param fleet=none',
      'IMAGE_MISSING',
    );
  }
}
