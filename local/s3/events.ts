/**
 * ObjectCreated events, and the JSON in which AWS Lambda receives them. The key is encoded as AWS does, with `+`
 * for a space: a handler that forgets to decode it fails here as it would there.
 */
import type { S3Event } from 'aws-lambda';
import type { CreatedBy, ObjectRecord } from './objects.ts';

export interface ObjectCreated {
  bucket: string;
  key: string;
  size: number;
  /** Without quotes. */
  eTag: string;
  /** Of two events of one key, the later has the greater text. */
  sequencer: string;
  at: Date;
  by: CreatedBy;
}

export const objectCreated = (record: ObjectRecord, by: CreatedBy): ObjectCreated => ({
  bucket: record.bucket,
  key: record.key,
  size: record.size,
  eTag: record.eTag,
  sequencer: record.sequencer,
  at: new Date(record.modified),
  by,
});

const encodeKey = (key: string): string =>
  encodeURIComponent(key)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** The event with which S3 invokes a Lambda function. */
export function s3Event(created: ObjectCreated, region = 'us-east-1'): S3Event {
  const principal = { principalId: 'local' };
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: region,
        eventTime: created.at.toISOString(),
        eventName: `ObjectCreated:${created.by}`,
        userIdentity: principal,
        requestParameters: { sourceIPAddress: '127.0.0.1' },
        responseElements: { 'x-amz-request-id': created.sequencer, 'x-amz-id-2': created.sequencer },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'local',
          bucket: { name: created.bucket, ownerIdentity: principal, arn: `arn:aws:s3:::${created.bucket}` },
          object: {
            key: encodeKey(created.key),
            size: created.size,
            eTag: created.eTag,
            sequencer: created.sequencer,
          },
        },
      },
    ],
  };
}
