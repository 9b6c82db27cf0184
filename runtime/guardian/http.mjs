/** One request at a time over node:http, which Bun and Node both have; also over a unix socket. */
import * as http from "node:http";
import * as https from "node:https";

/** An answer larger than this is no answer of the app: 250 rows are a tenth of it. */
const MAX_BODY_BYTES = 8 * 2 ** 20;

/**
 * @typedef {object} CallOptions
 * @property {string} [method] default GET
 * @property {Record<string, string>} [headers]
 * @property {string} [body]
 * @property {string} [socketPath] unix socket; the URL then gives the path only
 * @property {number} timeoutMs for the whole call, the name's look-up included
 */

/** @typedef { { status: number, text: string }} Answer */

/**
 * @param {string} url @param {CallOptions} options @returns {Promise<Answer>} whatever the status is
 * @throws {Error} when there is no whole answer in time
 */
export function call(url, { method = "GET", headers = {}, body, socketPath, timeoutMs }) {
  const { request } = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    const sent = body === undefined ? headers : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)), ...headers };
    // No kept connection: each call looks the name up again and sees where it leads now.
    const req = request(url, { method, headers: sent, agent: false, ...(socketPath ? { socketPath } : {}) }, (res) => {
      /** @type {Buffer[]} */
      const chunks = [];
      let size = 0;
      res.on("data", (/** @type {Buffer} */ chunk) => {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) req.destroy(new Error(`answer exceeds ${MAX_BODY_BYTES} bytes`));
        else chunks.push(chunk);
      });
      res.on("end", () => finish(() => resolve({ status: res.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") })));
      res.on("error", (error) => finish(() => reject(error)));
    });
    const timer = setTimeout(() => {
      finish(() => reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: "TIMEOUT" })));
      req.destroy();
    }, timeoutMs);
    let done = false;
    const finish = (/** @type {() => void} */ settle) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      settle();
    };
    req.on("error", (error) => finish(() => reject(error)));
    req.end(body);
  });
}

/** @param {string} text @returns {any} undefined when it is not JSON */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {unknown} error @returns {string} for logs and verdicts: code and message, never a body */
export function describe(error) {
  const { code, message } = /** @type { { code?: string, message?: string }} */ (error ?? {});
  return [code, message].filter((part, i, parts) => part && parts.indexOf(part) === i).join(": ") || String(error);
}
