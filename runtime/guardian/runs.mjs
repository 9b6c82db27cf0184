/** What ingestion runs and the retry queue say of the worker; pure. Rows are as the app's API gives them. */

/**
 * @typedef {object} Run
 * @property {string} id
 * @property {string} source_type
 * @property {string | null} [source_id]
 * @property {string | null} [feed]
 * @property {string} status running, succeeded or failed
 * @property {string} started_at
 * @property {string | null} [finished_at]
 * @property {string | null} [error_summary]
 */

/** @typedef { { id: string, status?: string, created_at?: string, updated_at?: string }} RetryItem */

/** @param {Run} run */
const keyOf = (run) => `${run.source_type}/${run.source_id ?? "-"}/${run.feed ?? "-"}`;

/** @param {readonly Run[]} runs @returns {Map<string, Run[]>} each source and feed with its runs, oldest first */
function bySource(runs) {
  /** @type {Map<string, Map<string, Run>>} */
  const groups = new Map();
  for (const run of runs) {
    if (!Number.isFinite(Date.parse(run.started_at))) continue;
    const group = groups.get(keyOf(run)) ?? new Map();
    group.set(run.id, run);
    groups.set(keyOf(run), group);
  }
  return new Map([...groups].map(([key, group]) => [key, [...group.values()].sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at))]));
}

/**
 * When a run ended. A run that nobody finished (its worker was killed) counts as
 * over after the app's own timeout: the app lets the next one start then, and
 * marks the old one failed with the time of the marking.
 * @param {Run} run @param {number} now @param {number} timeoutMs
 */
function endOf(run, now, timeoutMs) {
  const start = Date.parse(run.started_at);
  const finished = run.finished_at ? Date.parse(run.finished_at) : NaN;
  const abandoned = start + timeoutMs;
  if (Number.isFinite(finished)) return run.error_summary === "timeout" ? Math.min(finished, abandoned) : finished;
  return run.status === "running" ? Math.min(now, abandoned) : start;
}

/**
 * Runs that started in the window while another of the same source and feed ran, or at the same instant.
 * @param {readonly Run[]} runs @param { { now: number, windowMs: number, timeoutMs: number }} at
 * @returns { { id: string, key: string }[]}
 */
export function duplicateRuns(runs, { now, windowMs, timeoutMs }) {
  const duplicates = [];
  for (const [key, group] of bySource(runs)) {
    let busyUntil = -Infinity;
    let lastStart = NaN;
    for (const run of group) {
      const start = Date.parse(run.started_at);
      if (start > now - windowMs && (start < busyUntil || start === lastStart)) duplicates.push({ id: run.id, key });
      busyUntil = Math.max(busyUntil, endOf(run, now, timeoutMs));
      lastStart = start;
    }
  }
  return duplicates;
}

/** Of runs that a data import found "running", and closed: nobody failed to write them (scripts/data/convex/runs.ts). */
const CLOSED_BY_IMPORT = "closed by data import";

/**
 * Runs that failed in the window and that no later run of the same source and feed made good. The last of them is left
 * out while a later run is under way: a worker that was stopped leaves one in each feed, and its successor's first run
 * may still make them good. When that fails too, both count.
 * @param {readonly Run[]} runs @param { { now: number, windowMs: number, timeoutMs: number }} at @returns {string[]} their ids
 */
export function failedRuns(runs, { now, windowMs, timeoutMs }) {
  return [...bySource(runs).values()].flatMap((group) => {
    const lastSuccess = group.map((run) => run.status).lastIndexOf("succeeded");
    const since = group.slice(lastSuccess + 1).filter((run) => run.error_summary !== CLOSED_BY_IMPORT);
    const last = since.at(-1);
    const underWay = last?.status === "running" && now - Date.parse(last.started_at) < timeoutMs;
    const failed = since.filter((run) => run.status === "failed");
    return (underWay ? failed.slice(0, -1) : failed).filter((run) => Date.parse(run.started_at) > now - windowMs).map((run) => run.id);
  });
}

/**
 * Writes that are not made good: waiting for longer than the window, or given up
 * within the look-back. What was given up before it is history, and stays in the queue for ever.
 * @param {readonly RetryItem[]} items @param { { now: number, windowMs: number, lookBackMs: number }} at @returns {string[]} their ids
 */
export function unresolvedRetries(items, { now, windowMs, lookBackMs }) {
  return items
    .filter((item) => {
      const created = Date.parse(item.created_at ?? "");
      if (item.status === "succeeded" || !(created <= now - windowMs)) return false;
      if (item.status !== "failed") return true;
      const givenUp = Date.parse(item.updated_at ?? item.created_at ?? "");
      return givenUp > now - lookBackMs;
    })
    .map((item) => item.id);
}

/**
 * Whether market data arrives: some enabled source was seen within its own freshness limit. Zeros and 200s are not evidence; this is.
 * @param {unknown} rows answer of GET /data-sources/status @param {number} now
 */
export function provesFreshness(rows, now) {
  return Array.isArray(rows) && rows.some((row) => row?.enabled !== false && now - Date.parse(row?.last_seen_at ?? "") <= Number(row?.freshness_threshold_seconds) * 1000);
}
