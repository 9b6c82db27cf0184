/** Asks Consul wherever it answers: the local agents first, then the servers. */
import { readFileSync } from "node:fs";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { describe } from "./log.mjs";
import { call } from "./http.mjs";

/** Without an answer for so long, the next one is asked as well: an agent answers in some 10 ms, and a renewal has some seconds in all. */
const HEDGE_MS = 400;
/** One that failed is asked after the others for so long: a stalled agent costs one HEDGE_MS in it, and not one a request. */
const AVOIDED_MS = 10_000;

/** Of a connection that failed: longer than any request on it may take, which is less than half of Consul's longest lock-delay. */
const CLOSED_AFTER_MS = 60_000;

/** @typedef { { url: string, status?: number, text: string }} Failure */

/** Nobody gave an answer that decides. */
export class Unanswered extends Error {
  /** @param {readonly Failure[]} failures one an endpoint that was asked */
  constructor(failures) {
    super(failures.map(({ url, text }) => `${url}: ${text}`).join("; ") || "nobody was asked");
    this.refused = failures.find(({ status }) => status === 403);
  }
}

/** Of the whole endpoint, or of its view: another one may know better. 403: a new token is not known everywhere at once. @param {number} status */
const undecided = (status) => status >= 500 || status === 429 || status === 403;

/** One agent or server, and the connection to it: kept while all is well, since a new one with TLS costs more than all else that the lease does. */
class Endpoint {
  failedAt = -Infinity;
  /** Whether there may be a connection that was kept. */
  kept = false;

  /** @param {string} url */
  constructor(url) {
    this.url = url.replace(/\/$/, "");
    this.agent = this.#newAgent();
  }

  /**
   * One that was kept open through a partition is silent for as long as its
   * retransmissions pause, when a new one works again: after any failure the next
   * request gets a new one. Those under way go on.
   */
  reconnect() {
    const { agent } = this;
    setTimeout(() => agent.destroy(), CLOSED_AFTER_MS).unref();
    this.agent = this.#newAgent();
    this.kept = false;
  }

  #newAgent() {
    return this.url.startsWith("https:") ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  }
}

export class Endpoints {
  /**
   * @param {readonly string[]} urls in the order in which they are asked
   * @param { { caFile?: string, now: () => number, log: import("./log.mjs").Log }} options
   */
  constructor(urls, { caFile, now, log }) {
    this.endpoints = urls.map((url) => new Endpoint(url));
    this.caFile = caFile;
    this.now = now;
    this.log = log;
    this.answering = this.endpoints[0];
  }

  /** Those that failed lately last, the one that failed longest ago first. */
  inOrder() {
    const failed = (/** @type {Endpoint} */ { failedAt }) => (this.now() - failedAt < AVOIDED_MS ? failedAt : -Infinity);
    return [...this.endpoints].sort((a, b) => (failed(a) === failed(b) ? 0 : failed(a) - failed(b)));
  }

  /**
   * Every request of the lease may arrive twice, or late: renewing, reading, giving
   * back and destroying have one outcome however often they are done; a session that
   * is made twice holds nothing and ends by itself; and a session takes a lock that it
   * holds already once more. One that arrives after the release ends with the session.
   *
   * @param {string} path @param { { token: string, body?: string, timeoutMs: number }} request `timeoutMs`: over all endpoints
   * @returns {Promise<import("./http.mjs").Answer>}
   * @throws {Unanswered} when nobody answers in time, or only by what leaves it open
   */
  ask(path, { token, body, timeoutMs }) {
    const order = this.inOrder();
    const endsAt = this.now() + timeoutMs;
    const left = () => Math.round(endsAt - this.now());
    const ca = this.authority();
    /** @type {Map<Endpoint, () => void>} asked, not answered yet: how to let go of them */
    const running = new Map();
    /** @type {Failure[]} */
    const failures = [];
    return new Promise((resolve, reject) => {
      let settled = false;
      /** @type {NodeJS.Timeout | undefined} */
      let hedge;
      const settle = (/** @type {() => void} */ finish) => {
        settled = true;
        clearTimeout(hedge);
        for (const abort of running.values()) abort();
        finish();
      };
      const failed = (/** @type {Endpoint} */ endpoint, /** @type {Omit<Failure, "url">} */ failure) => {
        if (settled) return;
        running.delete(endpoint);
        failures.push({ url: endpoint.url, ...failure });
        if (failure.status !== 403) this.failed(endpoint);
        if (order.length > 0 && left() > 0) askNext();
        else if (running.size === 0) settle(() => reject(new Unanswered(failures)));
      };
      const askNext = () => {
        clearTimeout(hedge);
        const endpoint = order.shift();
        if (endpoint === undefined) return;
        const { kept } = endpoint;
        const { answer, abort } = call(`${endpoint.url}${path}`, { method: "PUT", headers: { "x-consul-token": token }, body, ca, agent: endpoint.agent, timeoutMs: left() });
        running.set(endpoint, abort);
        if (order.length > 0) hedge = setTimeout(askNext, HEDGE_MS);
        answer.then(
          (given) => {
            if (settled) return;
            if (undecided(given.status)) return failed(endpoint, { status: given.status, text: `answered ${given.status}: ${given.text.trim().slice(0, 200)}` });
            running.delete(endpoint);
            this.answered(endpoint, [...running.keys()], failures);
            settle(() => resolve(given));
          },
          (error) => {
            if (settled || !kept || error.code === "TIMEOUT") return failed(endpoint, { text: describe(error) });
            // The other side has closed it meanwhile, which says nothing of a new one.
            running.delete(endpoint);
            endpoint.reconnect();
            order.unshift(endpoint);
            askNext();
          },
        );
      };
      askNext();
    });
  }

  /** @param {Endpoint} endpoint */
  failed(endpoint) {
    endpoint.failedAt = this.now();
    endpoint.reconnect();
  }

  /** @param {Endpoint} endpoint @param {readonly Endpoint[]} silent asked before it or beside it, and not heard of @param {readonly Failure[]} failures */
  answered(endpoint, silent, failures) {
    endpoint.failedAt = -Infinity;
    endpoint.kept = true;
    const rank = (/** @type {Endpoint} */ of) => this.endpoints.indexOf(of);
    for (const other of silent) this.failed(other);
    if (endpoint === this.answering) return;
    const why = [...failures.map(({ url, text }) => `${url}: ${text}`), ...silent.map(({ url }) => `${url}: no answer yet`)].join("; ");
    if (rank(endpoint) > rank(this.answering)) this.log("warning", "consul-endpoint", `Consul is asked at ${endpoint.url} now, since ${this.answering.url} fails; see to the Consul agent or server there`, { why });
    else this.log("info", "consul-endpoint", `Consul answers at ${endpoint.url} again`);
    this.answering = endpoint;
  }

  /** Read anew as well: an authority that is exchanged needs no restart. */
  authority() {
    if (this.caFile === undefined) return undefined;
    try {
      return readFileSync(this.caFile, "utf8");
    } catch {
      // Without it an https endpoint is not trusted, and says so.
      return undefined;
    }
  }
}
