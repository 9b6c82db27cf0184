/** What a data move sees and changes, as interfaces: the machines in earnest (world/), one in memory in tests. */
import type { Side } from "../../lease/sources";
import type { SnapshotReport, TableDiff } from "../snapshot/types";

/** The legacy processes that write. */
export const WRITERS = ["worker", "api"] as const;
export type Writer = (typeof WRITERS)[number];
/** What the command line of each has in it. */
export const PROGRAMS: Readonly<Record<Writer, string>> = { worker: "jobs/worker.ts", api: "api/server.ts" };

/** A process of the legacy host. */
export interface ProcessSeen {
  readonly pid: number;
  /** Its command line. */
  readonly args: string;
}

export interface WriterSeen {
  /** The pid file's process, when it is alive. */
  readonly running: ProcessSeen | undefined;
  /** Whether its command line says that it is the writer, and not somebody who was given the same number since. */
  readonly ours: boolean;
  /** CONVEX_URL in its environment; undefined where the host does not show it, or it has none. */
  readonly convexUrl: string | undefined;
  /** Its TIMESCALE_URL (a secret) and TIMESCALE_ switches, likewise; those that are empty or not there left out. */
  readonly variables: Readonly<Record<string, string>>;
  /** Others that run the same program of the same checkout, which no pid file names. */
  readonly strangers: readonly ProcessSeen[];
}

export interface HostSeen {
  readonly writers: Readonly<Record<Writer, WriterSeen>>;
  /** Bytes that are free where the checkout is. */
  readonly freeBytes: number;
}

export interface HostFile {
  readonly text: string;
  /** Hexadecimal, for a write that nobody else's is lost by. */
  readonly sha256: string;
}

/** The legacy host. Every method throws when the host cannot be reached. */
export interface LegacyHost {
  look(): Promise<HostSeen>;
  /** Whether an HTTP address answers the host itself. */
  reaches(url: string): Promise<boolean>;
  /** A file of the checkout; undefined when there is none. */
  readFile(path: string): Promise<HostFile | undefined>;
  /**
   * Puts a new text in place of a file's, at once and with its mode and owner.
   * @param expected what it must hold still. @param backup path that keeps what it held, unless that is there already
   * @throws Error when it was changed meanwhile
   */
  replaceFile(path: string, text: string, options: { readonly expected: string; readonly backup?: string }): Promise<void>;
  /** What a shell makes of an env file: only the keys that are asked for and set. */
  envValues(path: string, keys: readonly string[]): Promise<Readonly<Record<string, string>>>;
  /** Ends a writer if it runs, its identity checked, and returns once it is gone. @throws Error when it does not end, or is somebody else */
  stop(writer: Writer): Promise<void>;
  /** Starts the writers that do not run, the worker first. @throws Error when one is not there afterwards */
  start(writers: readonly Writer[]): Promise<void>;
}

export interface KillSwitch {
  readonly enabled: boolean;
  readonly reason: string | null;
}

export interface OpenTrade {
  readonly id: string;
  readonly instrument: string;
  readonly side: string;
  readonly status: string;
  readonly mode: string;
}

/** The app does not say how its kill switch is: its store of agents fails, or is not configured, and then it cannot trade either. */
export class TradingImpossible extends Error {
  override readonly name = "TradingImpossible";
}

/** The app's API on the legacy host. */
export interface LegacyApi {
  /** @throws Error when it does not answer, or answers that it is ill */
  healthy(): Promise<void>;
  /** @throws TradingImpossible */
  agents(): Promise<readonly string[]>;
  /** The switch as it is stored. The app's GET of the switch answers "off" when its store fails; this does not. @throws TradingImpossible */
  killSwitch(): Promise<KillSwitch>;
  /** @throws Error unless the answer says that it is so now */
  setKillSwitch(agent: string, to: KillSwitch): Promise<void>;
  /** Asks the exchange about every order that is not settled. @returns how many there were, and how many could not be asked */
  reconcile(): Promise<{ readonly checked: number; readonly errors: number }>;
  /** For messages: the app answers "none" when its store fails. */
  openTrades(): Promise<readonly OpenTrade[]>;
}

/** A running Convex, with its admin key. */
export interface ConvexSide {
  readonly side: Side;
  readonly address: string;
  /** @throws Error when it does not answer, or refuses the admin key */
  answers(): Promise<void>;
  /** Rows by table, empty tables left out. */
  counts(): Promise<ReadonlyMap<string, number>>;
  /** Ids of its newest imports, of those that it has completed, sorted. No other Convex has the same, once it has one. */
  imports(): Promise<readonly string[]>;
  /** When the newest ingestion run began; undefined when there is none. */
  newestRun(): Promise<string | undefined>;
  /** Its environment variables, which functions read: values are secrets. */
  environment(): Promise<ReadonlyMap<string, string>>;
  setVariable(name: string, value: string): Promise<void>;
  /** No error when there is none. */
  removeVariable(name: string): Promise<void>;
  /** Writes a snapshot with files. An unfinished file is not left under that name. */
  exportTo(file: string): Promise<void>;
  /** Replaces everything by a snapshot. Repeated after it broke off, it goes on or begins anew. */
  importFrom(file: string): Promise<void>;
  /** Deploys functions and schema of a folder that has the app's convex/ and package.json. */
  deploy(folder: string): Promise<void>;
  /** Fails the ingestion runs that the snapshot left "running", which would block new ones for half an hour. @returns how many */
  closeRuns(): Promise<number>;
  /** Compares with a snapshot: counts, samples, every file fetched and hashed. @returns what is wrong, a sentence each */
  compare(file: string): Promise<readonly string[]>;
}

/** Snapshots as files on this machine. */
export interface Snapshots {
  /** @param filesRequired whether one without stored files is a problem. @default true */
  validate(file: string, options?: { readonly filesRequired?: boolean }): Promise<SnapshotReport>;
  /** Every document and file of both, byte by byte; only tables that differ. */
  diff(a: string, b: string): Promise<readonly TableDiff[]>;
  /** Bytes free where snapshots are kept. */
  freeBytes(): Promise<number>;
}

/** Who trades and where users land. */
export interface Owners {
  readonly worker: string | undefined;
  readonly traffic: string | undefined;
}

export interface Evidence {
  readonly verdict: string | undefined;
  /** JSON. */
  readonly record: string | undefined;
}

/** The cutover's keys in Consul. */
export interface Keys {
  owners(): Promise<Owners>;
  /** Of the gate data-move. */
  evidence(): Promise<Evidence>;
  /** Undefined removes. */
  setEvidence(evidence: Evidence): Promise<void>;
  /** Keeps moves from other machines away, until it is released. Again by the same move: no matter. @returns who has it, when that is another */
  hold(move: string): Promise<{ readonly holder: string; readonly key: string } | undefined>;
  /** Only what this move holds. */
  release(move: string): Promise<void>;
}

/** The app's functions at the pinned revision. */
export interface AppSource {
  /** What it is, for people and the record: "16f2e8d… of git@…". */
  readonly name: string;
  /** @throws Error when it is not to be had at that revision */
  check(): Promise<void>;
  /** Puts what `deploy` needs into a folder, which may hold an earlier attempt. */
  place(folder: string): Promise<void>;
}

/** The Postgres behind TIMESCALE_URL. */
export interface Timescale {
  /** What TIMESCALE_URL becomes on the legacy host. A secret. */
  targetUrl(): Promise<string>;
  /** @returns what stands in the way: a missing program, a target that is not empty, a database that is not reached */
  check(): Promise<readonly string[]>;
  /** Copies the schema and its rows, replacing what the target has of it. */
  copy(): Promise<void>;
  /** By table: rows, and a hash over them that does not depend on their order. */
  fingerprint(side: Side): Promise<ReadonlyMap<string, { readonly rows: number; readonly hash: string }>>;
  /**
   * Dumps what the target has of the schema into a file of the legacy checkout, whole or not at all.
   * @returns the file's path on the legacy host
   */
  keep(name: string): Promise<string>;
  /** Empties what `copy` wrote. */
  clear(): Promise<void>;
}

export interface World {
  readonly host: LegacyHost;
  readonly api: LegacyApi;
  readonly source: ConvexSide;
  readonly target: ConvexSide;
  readonly snapshots: Snapshots;
  readonly keys: Keys;
  readonly app: AppSource;
  /** Undefined unless the environment names the database. */
  readonly timescale: Timescale | undefined;
  /**
   * What `target.imports` says, asked by the legacy host itself at an address as that host resolves it.
   * @throws Error when nobody answers there, or it refuses the platform's admin key
   */
  importsFromHost(url: string): Promise<readonly string[]>;
  /** Tells whoever gets the alerts. @returns a sentence when nobody could be told */
  announce(message: string): Promise<string | undefined>;
  readonly clock: Clock;
}

export interface Clock {
  now(): Date;
  /** @throws Interrupted when the signal is or gets aborted */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** The operator stopped the command. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("interrupted");
  }
}
