/**
 * The cutover's ledger: one Nomad variable an entry, created only where there is
 * none (check-and-set 0), so that nothing is ever rewritten.
 */
import { Backlog } from "./backlog.mjs";
import { call, describe, parsed } from "./http.mjs";

/** @typedef { { path: string, items: Record<string, string> }} Entry */

/**
 * @typedef {object} NomadApi
 * @property {string} [address] base URL of an agent
 * @property {string} [socketPath] the task API's unix socket; goes before the address
 * @property {string} token the workload identity
 */

/** A day of verdicts that change every few minutes; entries are small. */
const MOST_WAITING = 500;
const TIMEOUT_MS = 10_000;

export class Ledger {
  /**
   * @param { { folder: string, namespace: string, writer: string }} settings writer: tells apart whoever writes to the folder
   * @param {NomadApi} nomad
   * @param { { now: () => number, log: (level: string, message: string) => void }} runtime
   */
  constructor({ folder, namespace, writer }, nomad, { now, log }) {
    this.folder = folder;
    this.namespace = namespace;
    this.writer = writer;
    this.nomad = nomad;
    this.now = now;
    this.log = log;
    this.count = 0;
    this.backlog = new Backlog((/** @type {Entry} */ entry) => this.write(entry), {
      limit: MOST_WAITING,
      // A summary says what the entries around it say.
      expendable: (entry) => entry.items.kind === "summary",
      onFailure: (error) => log("warning", `the ledger cannot be written, ${this.backlog.waiting.length} entries wait: ${describe(error)}`),
      now,
    });
  }

  /** @param {string} kind @param {Record<string, string | number | null>} fields */
  append(kind, fields) {
    const at = new Date(this.now()).toISOString();
    this.count += 1;
    const id = `${at.replace(/[-:.]/g, "")}-${this.writer}-${String(this.count).padStart(4, "0")}`;
    const items = Object.fromEntries(Object.entries({ id, kind, at, writer: this.writer, ...fields }).map(([key, value]) => [key, value === null ? "" : String(value)]));
    this.backlog.add({ path: `${this.folder}/${id}`, items });
  }

  /**
   * Creates the entry's variable. A conflict with the same entry is an answer that
   * was lost on its way; with another one, the entry gets the next free name.
   * @param {Entry} entry
   */
  async write(entry) {
    for (let name = entry.path, n = 2; ; name = `${entry.path}-${n}`, n += 1) {
      const { status } = await this.request("PUT", name, "&cas=0", JSON.stringify({ Namespace: this.namespace, Path: name, Items: entry.items }));
      if (status === 200) return;
      if (status !== 409) throw new Error(`PUT of ${name} answered ${status}`);
      const present = await this.request("GET", name, "");
      if (present.status !== 200) throw new Error(`GET of ${name} answered ${present.status}`);
      if (parsed(present.text)?.Items?.id === entry.items.id) return;
      this.log("warning", `${name} is another entry; ${entry.items.id} is written beside it`);
    }
  }

  /** @param {string} method @param {string} path @param {string} query @param {string} [body] */
  request(method, path, query, body) {
    const base = this.nomad.socketPath ? "http://localhost" : this.nomad.address;
    return call(`${base}/v1/var/${path}?namespace=${encodeURIComponent(this.namespace)}${query}`, { method, headers: { "x-nomad-token": this.nomad.token }, body, socketPath: this.nomad.socketPath, timeoutMs: TIMEOUT_MS });
  }
}
