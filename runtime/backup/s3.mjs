/** The part of S3 that the backup speaks: which versions a bucket holds, and one of them as a stream. */
import * as http from "node:http";
import * as https from "node:https";
import { AwsV4Signer } from "aws4fetch";

/** S3's own most. */
const PAGE = 1000;
/** Silence for so long is a connection that is gone: MinIO sends what it has at once. */
const SILENCE_MS = 60_000;
const LONGEST_ANSWER = 16 * 2 ** 20;

/** @typedef { { key: string, versionId: string, latest: boolean, marker: boolean, modified: number, size: number }} Version */
/** @typedef { { endpoint: string, keyId: string, secret: string }} S3Access */

/** @param {string} text of an XML element */
function decoded(text) {
  return text.replace(/&(?:lt|gt|quot|apos|amp|#(\d+)|#x([0-9a-fA-F]+));/g, (entity, decimal, hex) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    return /** @type {Record<string, string>} */ ({ "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&" })[entity];
  });
}

/** @param {string} xml @param {string} name @returns {string | undefined} */
function element(xml, name) {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml);
  return found ? decoded(found[1]) : undefined;
}

/** @param {string} text */
const unescaped = (text) => decodeURIComponent(text.replaceAll("+", "%20"));

/**
 * One page of ListObjectVersions. Its lists are flat, so that it takes no parser.
 * @param {string} xml
 * @returns {{ versions: Version[], next: { key: string, versionId: string } | undefined }}
 */
export function parsePage(xml) {
  if (!xml.includes("<ListVersionsResult")) throw new Error("MinIO answered the list of versions with something else");
  // Asked for, since XML cannot hold every character that a key may; whoever did not hear it says so by its silence.
  const inUrlEncoding = element(xml, "EncodingType") === "url";
  const keyOf = (/** @type {string} */ body, /** @type {string} */ name) => {
    const text = element(body, name);
    return text !== undefined && inUrlEncoding ? unescaped(text) : text;
  };
  const versions = [...xml.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)].map(([, kind, body]) => {
    const key = keyOf(body, "Key");
    const modified = Date.parse(element(body, "LastModified") ?? "");
    if (key === undefined || Number.isNaN(modified)) throw new Error("MinIO listed a version without a key or a time");
    return { key, versionId: element(body, "VersionId") ?? "null", latest: element(body, "IsLatest") === "true", marker: kind === "DeleteMarker", modified, size: Number(element(body, "Size") ?? 0) };
  });
  if (element(xml, "IsTruncated") !== "true") return { versions, next: undefined };
  const key = keyOf(xml, "NextKeyMarker");
  if (key === undefined) throw new Error("MinIO cut its list of versions without saying where it goes on");
  return { versions, next: { key, versionId: element(xml, "NextVersionIdMarker") ?? "" } };
}

/** @param {string} path of a key: each part by itself */
const encodedKey = (path) => path.split("/").map((part) => encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)).join("/");

export class S3 {
  /** @param {S3Access} access */
  constructor({ endpoint, keyId, secret }) {
    this.endpoint = endpoint.replace(/\/$/, "");
    this.keyId = keyId;
    this.secret = secret;
  }

  /**
   * @param {string} pathAndQuery
   * @returns {Promise<import("node:http").IncomingMessage>} an answer with status 200, its body not read yet
   */
  async get(pathAndQuery) {
    const signer = new AwsV4Signer({ url: `${this.endpoint}${pathAndQuery}`, method: "GET", accessKeyId: this.keyId, secretAccessKey: this.secret, service: "s3", region: "us-east-1" });
    const { url, headers } = await signer.sign();
    const { request } = url.protocol === "https:" ? https : http;
    return new Promise((resolve, reject) => {
      const sent = request(url, { headers: Object.fromEntries(headers), timeout: SILENCE_MS }, (answer) => {
        if (answer.statusCode === 200) return resolve(answer);
        text(answer).then(
          (body) => reject(Object.assign(new Error(`MinIO at ${this.endpoint} answered ${answer.statusCode}${element(body, "Code") ? ` (${element(body, "Code")}: ${element(body, "Message") ?? ""})` : ""}`), { status: answer.statusCode })),
          reject,
        );
      });
      sent.once("timeout", () => sent.destroy(new Error(`MinIO at ${this.endpoint} was silent for ${SILENCE_MS / 1000} s`)));
      sent.once("error", reject);
      sent.end();
    });
  }

  /** @param {string} bucket @returns {Promise<boolean>} whether what is deleted stays */
  async versioned(bucket) {
    return element(await text(await this.get(`/${bucket}?versioning=`)), "Status") === "Enabled";
  }

  /**
   * The versions of each key, newest first; keys in the order of their bytes.
   * @param {string} bucket @returns {AsyncGenerator<{ key: string, versions: Version[] }>}
   */
  async *keys(bucket) {
    /** @type {Version[]} */
    let held = [];
    /** @type { { key: string, versionId: string } | undefined} */
    let from;
    do {
      const query = new URLSearchParams({ "encoding-type": "url", "max-keys": String(PAGE), versions: "", ...(from ? { "key-marker": from.key, "version-id-marker": from.versionId } : {}) });
      const page = parsePage(await text(await this.get(`/${bucket}?${query.toString().replaceAll("+", "%20")}`)));
      if (page.next && page.versions.length === 0) throw new Error(`MinIO cut its list of ${bucket} after nothing`);
      /** @type {Map<string, Version[]>} */
      const byKey = new Map();
      for (const version of [...held, ...page.versions]) byKey.set(version.key, [...(byKey.get(version.key) ?? []), version]);
      const keys = [...byKey.keys()].sort(byBytes);
      // The last key's list may go on with the next page.
      held = page.next ? (byKey.get(keys[keys.length - 1]) ?? []) : [];
      for (const key of page.next ? keys.slice(0, -1) : keys) yield { key, versions: newestFirst(byKey.get(key) ?? []) };
      from = page.next;
    } while (from);
  }

  /** @param {string} bucket @param {Version} version */
  object(bucket, { key, versionId }) {
    return this.get(`/${bucket}/${encodedKey(key)}?versionId=${encodeURIComponent(versionId)}`);
  }
}

/** @param {string} a @param {string} b */
export function byBytes(a, b) {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** @param {Version[]} versions */
function newestFirst(versions) {
  return [...versions].sort((a, b) => Number(b.latest) - Number(a.latest) || b.modified - a.modified);
}

/** @param {import("node:http").IncomingMessage} answer @returns {Promise<string>} */
async function text(answer) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  for await (const chunk of answer) {
    size += chunk.length;
    if (size > LONGEST_ANSWER) throw new Error(`MinIO's answer exceeds ${LONGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
