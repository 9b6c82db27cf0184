/**
 * Has a system job evaluated when its allocation on a node that is well has failed:
 * Nomad does not place it again by itself (docs/decisions/0011-system-jobs.md).
 */
import { isDead, newestByPlace, placeOf, reasonOf } from "./allocations.mjs";
import { call, describe, parsed } from "./http.mjs";

/** @typedef {import("./allocations.mjs").Allocation} Allocation */

const TIMEOUT_MS = 10_000;
/** One that stays dead is said again so often: whoever took over the watch hears of it too. */
const REMIND_MS = 3_600_000;

/**
 * @typedef {object} SystemJobSettings
 * @property {readonly string[]} ids
 * @property {number} lookIntervalMs no two looks are closer
 * @property {number} firstPauseMs between the first evaluation of a place and the second; then twice as long each time
 * @property {number} longestPauseMs
 * @property {number} alertAfter evaluations that did not help
 */
/**
 * What is known of one node's place in a job. Kept by place and not by allocation:
 * each evaluation makes a new one, and an image that always fails would begin anew with each.
 * @typedef {object} Place
 * @property {number} tries
 * @property {number} dueAt not evaluated before
 * @property {number} pauseMs after the next try
 * @property {number | undefined} goodSince when it was first seen well after its last failure
 * @property {number | undefined} saidAt when it was last said that evaluations do not help
 * @property {string | undefined} refused why Nomad did not take the last evaluation
 */

export class SystemJobs {
  /**
   * @param {SystemJobSettings & { namespace: string }} settings @param {import("./ledger.mjs").NomadApi} nomad
   * @param { { now: () => number, log: (level: string, message: string) => void }} runtime
   * @param {(severity: string, summary: string, facts: Record<string, string | number>) => void} alert
   */
  constructor(settings, nomad, { now, log }, alert) {
    this.settings = settings;
    this.nomad = nomad;
    this.now = now;
    this.log = log;
    this.alert = alert;
    this.nextLookAt = -Infinity;
    this.looking = false;
    /** By job and place. @type {Map<string, Map<string, Place>>} */
    this.places = new Map(settings.ids.map((id) => [id, new Map()]));
    /** Evaluations that Nomad took, by job. @type {Map<string, number>} */
    this.evaluations = new Map(settings.ids.map((id) => [id, 0]));
    /** Dead allocations on nodes that are well, by job; absent while it is not known. @type {Map<string, number>} */
    this.failed = new Map();
    /** Why a job could not be looked at, as it was last said. @type {Map<string, string>} */
    this.unread = new Map();
  }

  /** Looks at every job, unless that is not due yet or still goes on. */
  async look() {
    if (this.looking || this.now() < this.nextLookAt) return;
    this.looking = true;
    this.nextLookAt = this.now() + this.settings.lookIntervalMs;
    try {
      await Promise.all(this.settings.ids.map((id) => this.lookAt(id)));
    } finally {
      this.looking = false;
    }
  }

  /** @param {string} id */
  async lookAt(id) {
    try {
      const dead = await this.dead(id);
      this.failed.set(id, dead.length);
      this.readable(id, undefined);
      await this.mend(id, dead);
    } catch (error) {
      this.failed.delete(id);
      this.readable(id, describe(error));
    }
  }

  /** The first time only: a Nomad without a leader would fill the log. @param {string} id @param {string | undefined} reason */
  readable(id, reason) {
    const before = this.unread.get(id);
    if (reason === before) return;
    if (reason === undefined) this.unread.delete(id);
    else this.unread.set(id, reason);
    this.log(reason === undefined ? "info" : "warning", reason === undefined ? `${id} can be looked at again` : `${id} cannot be looked at, so a failed allocation of it would stay dead: ${reason}`);
  }

  /** Dead allocations on nodes that could run them. @param {string} id @returns {Promise<Allocation[]>} */
  async dead(id) {
    const job = await this.get(`/v1/job/${encodeURIComponent(id)}`);
    // Not deployed, or stopped by somebody: nothing of it should run.
    const wanted = job && job.Type === "system" && !job.Stop;
    /** @type {Allocation[]} */
    const newest = wanted ? newestByPlace((await this.get(`/v1/job/${encodeURIComponent(id)}/allocations`)) ?? []) : [];
    this.forget(id, newest);
    const dead = [];
    for (const allocation of newest.filter(isDead)) if (await this.takesWork(allocation.NodeID)) dead.push(allocation);
    return dead;
  }

  /**
   * An allocation that has failed says nothing of its node: Nomad leaves it as it is when the
   * node is lost later. Placing it is then Nomad's, as soon as the node is back.
   * @param {string} id
   */
  async takesWork(id) {
    const node = await this.get(`/v1/node/${id}`);
    return node !== undefined && node.Status === "ready" && node.SchedulingEligibility === "eligible" && !node.Drain;
  }

  /** What has run for as long as the longest pause is well, and what is gone is no matter any more. @param {string} id @param {readonly Allocation[]} newest */
  forget(id, newest) {
    const now = this.now();
    const places = this.placesOf(id);
    for (const [key, place] of places) {
      const allocation = newest.find((it) => placeOf(it) === key);
      if (!allocation) places.delete(key);
      else if (allocation.ClientStatus !== "running") place.goodSince = undefined;
      else {
        place.goodSince ??= now;
        if (now - place.goodSince < this.settings.longestPauseMs) continue;
        places.delete(key);
        if (place.saidAt === undefined) continue;
        const summary = `${id} runs again on ${allocation.NodeName}, for ${Math.round((now - place.goodSince) / 60_000)} min now`;
        this.log("info", summary);
        this.alert("info", summary, { job: id, node: allocation.NodeName, allocation: allocation.ID });
      }
    }
  }

  /** @param {string} id */
  placesOf(id) {
    const places = this.places.get(id) ?? new Map();
    this.places.set(id, places);
    return places;
  }

  /** Has the job evaluated, once, when that is due for any of its places. @param {string} id @param {readonly Allocation[]} dead */
  async mend(id, dead) {
    const { firstPauseMs, longestPauseMs, alertAfter } = this.settings;
    const now = this.now();
    const places = this.placesOf(id);
    const due = dead.flatMap((allocation) => {
      /** @type {Place} */
      const place = places.get(placeOf(allocation)) ?? { tries: 0, dueAt: -Infinity, pauseMs: firstPauseMs, goodSince: undefined, saidAt: undefined, refused: undefined };
      places.set(placeOf(allocation), place);
      return now < place.dueAt ? [] : [{ allocation, place }];
    });
    if (due.length === 0) return;
    for (const { allocation, place } of due) {
      if (place.tries >= alertAfter) this.sayItDoesNotHelp(id, allocation, place);
      // Before the call: an answer that is lost must not make it a tight loop.
      place.tries += 1;
      place.dueAt = now + place.pauseMs;
      place.pauseMs = Math.min(2 * place.pauseMs, longestPauseMs);
    }
    const refused = await this.evaluate(id).then(() => undefined, describe);
    if (!refused) this.evaluations.set(id, (this.evaluations.get(id) ?? 0) + 1);
    for (const { allocation, place } of due) {
      place.refused = refused;
      const what = `${id} on ${allocation.NodeName}: allocation ${allocation.ID.slice(0, 8)} failed (${reasonOf(allocation)}), and Nomad does not place a system job again by itself`;
      this.log(refused ? "error" : "warning", `${what}: ${refused ? `it could not be evaluated (${refused})` : "evaluated"}, try ${place.tries}; the next in ${Math.round((place.dueAt - now) / 1000)} s at the earliest`);
    }
  }

  /** As `nomad job eval -force-reschedule` does. @param {string} id */
  async evaluate(id) {
    const { status } = await this.request("POST", `/v1/job/${encodeURIComponent(id)}/evaluate`, JSON.stringify({ JobID: id, Namespace: this.settings.namespace, EvalOptions: { ForceReschedule: true } }));
    if (status !== 200) throw new Error(`POST of the evaluation answered ${status}`);
  }

  /** @param {string} id @param {Allocation} allocation @param {Place} place */
  sayItDoesNotHelp(id, allocation, place) {
    const now = this.now();
    if (place.saidAt !== undefined && now - place.saidAt < REMIND_MS) return;
    place.saidAt = now;
    const { namespace } = this.settings;
    const tried = place.refused ? `could not be evaluated in ${place.tries} tries (${place.refused}). By hand: nomad job eval -namespace ${namespace} -force-reschedule ${id}` : `was evaluated, and that did not help in ${place.tries} tries. See: nomad alloc status -namespace ${namespace} ${allocation.ID.slice(0, 8)}`;
    const summary = `${id} does not run on ${allocation.NodeName}: its allocation failed (${reasonOf(allocation)}); the job ${tried}`;
    this.log("error", summary);
    this.alert("critical", summary, { job: id, node: allocation.NodeName, allocation: allocation.ID, tries: place.tries });
  }

  /** @param {string} path @returns {Promise<any>} undefined: there is no such thing */
  async get(path) {
    const { status, text } = await this.request("GET", path);
    if (status === 404) return undefined;
    const body = status === 200 ? parsed(text) : undefined;
    if (body === undefined || body === null) throw new Error(`GET of ${path} answered ${status}${status === 403 ? ": the guardian's policy lacks it; deploy foundation" : ""}`);
    return body;
  }

  /** @param {string} method @param {string} path @param {string} [body] */
  request(method, path, body) {
    const { socketPath, address, token } = this.nomad;
    return call(`${socketPath ? "http://localhost" : address}${path}?namespace=${encodeURIComponent(this.settings.namespace)}`, { method, headers: { "x-nomad-token": token }, body, socketPath, timeoutMs: TIMEOUT_MS });
  }

  /** For the metrics, by job. @returns {import("./metrics.mjs").Reading["systemJobs"]} */
  reading() {
    return { evaluations: Object.fromEntries(this.evaluations), failed: Object.fromEntries(this.failed) };
  }
}
