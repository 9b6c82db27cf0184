/** The last step of a run, however it went: the outcome where the guardian and the operator look, and to whoever is to be woken. */
import { call, describe, parsed } from "../guardian/http.mjs";
import { manifestOf } from "./collect.mjs";

const TIMEOUT_MS = 10_000;
const TRIES = 5;
const LONGEST_REASON = 400;

/** @typedef {import("./run.mjs").Run} Run */
/** @typedef {import("./run.mjs").Settings} Settings */
/** @typedef { { nomad: { socketPath?: string, address?: string, token: string }, alertToken: string }} ReportAccess */
/** @typedef { { now: () => number, log: (message: string) => void, pauseMs?: number }} Runtime */
/** @typedef {Record<string, string>} Items */

/**
 * What the status says after this run.
 * @param {Run} run @param {Items} before @param { { now: number, copies: boolean, dataNode: string }} options
 * @returns {{ items: Items, failure: string | undefined, warning: string | undefined }}
 */
export function outcome(run, before, { now, copies, dataNode }) {
  const at = new Date(now).toISOString();
  const summary = parsed(run.read("stored") ?? "");
  if (!summary?.snapshot_id) {
    const failure = reason(run);
    return { items: { ...before, lastFailure: at, failure }, failure, warning: undefined };
  }
  const repository = run.read("repository")?.trim() ?? "";
  const other = otherRepository(run, before, repository, dataNode);
  // The one before stays written down: the next run, which finds a repository, is asked the same.
  if (other) return { items: { ...before, repository: before.repository ?? "unknown", lastFailure: at, failure: other }, failure: other, warning: undefined };
  const manifest = manifestOf(run);
  const warnings = [run.read("warnings"), copies ? run.read("copy-failed") : undefined, run.read("check-failed")].flatMap((text) => (text ?? "").split("\n")).filter((line) => line.length > 0);
  const warning = warnings.length > 0 ? warnings.join("; ").slice(0, LONGEST_REASON) : undefined;
  const kept = Object.fromEntries(Object.entries(before).filter(([name]) => name !== "warning" && (copies || name !== "copied")));
  const items = {
    ...kept,
    recoveryPoint: manifest.startedAt,
    lastSuccess: at,
    snapshot: summary.snapshot_id,
    bytes: String(summary.total_bytes_processed ?? 0),
    seconds: String(Math.round((now - Date.parse(manifest.startedAt)) / 1000)),
    repository,
    dataNode,
    ...(warning ? { warning } : {}),
    ...(copies && run.read("copied") !== undefined ? { copied: manifest.startedAt } : {}),
    ...(run.read("checked") !== undefined ? { checked: at } : {}),
  };
  return { items, failure: undefined, warning };
}

/**
 * Why a run that was stored does not count: it went into another repository than the
 * runs before, as on a disk that is not mounted. Not when the data moved to another
 * node, and the backups with it; nor when an operator says that it is meant so.
 * @param {Run} run @param {Items} before @param {string} repository @param {string} dataNode @returns {string | undefined}
 */
function otherRepository(run, before, repository, dataNode) {
  if (!before.lastSuccess || run.read("accepted") !== undefined) return undefined;
  if (before.dataNode !== undefined && before.dataNode !== dataNode) return undefined;
  const made = run.read("new-repository") !== undefined;
  if (before.repository === undefined ? !made : before.repository === repository) return undefined;
  return `the repository on the volume gvfx-backup is not the one of the runs before (it is ${repository.slice(0, 8) || "unknown"}, it was ${(before.repository ?? "unknown").slice(0, 8)}): the disk is not mounted, or was replaced. Mount it; or, if it was replaced, say so: touch accept-repository in the volume's folder (docs/backup.md)`;
}

/** @param {Run} run */
function reason(run) {
  const said = run.read("failed")?.trim();
  if (said) return said.slice(0, LONGEST_REASON);
  if (run.read("dumped") === undefined) return "the dump of Postgres did not finish: see the log of the task database";
  if (run.read("collected") === undefined) return "the objects were not copied: see the log of the task collect";
  return "the run was not stored: see the log of the task restic";
}

/** @param {Run} run @param {Settings} settings @param {ReportAccess} access @param {Runtime} runtime @returns {Promise<boolean>} whether the run succeeded */
export async function report(run, settings, access, runtime) {
  const status = new Status(settings, access, runtime);
  const { before, after } = await status.update((items) => outcome(run, items, { now: runtime.now(), copies: settings.copies, dataNode: settings.dataNode }));
  const { failure, warning } = after;
  const failedBefore = (before.lastFailure ?? "") > (before.lastSuccess ?? "");
  // Once when it begins and once when it is over; that it lasts is what the guardian and the dead man's switch are for.
  if (failure !== undefined && !failedBefore) await alert(settings, access, runtime, "critical", `the backup failed: ${failure}`, after.items);
  if (failure === undefined && failedBefore) await alert(settings, access, runtime, "info", "the backup works again", after.items);
  if (warning !== undefined && warning !== before.warning) await alert(settings, access, runtime, "warning", `the backup is not whole: ${warning}`, after.items);
  if (failure === undefined) await deadMan(settings, access, runtime);
  runtime.log(failure === undefined ? `stored as ${after.items.snapshot}, recovery point ${after.items.recoveryPoint}${warning ? `; ${warning}` : ""}` : `failed: ${failure}`);
  return failure === undefined;
}

/** The Nomad variable, changed by check-and-set. */
class Status {
  /** @param {Settings} settings @param {ReportAccess} access @param {Runtime} runtime */
  constructor({ namespace, statusVariable }, { nomad }, { pauseMs = 2_000 }) {
    this.namespace = namespace;
    this.path = statusVariable;
    this.nomad = nomad;
    this.pauseMs = pauseMs;
  }

  /** @param {(items: Items) => ReturnType<typeof outcome>} change */
  async update(change) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const read = await this.request("GET", "");
        if (read.status !== 200 && read.status !== 404) throw new Error(`Nomad answered ${read.status} to reading ${this.path}`);
        const variable = read.status === 200 ? parsed(read.text) : undefined;
        const before = /** @type {Items} */ (variable?.Items ?? {});
        const after = change(before);
        const written = await this.request("PUT", `&cas=${variable?.ModifyIndex ?? 0}`, JSON.stringify({ Namespace: this.namespace, Path: this.path, Items: after.items }));
        if (written.status !== 200) throw new Error(`Nomad answered ${written.status} to writing ${this.path}${written.status === 403 ? ": deploy foundation, which grants that to the job" : ""}`);
        return { before, after };
      } catch (error) {
        if (attempt === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, this.pauseMs * attempt));
      }
    }
  }

  /** @param {string} method @param {string} query @param {string} [body] */
  request(method, query, body) {
    const { socketPath, address, token } = this.nomad;
    return call(`${socketPath ? "http://nomad" : address}/v1/var/${this.path}?namespace=${encodeURIComponent(this.namespace)}${query}`, { method, headers: { "x-nomad-token": token }, body, socketPath, timeoutMs: TIMEOUT_MS });
  }
}

/** @param {Settings} settings @param {ReportAccess} access @param {Runtime} runtime @param {string} severity @param {string} summary @param {Items} items */
async function alert({ environment, namespace, alerts }, { alertToken }, { now, log, pauseMs = 2_000 }, severity, summary, items) {
  const body = JSON.stringify({ source: "gvfx-backup", environment, namespace, at: new Date(now()).toISOString(), kind: "backup", severity, summary, ...items });
  // It is sent once a failure, so that a receiver which stumbles is asked again.
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      const { status } = await call(alerts.destination, { method: "POST", headers: { authorization: `Bearer ${alertToken}` }, body, timeoutMs: TIMEOUT_MS });
      if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
      return;
    } catch (error) {
      log(`the alert cannot be delivered${attempt < TRIES ? ", and is sent again" : ""}: ${describe(error)}`);
      if (attempt < TRIES) await new Promise((resolve) => setTimeout(resolve, pauseMs * attempt));
    }
  }
}

/** @param {Settings} settings @param {ReportAccess} access @param {Runtime} runtime */
async function deadMan({ alerts: { deadManUrl, destination } }, { alertToken }, { log }) {
  if (!deadManUrl) return;
  // The token goes to the place it belongs to, and nowhere else.
  const headers = new URL(deadManUrl).origin === new URL(destination).origin ? { authorization: `Bearer ${alertToken}` } : undefined;
  try {
    const { status } = await call(deadManUrl, { headers, timeoutMs: TIMEOUT_MS });
    if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
  } catch (error) {
    log(`the dead man's signal cannot be sent: ${describe(error)}`);
  }
}
