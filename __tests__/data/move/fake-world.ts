/** The legacy host, both Convexes and Consul in memory. Every call can be the one at which the operator's machine dies. */
import { createHash } from "node:crypto";
import { TIMESCALE_KEY, TIMESCALE_SWITCHES } from "../../../scripts/data/move/app-variables";
import { setsKey } from "../../../scripts/data/move/env-file";
import type { MoveSettings } from "../../../scripts/data/move/step";
import { TradingImpossible, type Clock, type ConvexSide, type Evidence, type KillSwitch, type World, type Writer } from "../../../scripts/data/move/world";
import type { SnapshotReport, TableDiff } from "../../../scripts/data/snapshot/types";
import { Duration, Size } from "../../../contracts/units";

export const OLD_URL = "http://127.0.0.1:3210";
export const NEW_URL = "http://100.64.0.11:3210";

export const SETTINGS: MoveSettings = {
  convexUrl: NEW_URL,
  envFiles: ["backend/.env", ".env.local"],
  room: Size.parse("1GiB"),
  ordersWithin: Duration.parse("30s"),
  quietFor: Duration.parse("5s"),
  writesWithin: Duration.parse("60s"),
  criticalTables: ["trades"],
  sourceUrl: "http://100.64.0.31:3210",
  hostAddress: "100.64.0.31",
  apiStartsAlone: true,
  commands: { move: "gvfx data move", resume: "gvfx data move --resume", undo: "gvfx data move undo", giveBack: "gvfx lease give legacy", adminKey: "gvfx data admin-key" },
};

/** The operator's machine is switched off in the midst of something. */
export class Killed extends Error {}

type Rows = Record<string, string[]>;

export interface ConvexState {
  rows: Rows;
  variables: Record<string, string>;
  functions: string | undefined;
}

export interface State {
  running: Record<Writer, boolean>;
  files: Record<string, string>;
  source: ConvexState;
  target: ConvexState;
  killSwitch: KillSwitch;
  openOrders: number;
  evidence: Evidence;
  /** Who has Consul's lock. */
  lock: string | undefined;
  owners: { worker: string | undefined; traffic: string | undefined };
  timescale: { source: Record<string, string[]>; target: Record<string, string[]> };
}

export const KEPT_LINE = "# by hand, do not touch\nexport CONVEX_URL='http://127.0.0.1:3210'\r\nAPI_TOKEN=t0p-secret\n#CONVEX_URL=http://elsewhere\nLAST=1";

export function startState(): State {
  return {
    running: { worker: true, api: true },
    files: { "backend/.env": KEPT_LINE },
    source: { rows: { trades: ["t1", "t2"], ingestion_runs: ["2026-01-01T00:00:00.000Z done", "2026-01-01T00:01:00.000Z running"], _storage: ["file1"] }, variables: { MODEL_KEY: "s3cret-of-convex" }, functions: "v1" },
    target: { rows: {}, variables: {}, functions: undefined },
    killSwitch: { enabled: false, reason: null },
    openOrders: 1,
    evidence: { verdict: undefined, record: undefined },
    lock: undefined,
    owners: { worker: "legacy", traffic: "legacy" },
    timescale: { source: { orders: ["o1"] }, target: {} },
  };
}

export class FakeWorld implements World {
  readonly calls: string[] = [];
  readonly said: string[] = [];
  /** Files of the operator's machine. */
  readonly disk = new Map<string, Rows>();
  readonly world: World;
  /** What systemd, or a shell, has given the processes besides their env files. */
  readonly processVariables: Record<string, string> = {};
  /** Ids of completed imports. */
  private readonly imports: Record<"legacy" | "nomad", string[]> = { legacy: ["i0"], nomad: [] };
  /** Planted defects. */
  faults: { hostSeesOther?: boolean; changedInPlace?: boolean; importLoses?: string; importChanges?: string; exportDamaged?: boolean; strangerWrites?: boolean; comesBack?: Writer; workerWritesNothing?: boolean; ordersStay?: boolean; otherPid?: Writer; stranger?: Writer; startsWithOldUrl?: boolean; tradingImpossible?: string; editedMeanwhile?: boolean } = {};
  free = 2 ** 40;
  reachable = true;
  /** Call number at which it dies; after the call's effect, or before. */
  killAt: { call: number; after: boolean } | undefined;
  /** Nothing is asked and nothing is written any more: what the code makes of the error is never seen. */
  dead = false;
  private time = Date.parse("2026-02-01T12:00:00Z");
  readonly host: World["host"];
  readonly api: World["api"];
  readonly source: ConvexSide;
  readonly target: ConvexSide;
  readonly snapshots: World["snapshots"];
  readonly keys: World["keys"];
  readonly app: World["app"];
  timescale: World["timescale"];
  readonly clock: Clock;

  constructor(readonly state: State = startState()) {
    this.world = this;
    this.clock = { now: () => new Date(this.time), wait: async (ms, signal) => { signal.throwIfAborted(); this.tick(ms); } };
    this.host = this.mortal("host", {
      look: async () => ({ writers: { worker: this.writer("worker"), api: this.writer("api") }, freeBytes: this.free }),
      reaches: async () => this.reachable,
      readFile: async (path) => (path in state.files ? { text: state.files[path], sha256: sha(state.files[path]) } : undefined),
      replaceFile: async (path, text, { expected, backup }) => {
        if (sha(state.files[path]) !== expected) throw new Error("changed meanwhile");
        if (backup !== undefined && !(backup in state.files)) state.files[backup] = state.files[path];
        state.files[path] = text;
      },
      envValues: async (path, keys) => Object.fromEntries(keys.flatMap((key) => (setsKey(state.files[path], key) ? [[key, this.envValue(path, key)!]] : []))),
      stop: async (writer) => void (this.faults.comesBack === writer || (state.running[writer] = false)),
      start: async (writers) => { for (const writer of writers) state.running[writer] = true; },
    });
    this.api = this.mortal("api", {
      healthy: async () => { if (!state.running.api) throw new Error("connection refused"); },
      agents: async () => { this.mustTrade(); return ["gold-rl-agent"]; },
      killSwitch: async () => { this.mustTrade(); return this.convexOfApi().killSwitch; },
      setKillSwitch: async (_, to) => { this.mustRun(); this.convexOfApi().killSwitch = { ...to }; },
      reconcile: async () => { this.mustRun(); const checked = state.openOrders; if (!this.faults.ordersStay) state.openOrders = 0; return { checked, errors: 0 }; },
      openTrades: async () => [{ id: "trade-9", instrument: "XAUTUSDT", side: "long", status: "partial", mode: "live" }],
    });
    this.source = this.convex("legacy", state.source);
    this.target = this.convex("nomad", state.target);
    this.snapshots = this.mortal("snapshots", {
      validate: async (file) => this.report(file),
      diff: async (a, b) => diff(this.disk.get(a)!, this.disk.get(b)!),
      freeBytes: async () => this.free,
    });
    this.keys = this.mortal("keys", { owners: async () => ({ ...state.owners }), evidence: async () => ({ ...state.evidence }), setEvidence: async (evidence) => void (state.evidence = { ...evidence }), hold: async (move) => (state.lock === undefined || state.lock === move ? void (state.lock = move) : { holder: `${state.lock} on laptop-a`, key: "gvfx/evidence/data-move.lock" }), release: async (move) => { if (state.lock === move) state.lock = undefined; } });
    this.app = this.mortal("app", { name: "abc of git", check: async () => undefined, place: async () => undefined });
  }

  /** As the environment names the database of TIMESCALE_URL. */
  withTimescale(): this {
    const { timescale } = this.state;
    this.timescale = this.mortal("timescale", {
      targetUrl: async () => "postgres://app:pw@100.64.0.11:5432/gvfx",
      check: async () => [],
      copy: async () => void Object.assign(timescale.target, structuredClone(timescale.source)),
      fingerprint: async (side: "legacy" | "nomad") => new Map(Object.entries(side === "legacy" ? timescale.source : timescale.target).map(([table, rows]) => [table, { rows: rows.length, hash: sha(rows.join()) }])),
      keep: async (name: string) => { this.disk.set(name, structuredClone(timescale.target)); return `/home/trader/${name}`; },
      clear: async () => { for (const table of Object.keys(timescale.target)) delete timescale.target[table]; },
    });
    return this;
  }

  /** Another Convex than the one that the operator's machine reaches, when the name is resolved otherwise there. */
  async importsFromHost(): Promise<readonly string[]> {
    if (this.dead) throw new Killed();
    return this.faults.hostSeesOther ? ["i9"] : [...this.imports.nomad];
  }

  async announce(message: string): Promise<string | undefined> {
    this.said.push(message);
    return undefined;
  }

  /** What an operator would look at afterwards: all but the functions, which stay deployed. */
  essence(): unknown {
    const { target, ...rest } = this.state;
    const files = Object.fromEntries(Object.entries(rest.files).filter(([path]) => !path.includes(".before-move-")));
    return structuredClone({ ...rest, files, openOrders: 0, target: { rows: target.rows, variables: target.variables }, killSwitch: { source: this.switches.legacy, target: this.state.target.rows.trades ? this.switches.nomad : undefined } });
  }

  private readonly switches: Record<"legacy" | "nomad", { killSwitch: KillSwitch }> = { legacy: { killSwitch: { enabled: false, reason: null } }, nomad: { killSwitch: { enabled: false, reason: null } } };

  /** The switch is kept in whichever Convex the API has. */
  private convexOfApi(): { killSwitch: KillSwitch } {
    this.mustRun();
    return this.envValue("backend/.env", "CONVEX_URL") === NEW_URL ? this.switches.nomad : this.switches.legacy;
  }

  private mustRun(): void {
    if (!this.state.running.api) throw new Error("connection refused");
  }

  private mustTrade(): void {
    this.mustRun();
    if (this.faults.tradingImpossible) throw new TradingImpossible(this.faults.tradingImpossible);
  }

  private envValue(path: string, key: string): string | undefined {
    return new RegExp(`^(?:export )?${key}='?([^'\\r\\n]*)`, "m").exec(this.state.files[path] ?? "")?.[1];
  }

  private writer(name: Writer): World["host"] extends { look(): Promise<infer S> } ? (S extends { writers: Readonly<Record<Writer, infer W>> } ? W : never) : never {
    const program = `bun run /home/trader/backend/src/${name === "api" ? "api/server.ts" : "jobs/worker.ts"}`;
    const running = this.state.running[name];
    return {
      running: running ? { pid: name === "api" ? 11 : 12, args: this.faults.otherPid === name ? "sleep 600" : program } : undefined,
      ours: this.faults.otherPid !== name,
      convexUrl: running ? (this.faults.startsWithOldUrl ? OLD_URL : this.envValue("backend/.env", "CONVEX_URL")) : undefined,
      variables: running ? { ...this.fromFiles(), ...this.processVariables } : {},
      strangers: this.faults.stranger === name ? [{ pid: 99, args: program }] : [],
    } as never;
  }

  /** The keys that a look asks for, as the app's scripts source them. */
  private fromFiles(): Record<string, string> {
    return Object.fromEntries([...SETTINGS.envFiles].reverse().flatMap((path) => [TIMESCALE_KEY, ...TIMESCALE_SWITCHES].flatMap((key) => { const value = this.envValue(path, key); return value ? [[key, value] as const] : []; })));
  }

  private convex(side: "legacy" | "nomad", state: ConvexState): ConvexSide {
    const rowsOf = (): Rows => state.rows;
    return this.mortal(side, {
      side,
      address: side === "legacy" ? "http://legacy" : "http://nomad",
      answers: async () => undefined,
      counts: async () => new Map(Object.entries(rowsOf()).filter(([table]) => !table.startsWith("_")).map(([table, rows]) => [table, rows.length])),
      imports: async () => [...this.imports[side]],
      newestRun: async () => (rowsOf().ingestion_runs ?? []).map((run) => run.split(" ")[0]).sort().at(-1),
      environment: async () => new Map(Object.entries(state.variables)),
      setVariable: async (name, value) => void (state.variables[name] = value),
      removeVariable: async (name) => void delete state.variables[name],
      exportTo: async (file) => { if (this.faults.changedInPlace && file.endsWith("legacy-again.zip")) rowsOf().trades[0] += " filled"; this.disk.set(file, structuredClone(rowsOf())); },
      importFrom: async (file) => { this.imports[side].push(`i${this.imports[side].length + 1}`); replace(state, this.disk.get(file)!, side === "nomad" && file.endsWith("legacy.zip") ? this.faults : {}); if (side === "nomad" && file.endsWith("legacy.zip")) this.switches.nomad.killSwitch = { ...this.switches.legacy.killSwitch }; },
      deploy: async () => void (state.functions = "v2"),
      closeRuns: async () => { const running = rowsOf().ingestion_runs?.filter((run) => run.endsWith("running")) ?? []; state.rows.ingestion_runs = (rowsOf().ingestion_runs ?? []).map((run) => run.replace(/running$/, "failed")); return running.length; },
      compare: async () => [],
    });
  }

  private report(file: string): SnapshotReport {
    const rows = this.disk.get(file)!;
    const { _storage: files, ...tables } = rows;
    return {
      path: file, bytes: JSON.stringify(rows).length, sha256: sha(JSON.stringify(rows)),
      tables: Object.entries(tables).map(([name, lines]) => ({ name, documents: lines.length, bytes: lines.join().length, digest: sha(lines.join()) })),
      files: { count: files?.length ?? 0, bytes: 1, digest: "f" },
      problems: this.faults.exportDamaged && /(legacy|given-up)\.zip$/.test(file) ? [{ place: "trades/documents.jsonl line 2", what: "its CRC is wrong", fix: "Export again." }] : [],
    };
  }

  /** Time passes: a running worker begins a run each minute, in whichever Convex it has; somebody overlooked writes too. */
  private tick(ms: number): void {
    this.time += ms;
    const { state } = this;
    if (this.faults.strangerWrites) state.source.rows.trades.push(`t${this.time}`);
    if (!state.running.worker || this.faults.workerWritesNothing) return;
    const rows = this.envValue("backend/.env", "CONVEX_URL") === NEW_URL ? state.target.rows : state.source.rows;
    (rows.ingestion_runs ??= []).push(`${new Date(this.time).toISOString()} done`);
  }

  private die(): never {
    this.dead = true;
    throw new Killed();
  }

  private mortal<T extends object>(name: string, target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const value = (object as Record<PropertyKey, unknown>)[key];
        if (typeof value !== "function") return value;
        return async (...args: unknown[]) => {
          if (this.dead) throw new Killed();
          this.calls.push(`${name}.${String(key)}`);
          const dies = this.killAt?.call === this.calls.length ? this.killAt : undefined;
          if (dies && !dies.after) this.die();
          const result: unknown = await (value as (...args: unknown[]) => unknown).apply(object, args);
          if (dies) this.die();
          return result;
        };
      },
    });
  }
}

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

function replace(state: ConvexState, rows: Rows, { importLoses, importChanges }: FakeWorld["faults"]): void {
  state.rows = structuredClone(rows);
  if (importLoses !== undefined) state.rows[importLoses]?.pop();
  if (importChanges !== undefined) state.rows[importChanges][0] += ".0";
}

function diff(a: Rows, b: Rows): TableDiff[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((table) => {
    const [one, other] = [a[table] ?? [], b[table] ?? []];
    const removed = one.filter((row) => !other.includes(row));
    const added = other.filter((row) => !one.includes(row));
    const changed = Math.min(removed.length, added.length);
    return removed.length + added.length === 0 ? [] : [{ table, added: added.length - changed, removed: removed.length - changed, changed, samples: [{ id: one[0], kind: "changed" as const }] }];
  });
}
