/** The backup's program: its modules in this process, and as the one file that the job delivers in a process of its own. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import type { RunFolder } from "./run-folder";

export interface Version { key: string; versionId: string; latest: boolean; marker: boolean; modified: number; size: number }

interface Program {
  parsePage(xml: string): { versions: Version[]; next: { key: string; versionId: string } | undefined };
  wanted(versions: readonly Version[], deletedAfter: number): { version: Version; deleted: boolean } | undefined;
  unsafeKey(key: string): string | undefined;
}

const ROOT = join(__dirname, "..", "..", "..");

function load(): Program {
  const built = buildSync({ stdin: { contents: ["s3", "objects"].map((name) => `export * from "./${name}.mjs";`).join("\n"), resolveDir: join(ROOT, "runtime/backup") }, bundle: true, platform: "node", format: "cjs", target: "node20", write: false });
  const exported = { exports: {} };
  new Function("module", "exports", "require", built.outputFiles[0].text)(exported, exported.exports, require);
  return exported.exports as Program;
}

export const program = load();

export const SECRETS = { BACKUP_STORE_KEY_ID: "BACKUPKEY", BACKUP_STORE_SECRET: "backup-secret-key", CONSUL_SNAPSHOT_TOKEN: "consul-secret", ALERT_TOKEN: "alert-secret", NOMAD_TOKEN: "nomad-secret", VAULT_TOKEN: "vault-secret" } as const;

export interface Settings {
  environment: string;
  namespace: string;
  buckets: string[];
  objectstore: string;
  deletedMarginMs: number;
  stepMs: number;
  clusterSnapshots: { consul: { permitted: boolean; reason?: string }; vault: { permitted: boolean; reason?: string; address?: string } };
  reserveBytes: number;
  dataNode: string;
  copies: boolean;
  statusVariable: string;
  alerts: { destination: string; deadManUrl?: string };
}

/** Settings of a job whose services all are at one address. */
export function settingsAt(url: string, changes: Partial<Settings> = {}): Settings {
  return {
    environment: "test",
    namespace: "gvfx",
    buckets: ["convex-files", "convex-modules"],
    objectstore: url,
    deletedMarginMs: 120_000,
    stepMs: 5_000,
    clusterSnapshots: { consul: { permitted: true }, vault: { permitted: true, address: url } },
    reserveBytes: 0,
    dataNode: "server-1",
    copies: false,
    statusVariable: "gvfx/backup/status",
    alerts: { destination: `${url}/alerts`, deadManUrl: `${url}/heartbeat` },
    ...changes,
  };
}

export async function runStep(step: string, folder: RunFolder, settings: Settings, env: Readonly<Record<string, string>> = {}): Promise<{ status: number | null; output: string }> {
  const file = join(folder.root, "settings.json");
  writeFileSync(file, JSON.stringify(settings));
  const child = spawn(process.execPath, [join(ROOT, "runtime/backup.mjs"), step, file], { env: { NOMAD_ALLOC_DIR: join(folder.root, "alloc"), NOMAD_ALLOC_ID: "b4d6", NOMAD_ADDR: settings.objectstore, CONSUL_HTTP_ADDR: settings.objectstore, ...SECRETS, ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, output })));
}

/** What the dump leaves, as its script writes it. */
export function dumped(folder: RunFolder, startedAt = "2026-01-01T12:00:00Z"): void {
  const facts = { version: "17.6", systemIdentifier: "7467700000000000001", timeline: 1, checkpointLsn: "0/2000060", endLsn: "0/2000138", startedAt, finishedAt: "2026-01-01T12:00:09Z", files: 971, bytes: 23456789, manifestSha256: "a".repeat(64) };
  folder.write("steps/dumped", Object.entries(facts).map(([name, value]) => `${name}=${value}\n`).join(""));
}
