/** What a case of the drill is made of. The table of all of them is cases.ts. */
import type { Duration } from "../../contracts/units";
import type { BoundId } from "./result";

/** Faults that last until they are healed. */
export const LASTING_FAULTS = ["kill", "pause", "partition", "stop", "cut-consul", "cut-nomad", "crash-consul", "crash-nomad"] as const;
export type LastingFault = (typeof LASTING_FAULTS)[number];

/**
 * `worker-node`: where both workers run. `leader`: the machine of Nomad's leader. `consul`: all its servers.
 * `workers`: the containers of both, the wrapper of the one with a lease included.
 */
export type Place = "worker-node" | "leader" | "consul" | "workers";

/** Faults that are over at once: whatever they end is started again by its own manager. */
export type MomentaryFault = "restart-consul-leader" | "kill-nomad-agent" | "kill-engine" | "kill-wrapper";

/** What an operator does, to both jobs alike. */
export type OperatorAct = "drain" | "redeploy" | "bad-redeploy" | "restart-job" | "stop-allocation" | "stop-then-run" | "scale-to-2" | "register-count-2" | "replace" | "deploy-twice" | "clock-jump";

/** For how long a fault lasts: a time, or until a worker with a lease runs elsewhere. */
export type Lasts = Duration | "until replaced";

export type Step =
  | { readonly fault: LastingFault; readonly at: Place; readonly for: Lasts; /** Whether another worker process must have begun before the case goes on, be it after the heal. */ readonly replaces?: true }
  | { readonly fault: MomentaryFault; readonly replaces?: true }
  | { readonly act: OperatorAct; readonly replaces?: true; /** How long what was done stays. @default until another worker runs, where it replaces one; else no time */ readonly for?: Duration }
  | { readonly wait: Duration };

/** What must be so before a case begins. */
export interface Given {
  /** Which machine leads Nomad's servers. @default whichever does */
  readonly leader?: "worker-node" | "other" | "witness";
  /** The worker is moved off the node that holds the data, where the act would take Postgres along. @default false */
  readonly awayFromData?: true;
  /** Both workers see a wall clock that can be moved. @default false */
  readonly movableClock?: true;
}

export interface Expected {
  /** Of workers with a lease. @default 0 */
  readonly overlap?: Duration;
  /** Longest time without a worker. @default not expected of this case, which keeps a worker away for as long as it lasts */
  readonly gap?: Duration;
  /** Whether `gap`, or `overlap`, is one that the platform promises. */
  readonly bound?: BoundId;
  /** The process that ran at first runs on. */
  readonly undisturbed?: true;
  /** It may run on, and may be replaced within `gap`: the fault is proven by itself, not by the worker. */
  readonly mayRunOn?: true;
  /** For so long at least no order of the worker reaches the exchange while the fault lasts: proof of a cut that the worker is not to feel. */
  readonly silentFor?: Duration;
  /** Nomad refuses what the operator asks. */
  readonly refused?: true;
}

export interface DrillCase {
  readonly id: string;
  readonly title: string;
  readonly group: "Nodes" | "Network" | "Processes" | "Operations" | "Consul" | "Clock";
  readonly given?: Given;
  readonly steps: readonly Step[];
  readonly expect: Expected;
  /** Takes minutes: left out by --skip-long. */
  readonly long?: true;
  /** Part of the end-to-end tests. */
  readonly smoke?: true;
}
