/** A real backup for tests: a real Postgres copied by pg_basebackup, objects, their manifests, and a real restic repository. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BackupManifest } from "../../../contracts/backup";
import { manifest as plainManifest } from "./facts";

/** Folder of a server's programs; undefined where there is none. */
export const POSTGRES_BIN = ["17", "16", "15"].map((version) => `/usr/lib/postgresql/${version}/bin`).find((folder) => existsSync(join(folder, "pg_basebackup")) && existsSync(join(folder, "postgres")));
export const HAS_RESTIC = (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, "restic")));

const asRoot = process.getuid?.() === 0;
const sha256 = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");

/** Postgres refuses to run as root. */
function postgres(program: string, args: readonly string[], input?: string): string {
  const path = join(POSTGRES_BIN!, program);
  const [file, all] = asRoot ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, ...args]] : [path, [...args]];
  return execFileSync(file, all, { encoding: "utf8", input, stdio: ["pipe", "pipe", "pipe"], cwd: "/tmp" });
}

const DOCUMENTS = 500;
/** As the lab's double of Convex keeps its documents. */
const SCHEMA = `
CREATE TABLE tables (name text PRIMARY KEY, number integer NOT NULL, relation integer NOT NULL UNIQUE);
CREATE TABLE documents_1 (id text PRIMARY KEY, creation_time float8 NOT NULL, doc json NOT NULL);
CREATE TABLE documents_2 (id text PRIMARY KEY, creation_time float8 NOT NULL, doc json NOT NULL);
INSERT INTO tables VALUES ('_storage', 1, 1), ('bingx_trades', 10001, 2);
INSERT INTO documents_2 SELECT 'trade' || n, n, json_build_object('pair', 'BTC-USDT', 'price', n) FROM generate_series(1, ${DOCUMENTS}) n;
`;

export interface Backup {
  /** What a run of the job left: its folder is below this one, at /alloc/data. */
  readonly root: string;
  readonly objects: Readonly<Record<string, string>>;
  /** Writes manifests for what is there now. */
  seal(): BackupManifest;
  /** Stores it as the job does. @returns the snapshot's id */
  store(repository: string, key: string): string;
}

/** @param folder that the user postgres may enter */
export function makeBackup(folder: string): Backup {
  const server = join(folder, "server");
  const run = join(folder, "run", "alloc", "data");
  mkdirSync(run, { recursive: true });
  const socket = join(folder, "socket");
  for (const each of [server, socket, join(folder, "copy")]) {
    mkdirSync(each);
    if (asRoot) execFileSync("chown", ["postgres:postgres", each]);
    chmodSync(each, 0o700);
  }
  const objects = { "instance/u-1": "a model", "instance/u-2": "another model, ünïcode" };
  const rows = Object.entries(objects).map(([key, content], index) => `('file${index}', ${index}, '${JSON.stringify({ internalId: key.split("/")[1], storageKey: key.split("/")[1], sha256: createHash("sha256").update(content).digest("base64"), size: Buffer.byteLength(content), contentType: null })}')`);
  postgres("initdb", ["--pgdata", server, "--username=postgres", "--auth=trust"]);
  postgres("pg_ctl", ["--pgdata", server, "--wait", "--silent", "--log", join(server, "log"), "--options", `-c listen_addresses= -k ${socket}`, "start"]);
  const to = ["--host", socket, "--username=postgres"];
  try {
    for (const database of ["gvfx", "tv_goldviewfx"]) postgres("createdb", [...to, database]);
    postgres("psql", [...to, "--dbname=tv_goldviewfx", "--quiet", "--set=ON_ERROR_STOP=1"], `${SCHEMA}INSERT INTO documents_1 VALUES ${rows.join(", ")};`);
    postgres("pg_basebackup", [...to, "--pgdata", join(folder, "copy"), "--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256"]);
  } finally {
    postgres("pg_ctl", ["--pgdata", server, "--wait", "--silent", "--mode=immediate", "stop"]);
  }
  cpSync(join(folder, "copy"), join(run, "postgres"), { recursive: true });
  const version = readFileSync(join(run, "postgres", "PG_VERSION"), "utf8").trim();
  const identifier = /Database system identifier: +(\d+)/.exec(postgres("pg_controldata", [join(folder, "copy")]))![1];
  for (const [key, content] of Object.entries(objects)) {
    mkdirSync(join(run, "objects", "convex-files", "instance"), { recursive: true });
    writeFileSync(join(run, "objects", "convex-files", key), content);
  }
  mkdirSync(join(run, "cluster"));
  writeFileSync(join(run, "cluster", "nomad.snap"), "a snapshot of Nomad");
  return {
    root: join(folder, "run"),
    objects,
    seal: () => seal(run, version, identifier),
    store(repository, key) {
      const options = { cwd: join(folder, "run"), encoding: "utf8" as const, env: { PATH: process.env.PATH, RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: key }, stdio: ["ignore", "pipe", "pipe"] as ("ignore" | "pipe")[] };
      if (!existsSync(join(repository, "config"))) execFileSync("restic", ["--no-cache", "init"], options);
      // A relative path is kept as it is: the snapshot has /alloc/data, as the job's own.
      const parts = readdirSync(run).map((part) => `alloc/data/${part}`);
      const said = execFileSync("restic", ["--no-cache", "backup", "--json", "--quiet", "--host", "gvfx", "--tag", "gvfx", ...parts], options);
      const short = (JSON.parse(said.trim().split("\n").at(-1)!) as { snapshot_id: string }).snapshot_id;
      const all = JSON.parse(execFileSync("restic", ["--no-cache", "snapshots", "--json"], options)) as { id: string }[];
      return all.find(({ id }) => id.startsWith(short))!.id;
    },
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(folder, path)).isFile());
}

function seal(run: string, version: string, systemIdentifier: string): BackupManifest {
  const files = filesBelow(join(run, "postgres"));
  const keys = existsSync(join(run, "objects/convex-files")) ? filesBelow(join(run, "objects/convex-files")).sort() : [];
  const inventory = keys.map((key) => {
    const content = readFileSync(join(run, "objects/convex-files", key));
    return `${JSON.stringify({ bucket: "convex-files", key, size: content.length, sha256: sha256(content) })}\n`;
  });
  writeFileSync(join(run, "objects.jsonl"), inventory.join(""));
  const snap = readFileSync(join(run, "cluster/nomad.snap"));
  const now = new Date(Date.now() - 5_000).toISOString();
  const plain = plainManifest();
  const manifest: BackupManifest = {
    ...plain,
    startedAt: now,
    finishedAt: new Date().toISOString(),
    postgres: { ...plain.postgres, version: `${version}.0`, systemIdentifier, startedAt: now, finishedAt: now, files: files.length, bytes: files.reduce((sum, path) => sum + statSync(join(run, "postgres", path)).size, 0), manifestSha256: sha256(readFileSync(join(run, "postgres/backup_manifest"))) },
    objects: { "convex-files": { objects: keys.length, bytes: keys.reduce((sum, key) => sum + statSync(join(run, "objects/convex-files", key)).size, 0), deletedSinceStart: 0, digest: sha256(inventory.join("")) } },
    cluster: { ...plain.cluster, nomad: { taken: true, bytes: snap.length, sha256: sha256(snap) } },
  };
  writeFileSync(join(run, "manifest.json"), JSON.stringify(manifest));
  return manifest;
}
