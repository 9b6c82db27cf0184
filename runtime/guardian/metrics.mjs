/** /healthz and /metrics. */
import { createServer } from "node:http";

/** Times are seconds since 1970. @type {Readonly<Record<string, string>>} */
const BACKUP_HELP = {
  age_seconds: "Age of the state that the newest backup holds",
  last_success: "Time at which the newest backup was stored",
  last_failure: "Time of the newest run that failed",
  last_check: "Time of the newest check of the repository without a finding",
  copy_age_seconds: "Age of the state that the newest copy in S3 holds",
  size_bytes: "What the newest backup holds",
  duration_seconds: "How long the newest backup took",
  late_after_seconds: "An older backup is an alert",
};

const VERDICTS = ["pass", "fail", "inconclusive"];

/**
 * @typedef {object} Reading
 * @property {Readonly<Record<string, import("./verdict.mjs").Judgement & { threshold: number }>>} triggers
 * @property {string} overall
 * @property {Readonly<Record<string, number>>} gauges
 * @property {Readonly<Record<string, number>>} counters
 * @property { { workerOwner: string, traffic: string }} switches
 * @property {Readonly<Record<string, number>>} backup gauges of the newest backup
 * @property { { evaluations: Readonly<Record<string, number>>, failed: Readonly<Record<string, number>> }} systemJobs by job
 */

/** @param {Reading} reading @returns {string} Prometheus text format 0.0.4 */
export function metricsText(reading) {
  const triggers = Object.entries(reading.triggers);
  /** @type {(name: string, type: string, help: string, samples: [string, number][]) => string[]} */
  const family = (name, type, help, samples) => [`# HELP gvfx_guardian_${name} ${help}`, `# TYPE gvfx_guardian_${name} ${type}`, ...samples.map(([labels, value]) => `gvfx_guardian_${name}${labels && `{${labels}}`} ${value}`)];
  const byJob = (/** @type {Readonly<Record<string, number>>} */ values) => Object.entries(values).map(([job, value]) => /** @type {[string, number]} */ ([`job="${job}"`, value]));
  const lines = [
    ...family("trigger_value", "gauge", "Last value of a roll-back trigger; absent while it was not judged", triggers.flatMap(([name, t]) => (t.value === null ? [] : [[`trigger="${name}"`, t.value]]))),
    ...family("trigger_threshold", "gauge", "More than this fails", triggers.map(([name, t]) => [`trigger="${name}"`, t.threshold])),
    ...family("trigger_samples", "gauge", "Samples with data in the window", triggers.map(([name, t]) => [`trigger="${name}"`, t.answered])),
    ...family("trigger_attempts", "gauge", "Samples in the window", triggers.map(([name, t]) => [`trigger="${name}"`, t.attempted])),
    ...family("trigger_verdict", "gauge", "1 for the verdict that a trigger has", triggers.flatMap(([name, t]) => VERDICTS.map((verdict) => /** @type {[string, number]} */ ([`trigger="${name}",verdict="${verdict}"`, Number(t.verdict === verdict)])))),
    ...family("verdict", "gauge", "1 for the verdict over all triggers", VERDICTS.map((verdict) => [`verdict="${verdict}"`, Number(reading.overall === verdict)])),
    ...family("switches", "gauge", "Always 1; owner of the worker and target of traffic as last read", [[`worker_owner="${reading.switches.workerOwner}",traffic="${reading.switches.traffic}"`, 1]]),
    ...family("evaluations_total", "counter", "Evaluations of a system job that Nomad was asked for, since its allocation had failed", byJob(reading.systemJobs.evaluations)),
    ...family("failed_allocations", "gauge", "Failed allocations of a system job on nodes that are ready and eligible; absent while it is not known", byJob(reading.systemJobs.failed)),
    ...Object.entries(reading.gauges).flatMap(([name, value]) => family(name, "gauge", name.replaceAll("_", " "), [["", value]])),
    ...Object.entries(reading.counters).flatMap(([name, value]) => family(name, "counter", name.replaceAll("_", " "), [["", value]])),
  ];
  const backup = Object.entries(reading.backup).flatMap(([name, value]) => [`# HELP gvfx_backup_${name} ${BACKUP_HELP[name]}`, `# TYPE gvfx_backup_${name} gauge`, `gvfx_backup_${name} ${value}`]);
  return `${[...lines, ...backup].join("\n")}\n`;
}

/**
 * @param {number} port 0: any free one
 * @param { { healthy: () => { ok: boolean, detail: string }, reading: () => Reading }} watch
 * @returns {Promise<import("node:http").Server>} once it listens
 */
export function serve(port, watch) {
  const server = createServer((req, res) => {
    const path = (req.url ?? "/").split("?")[0];
    const { ok, detail } = watch.healthy();
    const answer = path === "/healthz" ? { status: ok ? 200 : 503, type: "application/json", text: JSON.stringify({ status: ok ? "ok" : "stalled", detail }) } : path === "/metrics" ? { status: 200, type: "text/plain; version=0.0.4", text: metricsText(watch.reading()) } : { status: 404, type: "text/plain", text: "not found\n" };
    res.writeHead(answer.status, { "content-type": answer.type });
    res.end(answer.text);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "0.0.0.0", () => resolve(server));
  });
}
