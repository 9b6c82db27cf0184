/** Snapshots of the clusters below: what Nomad, Consul and Vault themselves hold. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { join } from "node:path";
import { Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { describe } from "../guardian/http.mjs";

/** A snapshot is made before its first byte is sent; a large one takes seconds. */
const SILENCE_MS = 120_000;

/** @typedef { { taken: true, bytes: number, sha256: string } | { taken: false, reason: string }} Snapshot */
/** @typedef { { name: "nomad" | "consul" | "vault", title: string, permitted: boolean, reason?: string, url?: string, socketPath?: string, headers: Record<string, string>, caFile?: string, digestHeader?: string, missing?: string }} Source */

/**
 * Nomad's is taken always, the others where the environment permits it. One that
 * fails does not cost the backup of the data: it is said in the manifest and alerted.
 * @param {readonly Source[]} sources @param {string} folder @param {(message: string) => void} log
 * @returns {Promise<{ cluster: Record<string, Snapshot>, warnings: string[] }>}
 */
export async function takeSnapshots(sources, folder, log) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  /** @type {Record<string, Snapshot>} */
  const cluster = {};
  /** @type {string[]} */
  const warnings = [];
  for (const source of sources) {
    if (!source.permitted) {
      cluster[source.name] = { taken: false, reason: `not permitted by the environment (dataPlane.backup.clusterSnapshots.${source.name}): ${source.reason ?? ""}` };
      continue;
    }
    const file = join(folder, `${source.name}.snap`);
    try {
      if (source.missing) throw new Error(source.missing);
      cluster[source.name] = await save(source, file);
      log(`snapshot of ${source.title}: ${/** @type { { bytes: number }} */ (cluster[source.name]).bytes} bytes`);
    } catch (error) {
      rmSync(file, { force: true });
      const reason = `${source.title} gave no snapshot: ${describe(error)}`;
      cluster[source.name] = { taken: false, reason };
      warnings.push(reason);
      log(reason);
    }
  }
  return { cluster, warnings };
}

/** @param {Source} source @param {string} file @returns {Promise<Snapshot>} */
async function save(source, file) {
  const answer = await get(source);
  const hash = createHash("sha256");
  let bytes = 0;
  const counting = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(answer, counting, createWriteStream(file, { mode: 0o600 }));
  const sum = hash.digest();
  const said = source.digestHeader === undefined ? undefined : answer.headers[source.digestHeader];
  if (typeof said === "string" && said !== `sha-256=${sum.toString("base64")}`) throw new Error("what arrived is not what it said it would send: its digest differs");
  // All three are gzip, which ends with a checksum: a snapshot that was cut off is found here.
  await pipeline(createReadStream(file), createGunzip(), new Writable({ write: (_chunk, _encoding, done) => done() })).catch((error) => {
    throw new Error(`what it sent is no whole archive (${describe(error)})`);
  });
  return { taken: true, bytes, sha256: sum.toString("hex") };
}

/** @param {Source} source @returns {Promise<import("node:http").IncomingMessage>} */
function get({ title, url = "", socketPath, headers, caFile }) {
  return new Promise((resolve, reject) => {
    const { request } = url.startsWith("https:") ? https : http;
    const sent = request(url, { headers, timeout: SILENCE_MS, agent: false, ...(socketPath ? { socketPath } : {}), ...(caFile ? { ca: readFileSync(caFile) } : {}) }, (answer) => {
      if (answer.statusCode === 200) return resolve(answer);
      answer.resume();
      reject(new Error(`it answered ${answer.statusCode}${answer.statusCode === 403 ? ": its token may not take one; see docs/backup.md, \"Snapshots of the clusters\"" : ""}`));
    });
    sent.once("timeout", () => sent.destroy(new Error(`${title} was silent for ${SILENCE_MS / 1000} s`)));
    sent.once("error", reject);
    sent.end();
  });
}
