/** A double of a lab whose time passes only while somebody waits, with one worker that a fault takes away for a while. */
import type { Duration } from "../../contracts/units";
import type { Given, Step } from "../../scripts/drill/case";
import type { Duplicates, Stretch } from "../../scripts/drill/result";
import { Interrupted, type Evidence, type Mark, type Running, type Scene } from "../../scripts/drill/scene";

export const NO_DUPLICATES: Duplicates = { orders: 0, ordersSent: 40, ordersInOverlap: 0, plainOrders: 0, runs: 0, rows: 0 };

export class SceneDouble implements Scene {
  /** Milliseconds. */
  time = 1_000_000;
  /** What was done, in order. */
  readonly log: string[] = [];
  /** Stretches of the workers; the last one of each policy goes on. */
  stretches: Stretch[] = [];
  broken = new Set<string>();
  /** How long a fault leaves the lease without a worker; null: it never stops. */
  replacedAfterMs: number | null = 30_000;
  /** After the heal. */
  wellAfterMs = 2_000;
  healedAt = 0;
  refused: string | undefined;
  failsIn: "arrange" | "perform" | "observe" | "end" | undefined;
  /** When somebody presses Ctrl-C. */
  interruptedAt = Infinity;
  duplicates: Duplicates = NO_DUPLICATES;
  /** Of orders that the exchange gets of the worker, one a second. */
  cutOff: { readonly from: number; readonly to: number } | undefined;
  overlapBeforeMs = 0;
  /** Whether a fault takes effect. */
  effective = true;
  private count = 0;

  constructor() {
    this.begin("lease", "server-1", 0);
    this.begin("plain", "server-1", 0);
  }

  begin(policy: Stretch["policy"], node: string, from = this.time): void {
    this.stretches.push({ policy, instance: `${policy}-${(this.count += 1)}`, node, from, to: Infinity, ticks: 1 });
  }

  stopWorker(policy: Stretch["policy"], at = this.time): void {
    this.stretches = this.stretches.map((stretch) => (stretch.policy === policy && stretch.to === Infinity ? { ...stretch, to: at } : stretch));
  }

  readonly now = () => this.time;
  readonly wait = async (time: Duration) => {
    this.time += time.milliseconds;
    if (this.time >= this.interruptedAt) {
      this.interruptedAt = Infinity;
      throw new Interrupted();
    }
  };
  readonly problems = async () => (this.broken.size === 0 && this.time - this.healedAt >= this.wellAfterMs ? [] : ["gvfx-api: 1 of 2 healthy"]);
  readonly running = (policy: Running["policy"]): Running[] => this.stretches.filter((it) => it.policy === policy && it.from <= this.time && it.to >= this.time);
  readonly arrange = async (given: Given) => {
    this.log.push(`arrange ${JSON.stringify(given)}`);
    if (this.failsIn === "arrange") throw new Error("the lab is not well");
  };
  readonly observe = async () => {
    this.log.push("observe");
    if (this.failsIn === "observe") throw new Error("no token");
    const from = this.time;
    return {
      from,
      abandon: async () => void this.log.push("abandon"),
      end: async (to: number): Promise<Evidence> => {
        this.log.push("end");
        if (this.failsIn === "end") throw new Error("the ticks on server-2 cannot be read");
        const stretches = this.stretches.filter((it) => it.to >= from && it.from <= to).map((it) => ({ ...it, from: Math.max(it.from, from - 1_000), to: Math.min(it.to, to) }));
        const seconds = Array.from({ length: Math.ceil((to - from) / 1_000) }, (_, i) => from + i * 1_000);
        const workerOrders = seconds.filter((at) => !this.cutOff || at < this.cutOff.from || at >= this.cutOff.to);
        return { stretches, connections: [], phases: [], duplicates: this.duplicates, workerOrders, overlapBeforeMs: this.overlapBeforeMs };
      },
    };
  };
  readonly perform = async (step: Exclude<Step, { readonly wait: Duration }>, mark: Mark) => {
    const what = "act" in step ? step.act : step.fault;
    if (this.failsIn === "perform") {
      this.broken.add(what);
      throw new Error("docker kill failed");
    }
    mark("act" in step ? "action" : "fault", what);
    if (this.replacedAfterMs !== null) {
      this.stopWorker("lease");
      this.begin("lease", "server-2", this.time + this.replacedAfterMs);
    }
    if (this.refused !== undefined) return { refused: this.refused };
    if (!("for" in step)) return {};
    this.broken.add(what);
    return {
      confirm: async () => {
        this.log.push(`confirm ${what}`);
        if (!this.effective) throw new Error("the leader leads still");
      },
      heal: async () => {
        this.log.push(`heal ${what}`);
        this.broken.delete(what);
        this.healedAt = this.time;
        mark("heal", what);
      },
    };
  };
  readonly healAll = async () => {
    if (this.broken.size > 0) this.healedAt = this.time;
    this.log.push(`healAll ${[...this.broken].join()}`.trim());
    this.broken.clear();
  };
  readonly restore = async () => void this.log.push("restore");
}
