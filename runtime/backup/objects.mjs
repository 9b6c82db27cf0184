/**
 * Copies every object that a dumped row may name: those that are there now, and
 * those that were deleted since the dump began. Objects are written before the row
 * that names them, and the buckets keep what was deleted: nothing is missing.
 */
import { createHash } from "node:crypto";
import { createWriteStream, mkdirSync, rmSync, statfsSync, writeFileSync, appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Small objects spend their time waiting for an answer; more at once would take disk and network from the app. */
const AT_ONCE = 8;
const TRIES = 4;
/** After the first failure; then twice, then four times as long: what restarts is back by then. */
const FIRST_PAUSE_MS = 1_000;
/** Lines that are written together; keeps memory flat. */
const BATCH = 512;

/** @typedef {import("./s3.mjs").Version} Version */
/** @typedef { { bucket: string, key: string, size: number, sha256: string, contentType?: string, deleted?: true }} Line */
/** @typedef { { objects: number, bytes: number, deletedSinceStart: number, digest: string }} BucketCount */

/**
 * The version of a key that belongs into the backup.
 * @param {readonly Version[]} versions newest first
 * @param {number} deletedAfter epoch milliseconds
 * @returns {{ version: Version, deleted: boolean } | undefined} undefined: it was gone before the dump began
 */
export function wanted(versions, deletedAfter) {
  const [current] = versions;
  if (current === undefined) return undefined;
  if (!current.marker) return { version: current, deleted: false };
  if (current.modified < deletedAfter) return undefined;
  const version = versions.find(({ marker }) => !marker);
  return version && { version, deleted: true };
}

/** Why a key cannot be a file's path below its bucket's folder; undefined when it can. @param {string} key */
export function unsafeKey(key) {
  if (key.length === 0 || key.includes("\0")) return "it is empty or holds a zero byte";
  const parts = key.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return "a part of it is empty or dots alone";
  if (parts.some((part) => Buffer.byteLength(part) > 255)) return "a part of it is longer than a file's name may be";
  return undefined;
}

/**
 * @param {import("./s3.mjs").S3} s3 @param {readonly string[]} buckets
 * @param { { folder: string, inventory: string, deletedAfter: number, reserveBytes: number, pauseMs?: number, log: (message: string) => void }} options
 *   inventory: file that gets a line for each object; reserveBytes: free space that is left on the disk of folder
 * @returns {Promise<Record<string, BucketCount>>}
 */
export async function copyObjects(s3, buckets, { folder, inventory, deletedAfter, reserveBytes, pauseMs = FIRST_PAUSE_MS, log }) {
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(inventory, "", { mode: 0o600 });
  /** @type {Record<string, BucketCount>} */
  const counts = {};
  for (const bucket of buckets) {
    mkdirSync(join(folder, bucket), { recursive: true, mode: 0o700 });
    const count = { objects: 0, bytes: 0, deletedSinceStart: 0 };
    const digest = createHash("sha256");
    /** @param {{ version: Version, deleted: boolean }[]} batch */
    const copy = async (batch) => {
      room(folder, batch.reduce((bytes, { version }) => bytes + version.size, 0), reserveBytes);
      const lines = await together(batch, async ({ version, deleted }) => {
        const { sha256, contentType } = await patiently(() => download(s3, bucket, version, join(folder, bucket, version.key)), pauseMs, (error) => log(`${bucket}/${version.key}: ${error}; again`));
        return /** @type {Line} */ ({ bucket, key: version.key, size: version.size, sha256, ...(contentType ? { contentType } : {}), ...(deleted ? { deleted: true } : {}) });
      });
      for (const line of lines) {
        count.objects += 1;
        count.bytes += line.size;
        count.deletedSinceStart += Number(line.deleted ?? false);
      }
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
      digest.update(text);
      appendFileSync(inventory, text);
    };
    /** @type {{ version: Version, deleted: boolean }[]} */
    let batch = [];
    for await (const { key, versions } of s3.keys(bucket)) {
      const object = wanted(versions, deletedAfter);
      if (!object) continue;
      const unsafe = unsafeKey(key);
      if (unsafe) throw new Error(`the object ${JSON.stringify(key)} of ${bucket} cannot be kept as a file: ${unsafe}; Convex writes no such key, so find out who did, and delete or rename it`);
      batch.push(object);
      if (batch.length >= BATCH) {
        await copy(batch);
        batch = [];
      }
    }
    await copy(batch);
    counts[bucket] = { ...count, digest: digest.digest("hex") };
    log(`${bucket}: ${count.objects} objects, ${count.bytes} bytes${count.deletedSinceStart ? `, ${count.deletedSinceStart} of them deleted since the dump began` : ""}`);
  }
  return counts;
}

/** @param {string} folder @param {number} bytes that are about to be written @param {number} reserve @throws {Error} when less than the reserve would be left */
function room(folder, bytes, reserve) {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free - bytes >= reserve) return;
  const mib = (/** @type {number} */ n) => Math.floor(n / 2 ** 20);
  throw new Error(`there is no room for the next objects (${mib(bytes)} MiB): ${mib(free)} MiB are free on the disk of Nomad's data folder, and ${mib(reserve)} MiB are kept free for the servers of Nomad and Consul that share it; make room on this node (docs/backup.md), or give it a larger disk`);
}

/** @param {import("./s3.mjs").S3} s3 @param {string} bucket @param {Version} version @param {string} file */
async function download(s3, bucket, version, file) {
  const answer = await s3.object(bucket, version);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  let size = 0;
  const counting = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(answer, counting, createWriteStream(file, { mode: 0o600 }));
  if (size !== version.size) throw new Error(`MinIO listed ${version.size} bytes and gave ${size}`);
  const contentType = answer.headers["content-type"];
  return { sha256: hash.digest("hex"), contentType };
}

/** Several at once, the results in order. @template T, R @param {readonly T[]} items @param {(item: T) => Promise<R>} work @returns {Promise<R[]>} */
async function together(items, work) {
  /** @type {R[]} */
  const results = new Array(items.length);
  let next = 0;
  let failed = false;
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, items.length) }, async () => {
      while (next < items.length && !failed) {
        const at = next++;
        try {
          results[at] = await work(items[at]);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    }),
  );
  return results;
}

/** @template R @param {() => Promise<R>} work @param {number} pauseMs @param {(reason: string) => void} report @returns {Promise<R>} */
async function patiently(work, pauseMs, report) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const { status, message } = /** @type { { status?: number, message: string }} */ (error);
      // 4xx is the answer, and stays so.
      if (attempt === TRIES || (status !== undefined && status < 500)) throw error;
      report(message);
      await new Promise((resolve) => setTimeout(resolve, pauseMs * 2 ** (attempt - 1)));
    }
  }
}
