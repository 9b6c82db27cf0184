/** Buckets of an S3 service, path style. Like the real backend, it makes none. */
import { S3Client } from "bun";
import type { Bucket, Objects } from "./objects";

export interface S3Settings {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly buckets: Readonly<Record<Bucket, string>>;
}

/** S3 takes parts from this size on; a larger one only costs memory. */
const PART_SIZE = 5 * 1024 * 1024;

/** @param prefix starts every key: instances may share buckets */
export function s3Objects(settings: S3Settings, prefix: string): Objects {
  const { endpoint, region, accessKeyId, secretAccessKey } = settings;
  const client = new S3Client({ endpoint, region, accessKeyId, secretAccessKey, virtualHostedStyle: false });
  const file = (bucket: Bucket, key: string, type?: string) => client.file(`${prefix}/${key}`, { bucket: settings.buckets[bucket], ...(type && { type }) });
  return {
    kind: "s3",
    async put(bucket, key, content, contentType) {
      await file(bucket, key, contentType).write(content);
    },
    sink(bucket, key, contentType) {
      const writer = file(bucket, key, contentType).writer({ partSize: PART_SIZE, queueSize: 2, retry: 3 });
      return {
        async write(chunk) {
          writer.write(chunk);
          await writer.flush();
        },
        async end() {
          await writer.end();
        },
      };
    },
    read: async (bucket, key, start, end) => new Uint8Array(await file(bucket, key).slice(start, end).arrayBuffer()),
    stream: (bucket, key) => file(bucket, key).stream(),
    exists: (bucket, key) => file(bucket, key).exists(),
    remove: (bucket, key) => file(bucket, key).delete(),
  };
}
