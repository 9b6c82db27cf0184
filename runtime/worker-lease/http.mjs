/** One HTTP request over node:http, which Bun and Node both have. */
import * as http from "node:http";
import * as https from "node:https";

/** Consul's answers have some hundred bytes; metrics some hundred kilobytes. */
const MAX_BODY_BYTES = 4 * 2 ** 20;

/** @typedef { { status: number, text: string }} Answer */

/**
 * @param {string} url
 * @param { { method?: string, headers?: Record<string, string>, body?: string, ca?: string, agent?: http.Agent | false, timeoutMs: number }} options
 *   `agent`: whose connections are used; default: a connection of its own. `timeoutMs`: for the whole of it, connecting included
 * @returns { { answer: Promise<Answer>, abort: () => void }} `answer` rejects when there is no whole answer; `abort` lets go of it
 */
export function call(url, { method = "GET", headers = {}, body, ca, agent = false, timeoutMs }) {
  const { request } = url.startsWith("https:") ? https : http;
  /** @type {(error: Error) => void} */
  let end = () => undefined;
  /** @type {Promise<Answer>} */
  const answer = new Promise((resolve, reject) => {
    let done = false;
    const finish = (/** @type {() => void} */ settle) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      settle();
    };
    const sent = body === undefined ? headers : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)), ...headers };
    const req = request(url, { method, headers: sent, agent, ...(ca === undefined ? {} : { ca }) }, (res) => {
      /** @type {Buffer[]} */
      const chunks = [];
      let size = 0;
      res.on("data", (/** @type {Buffer} */ chunk) => {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) end(new Error(`the answer exceeds ${MAX_BODY_BYTES} bytes`));
        else chunks.push(chunk);
      });
      res.on("end", () => finish(() => resolve({ status: res.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") })));
      res.on("error", (error) => end(error));
      res.on("aborted", () => end(new Error("the connection broke within the answer")));
    });
    end = (error) => {
      finish(() => reject(error));
      req.destroy();
    };
    const timer = setTimeout(() => end(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: "TIMEOUT" })), timeoutMs);
    req.on("error", (error) => end(error));
    req.end(body);
  });
  return { answer, abort: () => end(new Error("no longer needed")) };
}

/** @param {string} text @returns {any} undefined when it is not JSON */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
