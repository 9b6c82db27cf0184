/** A folder, for a backend without S3. */
import { createReadStream, createWriteStream, mkdirSync } from "node:fs";
import { open, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import type { Bucket, Objects } from "./objects";

/** @param folder made when it is not there */
export function diskObjects(folder: string): Objects {
  const path = (bucket: Bucket, key: string) => join(folder, bucket, key);
  const prepared = (bucket: Bucket, key: string) => {
    const target = path(bucket, key);
    mkdirSync(dirname(target), { recursive: true });
    return target;
  };
  return {
    kind: "local",
    put: (bucket, key, content) => writeFile(prepared(bucket, key), content),
    sink(bucket, key) {
      const target = prepared(bucket, key);
      const stream = createWriteStream(`${target}.part`);
      return {
        write: (chunk) => new Promise((resolve, reject) => stream.write(chunk, (error) => (error ? reject(error) : resolve()))),
        async end() {
          await new Promise<void>((resolve, reject) => stream.once("error", reject).end(() => resolve()));
          await rename(`${target}.part`, target);
        },
      };
    },
    async read(bucket, key, start, end) {
      const file = await open(path(bucket, key));
      try {
        const { bytesRead, buffer } = await file.read(new Uint8Array(end - start), 0, end - start, start);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    stream: (bucket, key) => Readable.toWeb(createReadStream(path(bucket, key))) as ReadableStream<Uint8Array>,
    exists: (bucket, key) => stat(path(bucket, key)).then(() => true, () => false),
    remove: (bucket, key) => rm(path(bucket, key), { force: true }),
  };
}
