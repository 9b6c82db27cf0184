/**
 * A cutover's world in memory: a double. Its worker of Nomad runs while the owner key says so, its legacy worker
 * while it was started, and it counts the moments at which two of them run, or none.
 */
import type { Outcome } from "../../scripts/doctor/check";
import type { GiveResult } from "../../scripts/lease/give";
import type { LeaseStatus } from "../../scripts/lease/assess";
import type { CutoverWorld, GuardianSeen, LegacyProcess, LegacyWorkerSeen, Switches, TrafficSeen, Workers, Writers } from "../../scripts/cutover/world";

export const CONVEX = "http://100.64.0.21:3210";
const WELL: Outcome = { verdict: "pass", detail: "well" };

export class FakeWorld implements CutoverWorld {
  owner = "legacy";
  traffic_ = "legacy";
  sections_ = "closed";
  readonly running = new Set<LegacyProcess>(["worker", "api", "frontend"]);
  watchEvidence = "none";
  now = Date.parse("2026-01-01T12:00:00.000Z");
  /** Each thing that was changed, in order. */
  readonly changes: string[] = [];
  /** Workers that ran at once after each change: more than one is what must never be. */
  most = 1;
  /** What is planted, by the method that it strikes. */
  readonly planted: Partial<{
    doctor: Outcome;
    plans: ReadonlyMap<string, "empty" | "changes" | { readonly problem: string }>;
    dataMove: { readonly verdict: string | undefined; readonly snapshot: string | undefined };
    convexUrls: ReadonlyMap<string, string>;
    snapshotKept: boolean;
    smoke: Outcome;
    coverage: Outcome;
    sections: Outcome;
    legacyWorker: Partial<LegacyWorkerSeen>;
    /** Somebody starts the legacy worker again. */
    restarts: boolean;
    /** Nobody takes the lease on Nomad. */
    notTaken: boolean;
    writers: Partial<Writers>;
    traffic: TrafficSeen;
    guardian: Partial<GuardianSeen>;
    triggers: Outcome;
    dataBack: Outcome;
  }> = {};
  /** Told before every call; one that never returns is a kill. */
  before: (call: string) => Promise<void> = () => Promise.resolve();

  readonly convexUrl = CONVEX;

  private get nomadRuns(): boolean {
    return this.owner === "nomad" && !this.planted.notTaken;
  }
  private changed(what: string): void {
    this.changes.push(what);
    this.most = Math.max(this.most, Number(this.nomadRuns) + Number(this.running.has("worker")));
  }

  readonly legacy = {
    worker: async (): Promise<LegacyWorkerSeen> => {
      await this.before("legacy.worker");
      const running = this.running.has("worker") ? "process 4711 (bun run src/jobs/worker.ts)" : undefined;
      return { running, ours: running !== undefined, underLease: true, strangers: [], ...this.planted.legacyWorker };
    },
    stop: async (process: LegacyProcess): Promise<void> => {
      await this.before(`legacy.stop ${process}`);
      if (this.running.delete(process)) this.changed(`legacy ${process} stopped`);
      if (this.planted.restarts) this.running.add(process);
    },
    start: async (process: LegacyProcess): Promise<void> => {
      await this.before(`legacy.start ${process}`);
      if (this.running.has(process)) return;
      this.running.add(process);
      this.changed(`legacy ${process} started`);
    },
    convexUrls: async (): Promise<ReadonlyMap<string, string>> => {
      await this.before("legacy.convexUrls");
      return this.planted.convexUrls ?? new Map([...this.running].filter((name) => name !== "frontend").map((name) => [name, CONVEX]));
    },
  };

  readonly lease = {
    holder: () => Promise.resolve(this.nomadRuns ? ("nomad" as const) : this.owner === "legacy" && this.running.has("worker") ? ("legacy" as const) : undefined),
    give: async (to: "legacy" | "nomad"): Promise<GiveResult> => {
      await this.before(`lease.give ${to}`);
      const from = this.owner;
      const status = { owner: to, runs: `${to}'s worker` } as LeaseStatus;
      if (from === to && (to === "legacy" || this.nomadRuns)) return { outcome: "already", status };
      this.owner = to;
      this.changed(`owner ${to}`);
      if (to === "nomad" && this.planted.notTaken) return { outcome: "not-taken", changed: true, from, waitedMs: 60_000, releasedAfterMs: undefined, status: undefined, lastError: undefined };
      return { outcome: "given", changed: true, from, tookMs: 1_200, releasedAfterMs: 800, status };
    },
    assign: async (to: "legacy" | "nomad"): Promise<void> => {
      await this.before(`lease.assign ${to}`);
      if (this.owner === to) return;
      this.owner = to;
      this.changed(`owner ${to}`);
    },
    giveToNobody: async (): Promise<void> => {
      await this.before("lease.giveToNobody");
      if (this.owner === "nobody") return;
      this.owner = "nobody";
      this.changed("owner nobody");
    },
  };

  switches = (): Promise<Switches> => Promise.resolve({ owner: this.owner, traffic: this.traffic_, sections: this.sections_ });
  async setSwitch(name: "traffic" | "sections", to: string): Promise<void> {
    await this.before(`set ${name} ${to}`);
    const key = `${name}_` as const;
    if (this[key] === to) return;
    this[key] = to;
    this.changed(`${name} ${to}`);
  }
  private async told<T>(call: string, value: T): Promise<T> {
    await this.before(call);
    return value;
  }
  doctor = () => this.told("doctor", this.planted.doctor ?? WELL);
  plans = () => this.told("plans", this.planted.plans ?? new Map<string, "empty">(["foundation", "data-plane", "app", "cutover"].map((stack) => [stack, "empty"])));
  dataMove = () => this.told("dataMove", this.planted.dataMove ?? { verdict: "pass", snapshot: "legacy.zip" });
  snapshotKept = () => this.told("snapshotKept", this.planted.snapshotKept ?? true);
  smoke = (side: "legacy" | "nomad") => this.told(`smoke ${side}`, this.planted.smoke ?? (side === "legacy" && !(this.running.has("api") && this.running.has("frontend")) ? { verdict: "fail" as const, detail: "legacy does not answer", mend: "start it" } : WELL));
  coverage = () => this.told("coverage", this.planted.coverage ?? WELL);
  sections = (expected: "open" | "closed") => this.told("sections", this.planted.sections ?? (this.sections_ === expected ? WELL : { verdict: "fail" as const, detail: "closed", mend: "open" }));
  async workers(): Promise<Workers> {
    const { seen, hidden } = await this.writers();
    return { seen, hidden };
  }
  async writers(): Promise<Writers> {
    await this.before("writers");
    const seen = [...(this.running.has("worker") ? [{ side: "legacy" as const, where: "legacy, process 4711", exchangeSockets: 2 }] : []), ...(this.nomadRuns ? [{ side: "nomad" as const, where: "server-1, allocation 8a3f", exchangeSockets: 2 }] : [])];
    return { seen, hidden: [], overlappingRuns: [], ...this.planted.writers };
  }
  async traffic(requests: number): Promise<TrafficSeen> {
    await this.before("traffic");
    const landed = { legacy: 0, nomad: 0, [this.traffic_]: requests };
    const failed = this.traffic_ === "legacy" && !this.running.has("frontend") ? requests : 0;
    return this.planted.traffic ?? { requests, failed, bySide: landed };
  }
  async guardian(): Promise<GuardianSeen> {
    await this.before("guardian");
    return { verdict: "pass", wellSince: "2025-12-31T12:00:00.000Z", silentFor: 30, failing: [], ...this.planted.guardian };
  }
  triggers = () => Promise.resolve(this.planted.triggers ?? WELL);
  dataBack = () => this.told("dataBack", this.planted.dataBack ?? WELL);
  async recordWatch(verdict: "pass" | "none"): Promise<void> {
    await this.before(`watch ${verdict}`);
    this.watchEvidence = verdict;
  }
  readonly clock = {
    now: () => new Date(this.now),
    wait: async (ms: number): Promise<void> => {
      await this.before("wait");
      this.now += ms;
    },
  };
}
