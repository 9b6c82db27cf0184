/** Takes the samples: probes of the API and the RL service, and reads of what ingestion leaves behind. */
import { call, describe, parsed } from "./http.mjs";
import { duplicateRuns, failedRuns, provesFreshness, unresolvedRetries } from "./runs.mjs";

/** @typedef {import("./verdict.mjs").Sample} Sample */
/** @typedef {import("./runs.mjs").Run} Run */

/**
 * @typedef {object} SourceSettings
 * @property {string} api base URL, the gateway's name
 * @property {string} rlService base URL, the gateway's name
 * @property {number} probeTimeoutMs
 * @property {number} readTimeoutMs
 * @property {number} runTimeoutMs the app's own time after which an unfinished run is abandoned
 * @property {number} lookBackMs how far back a given-up write counts
 */

/** Most rows that the API gives in one page, and the pages that are read at most: 1,000 runs in one window are beyond any worker. */
const PAGE_SIZE = 250;
const MAX_PAGES = 4;

/** Resolver trouble on this node says nothing about the service behind the name. */
const RESOLVER_TROUBLE = new Set(["EAI_AGAIN", "EAI_FAIL", "ESERVFAIL", "EREFUSED", "DNS_EAI_AGAIN", "DNS_ESERVFAIL"]);

/**
 * A probe as a sample. 2xx is well; a 5xx, a time-out or a refused connection is
 * an error; anything else is about the question and not about the service's health.
 * @param {Promise<import("./http.mjs").Answer>} answer @param {() => number} now
 * @returns {Promise<{ sample: Sample, text: string | undefined }>}
 */
export async function probe(answer, now) {
  try {
    const { status, text } = await answer;
    const at = now();
    if (status >= 200 && status < 300) return { sample: { at, error: false }, text };
    if (status >= 500) return { sample: { at, error: true }, text: undefined };
    return { sample: { at, missing: `answered ${status}, which says nothing of its health` }, text: undefined };
  } catch (error) {
    const code = String(/** @type { { code?: string }} */ (error).code);
    const at = now();
    return { sample: RESOLVER_TROUBLE.has(code) ? { at, missing: `its name cannot be resolved here (${code})` } : { at, error: true }, text: undefined };
  }
}

export class Sources {
  /** @param {SourceSettings} settings @param { { apiToken: string }} secrets @param {() => number} now */
  constructor(settings, secrets, now) {
    this.settings = settings;
    this.authorization = { authorization: `Bearer ${secrets.apiToken}` };
    this.now = now;
  }

  /** Two probes of the API: that it answers, and that it answers with data from its store. */
  async probeApi() {
    const { api, probeTimeoutMs, readTimeoutMs } = this.settings;
    const [health, status] = await Promise.all([
      probe(call(`${api}/health`, { timeoutMs: probeTimeoutMs }), this.now),
      probe(call(`${api}/data-sources/status`, { headers: this.authorization, timeoutMs: readTimeoutMs }), this.now),
    ]);
    return { samples: [health.sample, status.sample], fresh: status.text !== undefined && provesFreshness(parsed(status.text), this.now()) };
  }

  async probeRlService() {
    return (await probe(call(`${this.settings.rlService}/health`, { timeoutMs: this.settings.probeTimeoutMs }), this.now)).sample;
  }

  /**
   * One read of runs and retry queue. Both answer an empty 200 when their store
   * fails, so an empty answer counts only where another read proves that data arrives.
   * @param { { duplicates: number, failures: number }} windowsMs @param {boolean} fresh
   * @returns {Promise<{ duplicates: Sample, failures: Sample }>}
   */
  async readIngestion(windowsMs, fresh) {
    const [runs, retries] = await Promise.all([this.readRuns(Math.max(windowsMs.duplicates, windowsMs.failures)), this.readRetries()]);
    const at = this.now();
    const proven = fresh || ("rows" in runs && runs.rows.some((run) => Date.parse(run.started_at) > at - windowsMs.duplicates));
    /** @type {string | undefined} */
    const runsMissing = "missing" in runs ? runs.missing : runs.rows.length === 0 && !fresh ? "GET /ops/ingestion/runs gave an empty list, which it also does when its store fails, and no other read shows fresh data" : undefined;
    const retriesMissing = "missing" in retries ? retries.missing : retries.rows.length === 0 && !proven ? "GET /ops/retry-queue gave an empty list, and no other read shows fresh data" : undefined;
    const rows = "rows" in runs ? runs.rows : [];
    const items = "rows" in retries ? retries.rows : [];
    const missing = runsMissing ?? retriesMissing;
    return {
      duplicates: runsMissing ? { at, missing: runsMissing } : { at, count: duplicateRuns(rows, { now: at, windowMs: windowsMs.duplicates, timeoutMs: this.settings.runTimeoutMs }).length },
      failures: missing
        ? { at, missing }
        : { at, count: unresolvedRetries(items, { now: at, windowMs: windowsMs.failures, lookBackMs: this.settings.lookBackMs }).length + failedRuns(rows, { now: at, windowMs: windowsMs.failures, timeoutMs: this.settings.runTimeoutMs }).length },
    };
  }

  /**
   * Newest runs, back to before every run that could still have run in the window.
   * @param {number} windowMs @returns {Promise<{ rows: Run[] } | { missing: string }>}
   */
  async readRuns(windowMs) {
    const from = this.now() - windowMs - this.settings.runTimeoutMs;
    /** @type {Run[]} */
    const rows = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const answer = await this.read(`/ops/ingestion/runs?page=${page}&page_size=${PAGE_SIZE}`);
      if ("missing" in answer) return answer;
      if (!Array.isArray(answer.body?.data)) return { missing: "GET /ops/ingestion/runs answered without a list of runs" };
      const data = /** @type {Run[]} */ (answer.body.data);
      rows.push(...data);
      if (data.length < PAGE_SIZE || data.some((run) => Date.parse(run.started_at) < from)) return { rows };
    }
    // Older runs that might still run are worth a look; the window itself must be whole.
    const whole = rows.some((run) => Date.parse(run.started_at) <= from + this.settings.runTimeoutMs);
    return whole ? { rows } : { missing: `GET /ops/ingestion/runs gave ${rows.length} runs, and they do not reach back to the start of the window` };
  }

  /** @returns {Promise<{ rows: import("./runs.mjs").RetryItem[] } | { missing: string }>} */
  async readRetries() {
    const answer = await this.read(`/ops/retry-queue?limit=${PAGE_SIZE}`);
    if ("missing" in answer) return answer;
    return Array.isArray(answer.body) ? { rows: answer.body } : { missing: "GET /ops/retry-queue answered without a list" };
  }

  /** @param {string} path @returns {Promise<{ body: any } | { missing: string }>} */
  async read(path) {
    const name = `GET ${path.split("?")[0]}`;
    try {
      const { status, text } = await call(`${this.settings.api}${path}`, { headers: this.authorization, timeoutMs: this.settings.readTimeoutMs });
      return status === 200 ? { body: parsed(text) } : { missing: `${name} answered ${status}` };
    } catch (error) {
      return { missing: `${name} failed (${describe(error)})` };
    }
  }
}
