/** What a cutover sees and changes, as an interface: the machines in earnest, one in memory in tests. Looking changes nothing; every change may be repeated. */
import type { Outcome } from "../doctor/check";
import type { GiveResult } from "../lease/give";
import type { Side } from "../lease/sources";

export const LEGACY_PROCESSES = ["worker", "api", "frontend"] as const;
export type LegacyProcess = (typeof LEGACY_PROCESSES)[number];

export interface LegacyWorkerSeen {
  /** Whether what the pid file names is the lease's program, below which the worker runs or waits. */
  readonly underLease: boolean;
  /** "process 4711 (bun run src/jobs/worker.ts)" of the pid file; undefined when it is not alive. */
  readonly running: string | undefined;
  /** Whether that process is the worker, and not somebody who was given its number since. */
  readonly ours: boolean;
  /** The same program of the same checkout, which no pid file names. */
  readonly strangers: readonly string[];
}

/** The legacy host. Every method throws when the host cannot be reached. */
export interface Legacy {
  worker(): Promise<LegacyWorkerSeen>;
  /** Ends a process by its pid file, its identity checked, if it runs; returns once it is gone. @throws Error when it is somebody else, or does not end */
  stop(process: LegacyProcess): Promise<void>;
  /** Starts what does not run, and nothing else. @throws Error when it is not there afterwards */
  start(process: LegacyProcess): Promise<void>;
  /** CONVEX_URL in the environment of each process that runs; "unknown" where the host does not show it. */
  convexUrls(): Promise<ReadonlyMap<string, string>>;
}

export interface Switches {
  readonly owner: string | undefined;
  readonly traffic: string | undefined;
  readonly sections: string | undefined;
}

/** Who may run the worker, as the lease shows it. */
export interface WorkerLease {
  /** Side whose worker holds it; "other" when nothing says whose; undefined: nobody's. */
  holder(): Promise<Side | "other" | undefined>;
  /** Sets the owner by check-and-set, and waits until that side's worker has the lease. */
  give(to: Side, options: { readonly legacyWorkerStopped: boolean }, signal: AbortSignal): Promise<GiveResult>;
  /** Sets the owner alone: for a side whose worker takes no lease. @throws Error when somebody else sets it at the same moment */
  assign(to: Side): Promise<void>;
  /** Takes the worker away from whoever has it: returns once the lease is free, or throws. */
  giveToNobody(signal: AbortSignal): Promise<void>;
}

/** A worker that was seen, by any of the ways in which one shows. */
export interface WriterSeen {
  readonly side: Side;
  /** "server-1, allocation 8a3f" or "legacy, process 4711". */
  readonly where: string;
  /** Connections to the exchange that its processes hold. */
  readonly exchangeSockets: number;
}

/** Workers by the processes of every machine. */
export interface Workers {
  readonly seen: readonly WriterSeen[];
  /** Machines that could not be looked at, with why: what runs there is not known. */
  readonly hidden: readonly string[];
}

export interface Writers extends Workers {
  /** Pairs and feeds with two ingestion runs at the same moment, begun within the window. */
  readonly overlappingRuns: readonly string[];
}

/** Real requests through the gateway's public addresses. */
export interface TrafficSeen {
  readonly requests: number;
  readonly failed: number;
  readonly bySide: Readonly<Record<Side, number>>;
}

export interface GuardianSeen {
  /** Its verdict over all triggers as it stands; undefined when it never wrote one. */
  readonly verdict: string | undefined;
  /** ISO: from then until now no trigger failed and it was never silent for longer than it may be. Undefined while one fails, or it is silent. */
  readonly wellSince: string | undefined;
  /** Age of its newest entry, seconds: a guardian that is silent watches nothing. Infinity when there is none. */
  readonly silentFor: number;
  /** What fails, a sentence each, as it judged last. */
  readonly failing: readonly string[];
}

export interface CutoverWorld {
  readonly legacy: Legacy;
  readonly lease: WorkerLease;
  switches(): Promise<Switches>;
  /** By check-and-set against what was seen. @throws Error when somebody else set it meanwhile */
  setSwitch(name: "traffic" | "sections", to: string): Promise<void>;
  /** `gvfx doctor`. */
  doctor(signal: AbortSignal): Promise<Outcome>;
  /** By stack: whether a plan is empty, or why there is none. */
  plans(signal: AbortSignal): Promise<ReadonlyMap<string, "empty" | "changes" | { readonly problem: string }>>;
  /** The Convex that Nomad's services use, as legacy reaches it. */
  readonly convexUrl: string;
  /** The data move's evidence: that it passed, and the snapshot that was kept of it. */
  dataMove(): Promise<{ readonly verdict: string | undefined; readonly snapshot: string | undefined }>;
  /** Whether that snapshot is there and whole. */
  snapshotKept(path: string): Promise<boolean>;
  smoke(side: Side, signal: AbortSignal): Promise<Outcome>;
  coverage(signal: AbortSignal): Promise<Outcome>;
  sections(expected: "open" | "closed", signal: AbortSignal): Promise<Outcome>;
  workers(): Promise<Workers>;
  /** Those, and what the database says of the last minutes: it takes longer. */
  writers(): Promise<Writers>;
  traffic(requests: number, signal: AbortSignal): Promise<TrafficSeen>;
  guardian(): Promise<GuardianSeen>;
  /** The roll-back triggers, judged now. */
  triggers(): Promise<Outcome>;
  /** Takes the data back to what legacy had: `gvfx data move --undo`. */
  dataBack(signal: AbortSignal): Promise<Outcome>;
  /** Evidence of the gate "watch", which Terraform reads before legacy is retired. */
  recordWatch(verdict: "pass" | "none"): Promise<void>;
  readonly clock: { now(): Date; wait(ms: number, signal: AbortSignal): Promise<void> };
}
