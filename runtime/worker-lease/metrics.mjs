/** /metrics in Prometheus's text format 0.0.4: the lease's own, then the worker's. */
import { call } from "./http.mjs";
import { describe } from "./log.mjs";

const PREFIX = "gvfx_worker_lease_";
/** @type {readonly import("./protocol.mjs").Phase[]} */
const PHASES = ["standby", "acquiring", "active", "draining", "killing", "releasing", "destroying", "done"];
/** Well within the 10 s that a scrape has by default; the worker answers from memory. */
export const CHILD_TIMEOUT_MS = 1_000;

/**
 * @typedef {object} Reading
 * @property {import("./protocol.mjs").Phase} phase
 * @property {boolean} running
 * @property {number | null} remainingMs
 * @property {number | null} sinceRenewalMs since the last renewal that succeeded was sent
 * @property {import("./loop.mjs").Loop["counts"]} counts
 * @property {boolean} fenced
 * @property {string} owner
 * @property {string} node
 * @property {string} version
 */

/** @param {string} value */
const escaped = (value) => value.replace(/[\\"\n]/g, (found) => (found === "\n" ? "\\n" : `\\${found}`));

/** @param {Reading} reading @param {boolean | undefined} childAnswers undefined: it was not asked @returns {string} */
export function ownMetrics({ phase, running, remainingMs, sinceRenewalMs, counts, fenced, owner, node, version }, childAnswers) {
  /** @type {(name: string, type: "gauge" | "counter", help: string, samples: [string, number][]) => string[]} */
  const family = (name, type, help, samples) => (samples.length === 0 ? [] : [`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${type}`, ...samples.map(([labels, value]) => `${PREFIX}${name}${labels && `{${labels}}`} ${value}`)]);
  const seconds = (/** @type {number | null} */ ms) => /** @type {[string, number][]} */ (ms === null ? [] : [["", ms / 1000]]);
  return `${[
    ...family("info", "gauge", "Always 1", [[`owner="${escaped(owner)}",node="${escaped(node)}",version="${escaped(version)}"`, 1]]),
    ...family("phase", "gauge", "1 for the phase that the lease is in", PHASES.map((name) => [`phase="${name}"`, Number(name === phase)])),
    ...family("child_running", "gauge", "1 while anything that was started may be alive", [["", Number(running)]]),
    ...family("fence_armed", "gauge", "1 while the kernel would end the worker at its deadline by itself", [["", Number(fenced)]]),
    ...family("remaining_seconds", "gauge", "Until everything is killed unless a renewal succeeds; absent without a lease", seconds(remainingMs)),
    ...family("since_renewal_seconds", "gauge", "Since the last renewal that succeeded was sent; absent without a lease", seconds(sinceRenewalMs)),
    ...family("renewals_total", "counter", "Renewals by result", [["result=\"renewed\"", counts.renewed], ["result=\"failed\"", counts["renew-failed"]], ["result=\"lost\"", counts["renew-lost"]]]),
    ...family("acquisitions_total", "counter", "Times that the lease was taken", [["", counts.acquired]]),
    ...family("child_starts_total", "counter", "Times that the worker was started", [["", counts.start]]),
    ...family("kills_total", "counter", "Times that a worker that had not ended was killed", [["", counts.kill]]),
    ...family("child_metrics_up", "gauge", "1 when the worker's own metrics are below; absent while no worker runs or it has none", childAnswers === undefined ? [] : [["", Number(childAnswers)]]),
  ].join("\n")}\n`;
}

/**
 * @param {() => Reading} read
 * @param { { childUrl?: string, trouble: import("./trouble.mjs").Trouble }} options
 * @returns {Promise<string>}
 */
export async function metrics(read, { childUrl, trouble }) {
  if (childUrl === undefined || !read().running) return ownMetrics(read(), undefined);
  try {
    const { status, text } = await call(childUrl, { timeoutMs: CHILD_TIMEOUT_MS }).answer;
    if (status !== 200) throw new Error(`it answered ${status}`);
    trouble.over("child-metrics");
    return `${ownMetrics(read(), true)}${text}`;
  } catch (error) {
    trouble.met("child-metrics", "warning", "child-metrics-fail", "the worker's own metrics cannot be read, so /metrics holds the lease's alone; the worker may still be starting", { url: childUrl, why: describe(error) });
    return ownMetrics(read(), false);
  }
}
