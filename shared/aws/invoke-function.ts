/**
 * Calls a Lambda function without waiting for it. A file of its own, because it is imported late: of a package imported
 * late a bundle holds everything, of one named here only these two.
 */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

interface ClientSettings {
  readonly region: string;
  readonly endpoint?: string;
}

export async function invokeFunction(settings: ClientSettings, name: string, payload: object): Promise<void> {
  const command = { FunctionName: name, InvocationType: 'Event', Payload: JSON.stringify(payload) } as const;
  await new LambdaClient(settings).send(new InvokeCommand(command));
}
