/** Writes a generated data set as a snapshot's zip file, streaming: the same for the same seed and size, to the byte. */
import { createCipheriv, createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile, type ReadStreamOptions } from "yazl";
import { silentProgress, type Progress } from "../progress";
import { fieldsText } from "./notation";
import { Random, randomId } from "./random";
import { DATASET_TABLES, documentsOf } from "./tables";

export interface DatasetOptions {
  readonly seed: number;
  /** Of documents and files together, uncompressed. Small values still give every table its least documents. */
  readonly bytes: number;
  /** The part of it that files get. 0: a snapshot without files. @default 0.25 */
  readonly fileShare?: number;
  /** @default 64, or fewer where each would have less than a kibibyte */
  readonly files?: number;
  /** @default silent */
  readonly progress?: Progress;
}

export interface Dataset {
  readonly path: string;
  /** Documents of each table by its name. */
  readonly documents: Readonly<Record<string, number>>;
  readonly files: number;
  /** Uncompressed. */
  readonly bytes: number;
}

/** Lines are handed to the compressor in pieces of about this size. */
const PIECE_BYTES = 128 * 1024;
const MTIME = new Date("2026-01-01T00:00:00Z");
/** Fast: the data set is for moving, not for keeping. */
const LEVEL = 1;

const CONTENT_TYPES: readonly (readonly [string | undefined, string])[] = [["application/zip", ".zip"], ["text/plain", ".txt"], ["application/octet-stream", ".bin"], [undefined, ""], ["image/png", ".png"], ["application/json", ".json"]];

interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly key: Buffer;
  readonly row: string;
}

export async function writeDataset(path: string, { seed, bytes, fileShare = 0.25, files: wanted = 64, progress = silentProgress }: DatasetOptions): Promise<Dataset> {
  const step = progress.step("writing a data set", bytes);
  let written = 0;
  const advance = (n: number): void => {
    written += n;
    step.advance(n);
  };
  const files = fileShare === 0 ? [] : await storedFiles(seed, bytes * fileShare, wanted);
  const documents: Record<string, number> = {};
  const zip = new ZipFile();
  const options = { mtime: MTIME, mode: 0o100644, compressionLevel: LEVEL } as Partial<ReadStreamOptions>;
  const add = (name: string, chunks: () => AsyncIterable<Buffer> | Iterable<Buffer>): void => zip.addReadStreamLazy(name, options, (done) => done(null, Readable.from(chunks(), { objectMode: false, highWaterMark: PIECE_BYTES })));
  const text = (name: string, content: string): void => add(name, () => [Buffer.from(content)]);

  text("README.md", "# A generated data set\n\nIn the form of a snapshot of a Convex deployment.\n");
  text("_tables/documents.jsonl", DATASET_TABLES.map(({ name, number }) => `{"id":${number},"name":"${name}"}\n`).join(""));
  for (const table of DATASET_TABLES) {
    add(`${table.name}/documents.jsonl`, function* () {
      documents[table.name] = 0;
      let piece = "";
      for (const line of documentsOf(table, seed, bytes * (1 - fileShare) * table.share, files.map(({ id }) => id))) {
        documents[table.name]++;
        piece += `${line}\n`;
        if (piece.length < PIECE_BYTES) continue;
        advance(piece.length);
        yield Buffer.from(piece);
        piece = "";
      }
      advance(piece.length);
      yield Buffer.from(piece);
    });
    text(`${table.name}/generated_schema.jsonl`, '"uniform"\n');
  }
  if (fileShare > 0) {
    text("_storage/documents.jsonl", files.map(({ row }) => `${row}\n`).join(""));
    for (const file of files) {
      add(file.name, function* () {
        for (const chunk of fileBytes(file)) {
          advance(chunk.length);
          yield chunk;
        }
      });
    }
  }
  zip.end();
  try {
    await pipeline(zip.outputStream, createWriteStream(path));
  } catch (error) {
    step.failed((error as Error).message);
    throw error;
  }
  step.done(`${Object.values(documents).reduce((sum, count) => sum + count, 0)} documents, ${files.length} files`);
  return { path, documents, files: files.length, bytes: written };
}

async function storedFiles(seed: number, bytes: number, wanted: number): Promise<StoredFile[]> {
  const random = new Random(seed ^ 0x5ee1f11e);
  const count = Math.max(4, Math.min(wanted, Math.floor(bytes / 1024)));
  const files: StoredFile[] = [];
  for (let index = 0; index < count; index++) {
    const id = randomId(random, "kg2");
    const [contentType, extension] = CONTENT_TYPES[index % CONTENT_TYPES.length];
    // The third is empty: a file of no bytes is a file.
    const size = index === 2 ? 0 : Math.floor(bytes / count) + random.below(512);
    const key = createHash("sha256").update(`${seed} ${index}`).digest();
    const hash = createHash("sha256");
    for (const chunk of fileBytes({ size, key })) hash.update(chunk);
    const internalId = key.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
    const row = fieldsText({ _creationTime: 1_767_225_600_000 + index / 4, _id: id, ...(contentType === undefined ? {} : { contentType }), internalId, sha256: hash.digest("base64"), size: BigInt(size) });
    files.push({ id, name: `_storage/${id}${extension}`, size, key, row });
  }
  return files;
}

/** A stream cipher's key stream: bytes that do not compress, as fast as they can be written. */
function* fileBytes({ size, key }: Pick<StoredFile, "size" | "key">): Generator<Buffer> {
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
  const zeros = Buffer.alloc(PIECE_BYTES);
  for (let left = size; left > 0; left -= PIECE_BYTES) yield cipher.update(left < PIECE_BYTES ? zeros.subarray(0, left) : zeros);
}
