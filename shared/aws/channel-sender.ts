/** The way out to WebSocket connections: API Gateway's management API. */
import {
  type ApiGatewayManagementApiClient,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';

export class ChannelSender {
  readonly #client: ApiGatewayManagementApiClient;

  constructor(client: ApiGatewayManagementApiClient) {
    this.#client = client;
  }

  /** @returns false where nobody is at the other end any more */
  async send(connection: string, message: unknown): Promise<boolean> {
    try {
      await this.#client.send(
        new PostToConnectionCommand({ ConnectionId: connection, Data: JSON.stringify(message) }),
      );
      return true;
    } catch (error) {
      if (
        error instanceof GoneException ||
        (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 410
      )
        return false;
      throw error;
    }
  }
}
