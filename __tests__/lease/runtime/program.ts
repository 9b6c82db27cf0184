/** The lease's modules, loaded into this process; they are ECMAScript modules, which jest's own loader does not take. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { buildSync } from "esbuild";

export type Log = (level: string, event: string, message: string, fields?: Readonly<Record<string, unknown>>) => void;
export type Outcome = { type: string } & Readonly<Record<string, unknown>>;
export interface Answer { readonly status: number; readonly text: string }
export interface LeaseState { readonly phase: string; readonly session: string | null; readonly exitCode: number | null; readonly reason: string | null }
export interface Timing { readonly ttlMs: number; readonly lockDelayMs: number; readonly renewEveryMs: number; readonly requestTimeoutMs: number; readonly terminateAfterMs: number; readonly killAfterMs: number; readonly stopGraceMs: number }
export interface LeaseSettings {
  readonly owner: string; readonly keys: { readonly owner: string; readonly lease: string }; readonly node: string; readonly agents: readonly string[]; readonly servers: readonly string[]; readonly caFile?: string;
  readonly tokenFile: string; readonly address?: string; readonly port: number; readonly childMetricsUrl?: string; readonly containment: string; readonly fence: string; readonly timing: Timing;
}
export interface Started { readonly pid: number; readonly exited: Promise<{ code: number }>; readonly channel?: Duplex }
export interface Containment { problem(): string | undefined; start(command: readonly string[], environment: Readonly<Record<string, string | undefined>>, options?: { readonly channel?: boolean }): Started; signal(name: string): void; killAll(): Promise<void> }
export interface Loop {
  readonly state: LeaseState; tickedAt: number; readonly counts: Readonly<Record<string, number>>; readonly settings: { readonly owner: string; readonly timing: Timing };
  run(): void; dispatch(outcome: Outcome): void; forward(name: string): void; fail(error: unknown): Promise<void>; health(): { ok: boolean; detail: string };
}
export interface Fence { readonly state: string; problem(): string | undefined; environment(environment: Readonly<Record<string, string>>): Record<string, string>; guard(started: Started, deadline: number, unarmed: (why: string) => void): void; renew(deadline: number): void }
export interface Trouble { met(what: string, level: string, event: string, message: string, fields: object): void; over(what: string): void }
export interface TokenFile { read(): string | undefined; readonly problem: string | undefined }
export interface Endpoints { ask(path: string, request: { token: string; body?: string; timeoutMs: number }): Promise<Answer> }
export interface Reading { phase: string; running: boolean; remainingMs: number | null; sinceRenewalMs: number | null; counts: Readonly<Record<string, number>>; fenced: boolean; owner: string; node: string; version: string }

export interface Program {
  suspendAwareClock(sources?: { monotonic?: () => number; boot?: () => number | undefined }): () => number;
  readSettings(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): { settings: LeaseSettings; command: string[] };
  SettingsError: new (errors: string[]) => Error & { errors: string[] };
  childEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string>;
  checked(given: unknown): string[];
  jsonLog(line: (line: string) => void, options?: { secrets?: ReadonlySet<string>; now?: () => Date }): Log;
  Output: new (fd: number) => { line(text: string): void; flush(): void; readonly waiting: readonly Buffer[]; readonly dropped: number; readonly kind: string };
  TokenFile: new (path: string, secrets: Set<string>) => TokenFile;
  Trouble: new (log: Log, now: () => number) => Trouble;
  Endpoints: new (urls: readonly string[], options: { caFile?: string; now: () => number; log: Log }) => Endpoints;
  Unanswered: new (failures: readonly unknown[]) => Error & { refused: unknown };
  Consul: new (settings: LeaseSettings, options: { endpoints: Endpoints; token: TokenFile; trouble: Trouble; now: () => number; holder: string }) => { perform(effect: Outcome): Promise<Outcome> };
  Loop: new (parts: { settings: LeaseSettings; command: string[]; environment: Record<string, string>; consul: { perform(effect: Outcome): Promise<Outcome> }; containment: Containment; fence?: Pick<Fence, "environment" | "guard" | "renew" | "state">; now: () => number; log: Log; exit(code: number): void }) => Loop;
  Fence: new (parts: { program: string; now: () => number; log: Log; boot?: () => number }) => Fence;
  metrics(read: () => Reading, options: { childUrl?: string; trouble: Trouble }): Promise<string>;
  serve(settings: LeaseSettings, loop: Loop, trouble: Trouble): Promise<import("node:http").Server>;
  call(url: string, options: { method?: string; headers?: Record<string, string>; body?: string; ca?: string; timeoutMs: number }): { answer: Promise<Answer>; abort(): void };
}

export const FOLDER = join(__dirname, "..", "..", "..", "runtime", "worker-lease");
const MODULES = ["clock", "settings", "settings-checks", "log", "output", "token", "trouble", "http", "consul-endpoints", "consul", "fence", "loop", "metrics", "status"];

export interface Defect { readonly module: string; readonly text: string; readonly by: string }

/** @param defect text that must be in the module exactly once, so that a defect never goes stale unseen */
export function load(defect?: Defect): Program {
  let folder = FOLDER;
  if (defect) {
    folder = mkdtempSync(join(tmpdir(), "gvfx-defect-"));
    cpSync(FOLDER, folder, { recursive: true, filter: (path) => !path.endsWith(".json") });
    const file = join(folder, defect.module);
    const source = readFileSync(file, "utf8");
    if (source.split(defect.text).length !== 2) throw new Error(`${JSON.stringify(defect.text)} is ${source.split(defect.text).length - 1} times in ${defect.module}, and must be there once: adapt the planted defect`);
    writeFileSync(file, source.replace(defect.text, () => defect.by));
  }
  const built = buildSync({ stdin: { contents: MODULES.map((name) => `export * from "./${name}.mjs";`).join("\n"), resolveDir: folder }, bundle: true, platform: "node", format: "cjs", target: "node20", write: false });
  if (defect) rmSync(folder, { recursive: true });
  const exported = { exports: {} };
  new Function("module", "exports", "require", built.outputFiles[0].text)(exported, exported.exports, require);
  return exported.exports as Program;
}

export const program = load();

export interface Line { readonly level: string; readonly event: string; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }

/** A log that keeps its lines. */
export function keepingLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  return { lines, log: (level, event, message, fields = {}) => lines.push({ level, event, message, fields }) };
}

/** Production's times. */
export const TIMING: Timing = { ttlMs: 10_000, lockDelayMs: 12_000, renewEveryMs: 1_000, requestTimeoutMs: 3_000, terminateAfterMs: 8_000, killAfterMs: 9_000, stopGraceMs: 20_000 };

export function settingsWith(changes: Partial<LeaseSettings> = {}): LeaseSettings {
  return { owner: "nomad", keys: { owner: "gvfx/worker-owner", lease: "gvfx/worker-lease" }, node: "server-1", agents: ["http://127.0.0.1:1"], servers: [], tokenFile: "/nowhere/token", port: 0, containment: "host", fence: "none", timing: TIMING, ...changes };
}
