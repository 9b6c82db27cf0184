/**
 * What a drill found, as it is kept in result.json.
 *
 * Every stamp named `at`, `from`, `to` or `...At` that is a number is in milliseconds
 * of CLOCK_MONOTONIC. All machines of the lab are containers on one kernel, so the
 * stamps of all of them, and the drill's own, compare exactly.
 */

/** `lease`: the platform's worker. `plain`: the same program under the usual hand-written policy, beside it. */
export const POLICIES = ["lease", "plain"] as const;
export type Policy = (typeof POLICIES)[number];

/** How often a worker writes that it runs. */
export const TICK_MS = 100;
/** A worker whose ticks pause for longer was frozen, not running: five ticks, more than a busy machine delays one. */
export const FROZEN_AFTER_MS = 500;
/** The machine's own doing: two cores that start a container or an agent let a process wait for 0.6 s (seen). A worker that pauses for longer was disturbed. */
export const STALLED_FOR_MS = 1_000;

/** A time in which one worker process really ran, without a pause: from its first tick to its last. */
export interface Stretch {
  readonly policy: Policy;
  /** Of the process: host name, process id and a random part. A restarted worker is another one. */
  readonly instance: string;
  /** Machine on which it ran. */
  readonly node: string;
  readonly from: number;
  /** It may have run for up to TICK_MS longer. */
  readonly to: number;
  readonly ticks: number;
}

/** A WebSocket of a worker, as the exchange saw it. */
export interface Connection {
  readonly policy: Policy;
  readonly instance: string;
  readonly from: number;
  /** When the exchange heard the worker last: a connection of a worker that is cut off or dead stays open for a while. */
  readonly heardAt: number;
  /** Null while it is open. */
  readonly closedAt: number | null;
}

/** `fault`: something was broken; `action`: an operator did something; `heal`: it was undone; `seen`: the drill noticed something. */
export type EventKind = "fault" | "action" | "heal" | "seen";

export interface DrillEvent {
  readonly at: number;
  readonly kind: EventKind;
  /** One line, for people. */
  readonly what: string;
}

/** One phase of a lease wrapper, as its own log says. */
export interface LeasePhase {
  readonly at: number;
  readonly node: string;
  /** First eight digits of its allocation. */
  readonly allocation: string;
  /** standby, acquiring, active, draining, killing, releasing, destroying, done */
  readonly phase: string;
  readonly reason: string | null;
}

/** Of one policy in one run of a case, from the ticks. */
export interface PolicyMeasures {
  /** Time in which two processes or more certainly ran: both ticked before and after it. */
  readonly overlapMs: number;
  /** The same with each process taken to have run for TICK_MS after its last tick, and through each pause of its ticks that is shorter than 5 s: it cannot have been more. */
  readonly overlapAtMostMs: number;
  /** Time in which the exchange heard two processes on open connections. */
  readonly connectionOverlapMs: number;
  /** Longest time within the case in which none ran. */
  readonly longestGapMs: number;
  /** Processes that began within the case. */
  readonly starts: number;
  /** Whether the process that ran at first was the only one, and never stood still for more than STALLED_FOR_MS. */
  readonly undisturbed: boolean;
  /** Time from the first fault or action until a worker ran to stay: 0 when it never stopped; null when none ran at the end. */
  readonly downForMs: number | null;
}

/** Times that the platform promises, each measured by cases that expect it. `hand-over`: gap of a planned one; `node-lost`: gap when a node is, leader or not; `frozen`: overlap of a node that was paused past its lease. */
export const BOUNDS = ["hand-over", "node-lost", "frozen"] as const;
export type BoundId = (typeof BOUNDS)[number];

export interface Expectation {
  /** What is expected, for example "overlap: 0 ms". */
  readonly what: string;
  readonly held: boolean;
  /** What was found, for example "0 ms". */
  readonly found: string;
  /** Where it is one of the platform's bounds: for the table of margins. */
  readonly bound?: { readonly id: BoundId; readonly measuredMs: number; readonly ofMs: number };
}

/** Counted while the case ran, at the exchange and in the database. */
export interface Duplicates {
  /** Orders that the exchange got more than once: under one client order id, or for one request to the API. Without those of the plain policy's workers. */
  readonly orders: number;
  /** Orders that came to the exchange within the case: that 0 duplicates means something. */
  readonly ordersSent: number;
  /** Orders that workers with a lease sent while another one ran. */
  readonly ordersInOverlap: number;
  /** Orders that the plain policy's workers sent twice; nothing is expected of them. */
  readonly plainOrders: number;
  /** Ingestion runs of one feed in the database that overlap another worker's. The plain policy's workers write none. */
  readonly runs: number;
  /** Rows that two workers wrote: the same pair and instant of an order book. */
  readonly rows: number;
}

/** One repetition of one case. */
export interface CaseRun {
  readonly caseId: string;
  readonly title: string;
  /** Heading under which the case is listed, for example "Nodes". */
  readonly group: string;
  /** Counted from 1. */
  readonly repetition: number;
  /** ISO, by the clock on the wall. */
  readonly startedAt: string;
  /** Beginning and end of what was measured: some seconds before the fault until some after all was well. */
  readonly from: number;
  readonly to: number;
  readonly events: readonly DrillEvent[];
  readonly stretches: readonly Stretch[];
  readonly connections: readonly Connection[];
  readonly phases: readonly LeasePhase[];
  readonly measures: Readonly<Record<Policy, PolicyMeasures>>;
  readonly duplicates: Duplicates;
  readonly expectations: readonly Expectation[];
  /** From the (last) heal, or the end of the action, until all was well; null when it was not within its bound. */
  readonly recoveredMs: number | null;
  /** What went wrong with the drill itself; such a run proves nothing. */
  readonly error: string | null;
}

export interface DrillSettings {
  readonly environment: string;
  readonly cases: readonly string[];
  readonly repetitions: number;
  /** Values of the environment that decide what is found, by name, for example "lease.ttl": "10s". */
  readonly values: Readonly<Record<string, string>>;
}

export interface DrillMachine {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Version of the container engine. */
  readonly engine: string;
}

export interface NotRun {
  readonly caseId: string;
  readonly title: string;
  readonly why: string;
}

/** A run in which the drill itself broke off, and which was begun again since. */
export type BrokenOff = Pick<CaseRun, "caseId" | "title" | "repetition" | "startedAt"> & { readonly error: string };

/** Runs of a drill that went on later, made at another commit or under other values that do not decide their cases. */
export interface EarlierRuns {
  readonly commit: string;
  /** Those that differed from the report's, by name. */
  readonly values: Readonly<Record<string, string>>;
  readonly runs: readonly { readonly caseId: string; readonly repetitions: readonly number[] }[];
}

/** Whole content of result.json; written anew after each run of a case. */
export interface DrillReport {
  /** ISO, when the drill began. */
  readonly createdAt: string;
  /** Of the repository when the drill went on last; with "+changes" when files differed from it. */
  readonly commit: string;
  /** Its values are those of the commit. */
  readonly settings: DrillSettings;
  readonly machine: DrillMachine;
  readonly runs: readonly CaseRun[];
  readonly notRun: readonly NotRun[];
  /** Beside `runs`, which has those that were not begun again. @default none */
  readonly brokeOff?: readonly BrokenOff[];
  /** Which of `runs` were made before the drill went on with another commit or other values. @default none */
  readonly earlier?: readonly EarlierRuns[];
}

/** Whether a run shows what its case expects. */
export function passed({ expectations, error }: CaseRun): boolean {
  return error === null && expectations.length > 0 && expectations.every(({ held }) => held);
}
