/** Who asks the emulators. They check no signature; DynamoDB Local takes letters and digits only. */
export const REGION = 'us-east-1';
export const credentials = { accessKeyId: 'emulator', secretAccessKey: 'emulator' };

export const accountEnvironment: Readonly<Record<string, string>> = {
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
};
