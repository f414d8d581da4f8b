/** The image repository of an account: made when it is first needed, and asked what it holds. */
import {
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  type ECRClientConfig,
  GetAuthorizationTokenCommand,
  ImageAlreadyExistsException,
  ImageNotFoundException,
  PutImageCommand,
  PutLifecyclePolicyCommand,
  RepositoryAlreadyExistsException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import { CONTENT_PREFIX } from './content-tag.ts';

export const REPOSITORY = 'outboard-worker';

/** Only what no tag names: a stage that has not been deployed for a year must still find its image. */
const LIFECYCLE = {
  rules: [
    {
      rulePriority: 1,
      description: 'Layers that no tag names any more',
      selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
      action: { type: 'expire' },
    },
  ],
};

export interface Login {
  readonly username: string;
  readonly password: string;
  readonly endpoint: string;
}

export class ImageRegistry {
  readonly #ecr: ECRClient;

  constructor(config: ECRClientConfig) {
    this.#ecr = new ECRClient(config);
  }

  /** Makes the repository where it is missing. @returns its address, without a tag */
  async ensure(): Promise<string> {
    try {
      const made = await this.#ecr.send(
        new CreateRepositoryCommand({
          repositoryName: REPOSITORY,
          imageScanningConfiguration: { scanOnPush: true },
          // Stage tags move; what is named by its content must not.
          imageTagMutability: 'MUTABLE_WITH_EXCLUSION',
          imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: `${CONTENT_PREFIX}*` }],
        }),
      );
      await this.#ecr.send(
        new PutLifecyclePolicyCommand({
          repositoryName: REPOSITORY,
          lifecyclePolicyText: JSON.stringify(LIFECYCLE),
        }),
      );
      return made.repository?.repositoryUri ?? '';
    } catch (error) {
      if (!(error instanceof RepositoryAlreadyExistsException)) throw error;
      const names = { repositoryNames: [REPOSITORY] };
      const { repositories } = await this.#ecr.send(new DescribeRepositoriesCommand(names));
      return repositories?.[0]?.repositoryUri ?? '';
    }
  }

  /** The digest of the image that a tag names, if there is one. */
  async find(tag: string): Promise<string | undefined> {
    try {
      const images = { repositoryName: REPOSITORY, imageIds: [{ imageTag: tag }] };
      const { imageDetails } = await this.#ecr.send(new DescribeImagesCommand(images));
      return imageDetails?.[0]?.imageDigest;
    } catch (error) {
      if (error instanceof ImageNotFoundException || error instanceof RepositoryNotFoundException)
        return undefined;
      throw error;
    }
  }

  /** Lets `to` name the image that `from` names; nothing is fetched or pushed. */
  async move(from: string, to: string): Promise<void> {
    const images = { repositoryName: REPOSITORY, imageIds: [{ imageTag: from }] };
    const { images: [image] = [] } = await this.#ecr.send(new BatchGetImageCommand(images));
    if (image?.imageManifest === undefined) throw new Error(`${REPOSITORY}:${from} is not there.`);
    const named = { repositoryName: REPOSITORY, imageManifest: image.imageManifest, imageTag: to };
    const type = image.imageManifestMediaType;
    try {
      await this.#ecr.send(
        new PutImageCommand({ ...named, ...(type === undefined ? {} : { imageManifestMediaType: type }) }),
      );
    } catch (error) {
      // It names that image already.
      if (!(error instanceof ImageAlreadyExistsException)) throw error;
    }
  }

  /** A password for `docker login`, good for twelve hours. */
  async login(): Promise<Login> {
    const { authorizationData: [data] = [] } = await this.#ecr.send(new GetAuthorizationTokenCommand());
    const token = Buffer.from(data?.authorizationToken ?? '', 'base64').toString();
    const colon = token.indexOf(':');
    return {
      username: token.slice(0, colon),
      password: token.slice(colon + 1),
      endpoint: data?.proxyEndpoint ?? '',
    };
  }
}
