/** The loop: takes samples, judges the triggers, records and alerts each change, and rolls back where it may. */
import { Alerts, DeadMan } from "./alerts.mjs";
import { BackupWatch } from "./backup.mjs";
import { describe } from "./http.mjs";
import { Ledger } from "./ledger.mjs";
import { Switches, unfinished } from "./rollback.mjs";
import { Sources } from "./sources.mjs";
import { SystemJobs } from "./system-jobs.mjs";
import { judge, overall, within } from "./verdict.mjs";

/** @typedef {"duplicateIngestionRuns" | "unresolvedConvexWriteFailures" | "apiErrorRatio" | "rlErrorRatio"} TriggerName */
/** @type {readonly TriggerName[]} */
export const TRIGGERS = ["duplicateIngestionRuns", "unresolvedConvexWriteFailures", "apiErrorRatio", "rlErrorRatio"];

/**
 * @typedef {object} Settings
 * @property {string} environment
 * @property {string} namespace of Nomad
 * @property {"advise" | "act"} mode
 * @property {number} port of /healthz and /metrics
 * @property {import("./sources.mjs").SourceSettings} sources
 * @property {Record<TriggerName, import("./verdict.mjs").Trigger>} triggers
 * @property { { workerOwner: string, traffic: string }} keys
 * @property {string} ledger folder of the guardian's entries
 * @property { { destination: string, deadManUrl?: string, deadManIntervalMs: number }} alerts
 * @property {import("./backup.mjs").BackupSettings} backup
 * @property {import("./system-jobs.mjs").SystemJobSettings} systemJobs
 * @property {number} probeIntervalMs between rounds
 * @property {number} readIntervalMs between reads of runs and retry queue
 * @property {number} summaryIntervalMs between summaries in the ledger
 */

/** @typedef { { now: () => number, log: (level: string, message: string) => void }} Runtime */

const SEVERITY = { fail: "critical", inconclusive: "warning", pass: "info" };

export class Watch {
  /**
   * @param {Settings} settings
   * @param { { apiToken: string, alertToken: string, writer: string, nomad: import("./ledger.mjs").NomadApi, consul: { address: string, token: string } }} access
   * @param {Runtime} runtime
   */
  constructor(settings, access, runtime) {
    this.settings = settings;
    this.runtime = runtime;
    this.sources = new Sources(settings.sources, access, runtime.now);
    this.switches = new Switches(access.consul, settings.keys);
    this.ledger = new Ledger({ folder: settings.ledger, namespace: settings.namespace, writer: access.writer }, access.nomad, runtime);
    this.alerts = new Alerts(settings.alerts, access.alertToken, runtime);
    this.deadMan = new DeadMan(settings.alerts, access.alertToken, runtime);
    this.backup = new BackupWatch({ ...settings.backup, namespace: settings.namespace }, access.nomad, runtime, (severity, summary, facts) => this.alert("backup", severity, summary, facts));
    this.systemJobs = new SystemJobs({ ...settings.systemJobs, namespace: settings.namespace }, access.nomad, runtime, (severity, summary, facts) => this.alert("system-job", severity, summary, facts));
    /** @type {Record<TriggerName, import("./verdict.mjs").Sample[]>} */
    this.samples = { duplicateIngestionRuns: [], unresolvedConvexWriteFailures: [], apiErrorRatio: [], rlErrorRatio: [] };
    /** @type {Partial<Record<TriggerName, import("./verdict.mjs").Judgement>>} */
    this.judgements = {};
    /** @type { { owner: import("./rollback.mjs").Switch, traffic: import("./rollback.mjs").Switch } | undefined} */
    this.seen = undefined;
    /** Consul answered in this round. */
    this.consulAnswers = false;
    this.rounds = 0;
    this.moves = 0;
    this.startedAt = runtime.now();
    this.lastRoundAt = NaN;
    this.nextReadAt = -Infinity;
    this.nextSummaryAt = runtime.now() + settings.summaryIntervalMs;
    this.ledger.append("start", { mode: settings.mode, environment: settings.environment });
  }

  /** One round. What it delivers (ledger, alerts, dead-man's signal) goes its own way; it waits for none of them. */
  async round() {
    // Goes its own way, in both modes: it takes nothing away from anybody.
    void this.systemJobs.look();
    await this.look();
    await this.sample();
    this.judgeAll();
    if (this.settings.mode === "act") await this.act();
    this.summarize();
    this.rounds += 1;
    this.lastRoundAt = this.runtime.now();
    void this.deliver();
  }

  /** Sends what waits. */
  deliver() {
    return Promise.all([this.ledger.backlog.flush(), this.alerts.backlog.flush(), this.deadMan.signal()]);
  }

  /** Reads the switches; what was last read stands while Consul does not answer, as it does for the gateway. */
  async look() {
    try {
      this.seen = await this.switches.read();
      this.consulAnswers = true;
    } catch (error) {
      this.consulAnswers = false;
      this.runtime.log("warning", `the switches cannot be read: ${describe(error)}`);
    }
  }

  async sample() {
    const { triggers, readIntervalMs } = this.settings;
    const [api, rl] = await Promise.all([this.sources.probeApi(), this.sources.probeRlService()]);
    this.keep("apiErrorRatio", api.samples.map((sample) => this.attributed(sample)));
    this.keep("rlErrorRatio", [this.attributed(rl)]);
    const now = this.runtime.now();
    if (now < this.nextReadAt) return;
    this.nextReadAt = now + readIntervalMs;
    // Goes its own way: a Nomad that does not answer must not hold up the judgement of the app.
    void this.backup.look();
    const windows = { duplicates: triggers.duplicateIngestionRuns.windowMs, failures: triggers.unresolvedConvexWriteFailures.windowMs };
    const { duplicates, failures } = await this.sources.readIngestion(windows, api.fresh);
    this.keep("duplicateIngestionRuns", [duplicates]);
    this.keep("unresolvedConvexWriteFailures", [failures]);
  }

  /**
   * Through the gateway's names the guardian sees what users see. While traffic
   * goes to legacy, that says nothing of Nomad's services, well or ill. While
   * Consul does not answer either, an error may be this node's own network: a
   * guardian that was cut off must not roll back what was well all the time.
   * @param {import("./verdict.mjs").Sample} sample @returns {import("./verdict.mjs").Sample | undefined} undefined: not a sample of Nomad's service
   */
  attributed(sample) {
    if (!this.seen) return { at: sample.at, missing: "it is not known yet where traffic goes" };
    if (this.seen.traffic.value !== "nomad") return undefined;
    return "error" in sample && sample.error && !this.consulAnswers ? { at: sample.at, missing: "it failed while Consul did not answer either, so the fault may be this node's own network" } : sample;
  }

  /** @param {TriggerName} name @param {(import("./verdict.mjs").Sample | undefined)[]} taken */
  keep(name, taken) {
    this.samples[name].push(...taken.filter((sample) => sample !== undefined));
    this.samples[name] = within(this.samples[name], this.settings.triggers[name].windowMs, this.runtime.now());
  }

  judgeAll() {
    for (const name of TRIGGERS) {
      const before = this.judgements[name]?.verdict;
      const judgement = judge(this.settings.triggers[name], this.samples[name], this.runtime.now());
      this.judgements[name] = judgement;
      if (judgement.verdict !== before) this.changed(name, before, judgement);
    }
  }

  /** @param {TriggerName} name @param {string | undefined} before @param {import("./verdict.mjs").Judgement} judgement */
  changed(name, before, { verdict, value, answered, attempted, reason }) {
    const facts = { trigger: name, verdict, previous: before ?? "none", value, threshold: this.settings.triggers[name].threshold, answered, attempted, reason, ...this.where() };
    this.runtime.log(verdict === "fail" ? "error" : "info", `${name}: ${before ?? "none"} -> ${verdict}: ${reason}`);
    this.ledger.append("verdict", { ...facts, mode: this.settings.mode });
    // Every start begins without enough samples; that is no news.
    if (before === undefined && verdict !== "fail") return;
    this.alert("verdict", SEVERITY[verdict], `${name} is ${verdict}: ${reason}. ${this.advice(verdict)}`.trim(), facts);
  }

  /** @param {import("./verdict.mjs").Verdict} verdict */
  advice(verdict) {
    if (verdict !== "fail" || this.seen?.owner.value !== "nomad") return "";
    return this.settings.mode === "act" ? "The guardian takes worker and traffic away from Nomad now; start the legacy worker next." : "Roll the cutover back: the worker away from Nomad first, then the legacy worker, then traffic.";
  }

  /** Rolls back while a trigger fails, and finishes a roll-back that began even if the trigger has recovered since. */
  async act() {
    const failing = TRIGGERS.filter((name) => this.judgements[name]?.verdict === "fail");
    const begun = this.seen !== undefined && unfinished(this.seen.owner, this.seen.traffic);
    if (failing.length === 0 && !begun) return;
    const because = failing.length > 0 ? failing.map((name) => `${name}: ${this.judgements[name]?.reason}`).join("; ") : "a roll-back that began is finished";
    try {
      const outcome = await this.switches.rollBack(({ key, from, to }) => {
        this.moves += 1;
        this.runtime.log("error", `rolled back: ${key} ${from} -> ${to}, because ${because}`);
        this.ledger.append("rollback", { key, from, to, because, mode: this.settings.mode });
        // At once: the second step may have to wait for Consul, and the operator should not.
        const next = key === this.settings.keys.workerOwner ? "Start the legacy worker now: nothing ingests until it runs." : "Users land on legacy.";
        this.alert("rollback", "critical", `${key} was moved from ${from} to ${to}, because ${because}. ${next}`, { key, from, to, because });
      });
      if (outcome === "done") this.seen = await this.switches.read();
    } catch (error) {
      this.runtime.log("error", `the roll-back is not complete and is tried again in the next round: ${describe(error)}`);
    }
  }

  summarize() {
    if (this.runtime.now() < this.nextSummaryAt) return;
    this.nextSummaryAt = this.runtime.now() + this.settings.summaryIntervalMs;
    const each = Object.fromEntries(TRIGGERS.map((name) => [name, `${this.judgements[name]?.verdict}: ${this.judgements[name]?.reason}`]));
    this.ledger.append("summary", { verdict: this.verdict(), ...each, ...this.where(), mode: this.settings.mode });
  }

  verdict() {
    return overall(TRIGGERS.map((name) => this.judgements[name]?.verdict ?? "inconclusive"));
  }

  where() {
    return { workerOwner: this.seen?.owner.value ?? "unknown", traffic: this.seen?.traffic.value ?? "unknown" };
  }

  /** @param {string} kind @param {string} severity @param {string} summary @param {object} facts */
  alert(kind, severity, summary, facts) {
    const { environment, namespace, mode } = this.settings;
    this.alerts.send({ source: "gvfx-guardian", environment, namespace, mode, at: new Date(this.runtime.now()).toISOString(), kind, severity, summary, ...facts });
  }

  /** Alive means that rounds go on: three intervals and the longest that its calls can take together. */
  healthy() {
    const { probeIntervalMs, sources } = this.settings;
    const allowed = 3 * probeIntervalMs + 4 * sources.readTimeoutMs + 30_000;
    const last = Number.isNaN(this.lastRoundAt) ? this.startedAt : this.lastRoundAt;
    const age = this.runtime.now() - last;
    return { ok: age <= allowed, detail: `${this.rounds} rounds, the last one ${Math.round(age / 1000)} s ago` };
  }

  /** @returns {import("./metrics.mjs").Reading} */
  reading() {
    const none = /** @type {const} */ ({ verdict: "inconclusive", value: null, answered: 0, attempted: 0, reason: "not judged yet" });
    const { owner, traffic } = { owner: this.seen?.owner.value ?? "unknown", traffic: this.seen?.traffic.value ?? "unknown" };
    return {
      triggers: Object.fromEntries(TRIGGERS.map((name) => [name, { ...(this.judgements[name] ?? none), threshold: this.settings.triggers[name].threshold }])),
      overall: this.verdict(),
      switches: { workerOwner: owner, traffic },
      backup: this.backup.gauges(),
      systemJobs: this.systemJobs.reading(),
      gauges: { last_round_timestamp_seconds: Number.isNaN(this.lastRoundAt) ? 0 : this.lastRoundAt / 1000, ledger_waiting: this.ledger.backlog.waiting.length, alerts_waiting: this.alerts.backlog.waiting.length },
      counters: {
        rounds_total: this.rounds,
        rollback_moves_total: this.moves,
        ledger_entries_total: this.ledger.backlog.delivered,
        ledger_failures_total: this.ledger.backlog.failures,
        alerts_sent_total: this.alerts.backlog.delivered,
        alert_failures_total: this.alerts.backlog.failures,
        dropped_total: this.ledger.backlog.dropped + this.alerts.backlog.dropped,
        dead_man_signals_total: this.deadMan.sent,
      },
    };
  }
}
