/** How old the newest backup is, as the backup's job wrote it down: a gauge, and an alert when it is late. */
import { call, describe, parsed } from "./http.mjs";

const TIMEOUT_MS = 10_000;
/** A backup that stays late is said again so often: whoever took over the watch hears of it too. */
const REMIND_MS = 3_600_000;

/**
 * @typedef {object} BackupSettings
 * @property {string} variable Nomad variable with the outcome of the newest runs
 * @property {number} lateAfterMs
 * @property {boolean} copies whether there is a second copy, which can be late as well
 */
/** @typedef { { what: string, late: boolean, summary: string, at: number | undefined }} Finding */

/**
 * What is late.
 * @param {Record<string, string> | undefined} status undefined: there is none yet
 * @param {BackupSettings} settings @param {number} now
 * @param {number} since when the watch began: a platform that is being deployed has no backup yet, and that is no news until it has lasted
 * @returns {Finding[]}
 */
export function findings(status, { lateAfterMs, copies }, now, since) {
  const one = (/** @type {string} */ what, /** @type {string} */ name, /** @type {string | undefined} */ text, /** @type {string} */ look) => {
    const at = Date.parse(text ?? "");
    if (Number.isNaN(at)) return { what, late: now - since > lateAfterMs, at: undefined, summary: `there is no ${name} yet: what the data node holds is nowhere else. ${look}` };
    const minutes = Math.floor((now - at) / 60_000);
    return now - at > lateAfterMs
      ? { what, late: true, at, summary: `the newest ${name} is ${minutes} min old, and ${Math.round(lateAfterMs / 60_000)} min are late: a loss of the data node would cost what was written since. ${look}` }
      : { what, late: false, at, summary: `the newest ${name} is ${minutes} min old` };
  };
  const failure = status?.failure && (status.lastFailure ?? "") > (status.lastSuccess ?? "") ? `The last run failed: ${status.failure}. ` : "";
  return [
    one("backup", "backup", status?.recoveryPoint, `${failure}See: nomad job status -namespace gvfx gvfx-backup, and docs/backup.md`),
    ...(copies ? [one("copy", "second copy of the backup", status?.copied, `${status?.warning ? `${status.warning}. ` : ""}See the log of the task restic of gvfx-backup`)] : []),
  ];
}

export class BackupWatch {
  /**
   * @param {BackupSettings & { namespace: string }} settings @param {import("./ledger.mjs").NomadApi} nomad
   * @param { { now: () => number, log: (level: string, message: string) => void }} runtime
   * @param {(severity: string, summary: string, facts: Record<string, string | number>) => void} alert
   */
  constructor(settings, nomad, { now, log }, alert) {
    this.settings = settings;
    this.nomad = nomad;
    this.now = now;
    this.log = log;
    this.alert = alert;
    /** @type {Record<string, string> | undefined} last that was read */
    this.status = undefined;
    this.since = now();
    this.reading = false;
    /** When each kind was last said to be late. @type {Map<string, number>} */
    this.said = new Map();
  }

  /** Reads and judges. While Nomad does not answer, what was last read goes on growing old. */
  async look() {
    if (this.reading) return;
    this.reading = true;
    try {
      await this.read();
    } catch (error) {
      this.log("warning", `the backup's status cannot be read: ${describe(error)}`);
    } finally {
      this.reading = false;
    }
    this.judge();
  }

  async read() {
    const { socketPath, address, token } = this.nomad;
    const { variable, namespace } = this.settings;
    const { status, text } = await call(`${socketPath ? "http://localhost" : address}/v1/var/${variable}?namespace=${encodeURIComponent(namespace)}`, { headers: { "x-nomad-token": token }, socketPath, timeoutMs: TIMEOUT_MS });
    if (status === 404) {
      this.status = undefined;
      return;
    }
    const items = status === 200 ? parsed(text)?.Items : undefined;
    if (!items) throw new Error(`GET of ${variable} answered ${status}`);
    this.status = items;
  }

  judge() {
    const now = this.now();
    for (const { what, late, summary } of findings(this.status, this.settings, now, this.since)) {
      const said = this.said.get(what);
      if (late && (said === undefined || now - said >= REMIND_MS)) {
        this.said.set(what, now);
        this.log("error", summary);
        this.alert("critical", summary, { ...this.status });
      } else if (!late && said !== undefined) {
        this.said.delete(what);
        this.log("info", summary);
        this.alert("info", `${summary}: in time again`, { ...this.status });
      }
    }
  }

  /** For the metrics, without prefix; what is not known is absent, so that its absence can be alerted on. @returns {Record<string, number>} */
  gauges() {
    const now = this.now();
    const time = (/** @type {string | undefined} */ text) => Date.parse(text ?? "") / 1000;
    const all = {
      age_seconds: now / 1000 - time(this.status?.recoveryPoint),
      last_success: time(this.status?.lastSuccess),
      last_failure: time(this.status?.lastFailure),
      last_check: time(this.status?.checked),
      copy_age_seconds: this.settings.copies ? now / 1000 - time(this.status?.copied) : NaN,
      size_bytes: Number(this.status?.bytes ?? NaN),
      duration_seconds: Number(this.status?.seconds ?? NaN),
      late_after_seconds: this.settings.lateAfterMs / 1000,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => !Number.isNaN(value)));
  }
}
