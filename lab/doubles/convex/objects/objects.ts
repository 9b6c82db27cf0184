/** Where files, exports and uploads lie: buckets in the cluster, a folder on the legacy host. */
export const BUCKETS = ["files", "exports", "imports"] as const;
export type Bucket = (typeof BUCKETS)[number];

export interface ObjectSink {
  write(chunk: Uint8Array): Promise<void>;
  /** The object is there once this resolves. */
  end(): Promise<void>;
}

export interface Objects {
  /** Kind and place, which a database must not change: "s3" or "local". */
  readonly kind: "s3" | "local";
  put(bucket: Bucket, key: string, content: Uint8Array, contentType?: string): Promise<void>;
  /** Writes an object piece by piece, in flat memory. */
  sink(bucket: Bucket, key: string, contentType: string): ObjectSink;
  /** Bytes of an object from `start` to before `end`. @throws when there is no such object */
  read(bucket: Bucket, key: string, start: number, end: number): Promise<Uint8Array>;
  stream(bucket: Bucket, key: string): ReadableStream<Uint8Array>;
  exists(bucket: Bucket, key: string): Promise<boolean>;
  remove(bucket: Bucket, key: string): Promise<void>;
}
