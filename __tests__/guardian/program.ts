/** The guardian's modules, loaded into this process; they are ECMAScript modules, which jest's own loader does not take. */
import { join } from "node:path";
import { buildSync } from "esbuild";

export type Verdict = "pass" | "fail" | "inconclusive";
export type Sample = { at: number } & ({ error: boolean } | { count: number } | { missing: string });
export interface Trigger { windowMs: number; threshold: number; minimumSamples: number; missingData: "fail" | "inconclusive" }
export interface Judgement { verdict: Verdict; value: number | null; answered: number; attempted: number; reason: string }
export interface Run { id: string; source_type: string; source_id?: string | null; feed?: string | null; status: string; started_at: string; finished_at?: string | null; error_summary?: string | null }
export interface RetryItem { id: string; status?: string; created_at?: string; updated_at?: string }
export interface Move { key: string; from: string; to: string }
interface Waiting<T> { waiting: T[]; delivered: number; failures: number; dropped: number; add(item: T): void; flush(): Promise<void> }

export interface SystemJobSettings { ids: readonly string[]; lookIntervalMs: number; firstPauseMs: number; longestPauseMs: number; alertAfter: number }
export interface BackupSettings { variable: string; lateAfterMs: number; copies: boolean }

export interface SystemJobsReading { evaluations: Readonly<Record<string, number>>; failed: Readonly<Record<string, number>> }

interface Program {
  judge(trigger: Trigger, samples: readonly Sample[], now: number): Judgement;
  overall(verdicts: readonly Verdict[]): Verdict;
  duplicateRuns(runs: readonly Run[], at: { now: number; windowMs: number; timeoutMs: number }): { id: string; key: string }[];
  failedRuns(runs: readonly Run[], at: { now: number; windowMs: number; timeoutMs: number }): string[];
  unresolvedRetries(items: readonly RetryItem[], at: { now: number; windowMs: number; lookBackMs: number }): string[];
  provesFreshness(rows: unknown, now: number): boolean;
  probe(answer: Promise<{ status: number; text: string }>, now: () => number): Promise<{ sample: Sample; text?: string }>;
  Sources: new (settings: object, secrets: { apiToken: string }, now: () => number) => { readIngestion(windows: { duplicates: number; failures: number }, fresh: boolean): Promise<{ duplicates: Sample; failures: Sample }>; probeApi(): Promise<{ samples: Sample[]; fresh: boolean }> };
  Switches: new (consul: { address: string; token: string }, keys: { workerOwner: string; traffic: string }) => { rollBack(moved: (move: Move) => void): Promise<string> };
  ROLLED_BACK_BY_GUARDIAN: number;
  Backlog: new <T>(deliver: (item: T) => Promise<void>, options: { limit: number; expendable?: (item: T) => boolean; onFailure: (error: unknown) => void; now: () => number }) => Waiting<T>;
  findings(status: Record<string, string> | undefined, settings: BackupSettings, now: number, since: number): { what: string; late: boolean; summary: string }[];
  BackupWatch: new (settings: BackupSettings & { namespace: string }, nomad: { address: string; token: string }, runtime: { now: () => number; log: (level: string, message: string) => void }, alert: (severity: string, summary: string, facts: Record<string, string>) => void) => { look(): Promise<void>; gauges(): Record<string, number> };
  SystemJobs: new (settings: SystemJobSettings & { namespace: string }, nomad: { address: string; token: string }, runtime: { now: () => number; log: (level: string, message: string) => void }, alert: (severity: string, summary: string, facts: Record<string, string | number>) => void) => { look(): Promise<void>; reading(): SystemJobsReading };
  metricsText(reading: { triggers: object; overall: string; gauges: object; counters: object; switches: { workerOwner: string; traffic: string }; backup: Record<string, number>; systemJobs: SystemJobsReading }): string;
  Ledger: new (settings: { folder: string; namespace: string; writer: string }, nomad: { address?: string; socketPath?: string; token: string }, runtime: { now: () => number; log: (level: string, message: string) => void }) => { append(kind: string, fields: Record<string, string | number | null>): void; backlog: Waiting<unknown> };
}

export const FOLDER = join(__dirname, "..", "..", "runtime", "guardian");
const MODULES = ["backup", "metrics", "verdict", "runs", "sources", "rollback", "backlog", "ledger", "system-jobs"];

function load(): Program {
  const built = buildSync({ stdin: { contents: MODULES.map((name) => `export * from "./${name}.mjs";`).join("\n"), resolveDir: FOLDER }, bundle: true, platform: "node", format: "cjs", target: "node20", write: false });
  const exported = { exports: {} };
  new Function("module", "exports", "require", built.outputFiles[0].text)(exported, exported.exports, require);
  return exported.exports as Program;
}

export const program = load();
