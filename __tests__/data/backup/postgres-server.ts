/** A real Postgres for a test, in a folder of its own, with the settings that the platform's job gives it. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HBA, ROLES } from "../../../constructs/jobs/postgres";

const PROGRAMS = ["initdb", "postgres", "psql", "pg_basebackup", "pg_verifybackup", "pg_controldata"];

/** Debian keeps the server's programs out of PATH, in a folder of each version. */
export const POSTGRES_PATH = ["18", "17", "16", "15"].map((version) => `/usr/lib/postgresql/${version}/bin`).join(":").concat(":", process.env.PATH ?? "");

const finds = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`], { env: { PATH: POSTGRES_PATH } }).status === 0;

/** What keeps a test of Postgres from running here; undefined when nothing does. */
export function postgresMissing(): string | undefined {
  const missing = PROGRAMS.filter((program) => !finds(program));
  if (missing.length > 0) return `${missing.join(", ")} not found`;
  return process.getuid?.() === 0 && spawnSync("id", ["postgres"]).status !== 0 ? "root may not run Postgres, and there is no user postgres" : undefined;
}

export async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export class PostgresServer {
  private child: ChildProcess | undefined;
  private constructor(readonly root: string, readonly data: string, readonly port: number, private readonly owner: { uid?: number; gid?: number }) {}

  /** Makes a cluster and starts it. */
  static async create(): Promise<PostgresServer> {
    const root = mkdtempSync(join(tmpdir(), "gvfx-postgres-"));
    const owner = process.getuid?.() === 0 ? { uid: number("-u"), gid: number("-g") } : {};
    const server = new PostgresServer(root, join(root, "data"), await freePort(), owner);
    chmodSync(root, 0o755);
    mkdirSync(server.data, { mode: 0o700 });
    writeFileSync(join(root, "password"), "superuser-secret\n", { mode: 0o644 });
    writeFileSync(join(root, "pg_hba.conf"), HBA);
    if (owner.uid !== undefined) for (const path of [root, server.data]) chownSync(path, owner.uid, owner.gid!);
    server.must("initdb", ["-D", server.data, "-U", "postgres", `--pwfile=${root}/password`, "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--no-sync"]);
    await server.start(server.data);
    return server;
  }

  /** A second server on a folder that was restored, with the same settings. */
  async on(folder: string): Promise<PostgresServer> {
    spawnSync("chown", ["-R", `${this.owner.uid ?? ""}`, folder]);
    chmodSync(folder, 0o700);
    const other = new PostgresServer(this.root, folder, await freePort(), this.owner);
    await other.start(folder);
    return other;
  }

  private async start(folder: string): Promise<void> {
    const said: string[] = [];
    this.child = spawn("postgres", ["-D", folder, "-p", String(this.port), "-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${this.root}`, "-c", `hba_file=${this.root}/pg_hba.conf`, "-c", "fsync=off"], { ...this.owner, env: { PATH: POSTGRES_PATH }, stdio: ["ignore", "ignore", "pipe"] });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => said.push(text));
    for (let tries = 0; tries < 300; tries++) {
      if (this.child.exitCode !== null) throw new Error(said.join(""));
      if (spawnSync("psql", ["-h", this.root, "-p", String(this.port), "-U", "postgres", "-qAtc", "select 1"], { env: { PATH: POSTGRES_PATH } }).status === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(said.join(""));
  }

  /** As superuser, through the socket. */
  sql(text: string, database = "postgres"): string {
    return this.must("psql", ["-h", this.root, "-p", String(this.port), "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-qAt", "-c", text]);
  }

  /** Roles and databases, by the script of the platform's job. */
  roles(passwords: Readonly<Record<"CONVEX_DB_PASSWORD" | "APP_DB_PASSWORD" | "BACKUP_DB_PASSWORD", string>>): void {
    this.must("bash", ["-c", ROLES], { PGHOST: "127.0.0.1", PGPORT: String(this.port), PGUSER: "postgres", PGDATABASE: "postgres", CONVEX_DATABASE: "tv_goldviewfx", POSTGRES_PASSWORD: "superuser-secret", ...passwords });
  }

  private must(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
    const { status, stdout, stderr } = spawnSync(program, args, { ...this.owner, env: { PATH: POSTGRES_PATH, LC_ALL: "C", ...env }, encoding: "utf8" });
    if (status !== 0) throw new Error(`${program}: ${stderr}`);
    return stdout.trim();
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null) return;
    await new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGINT");
    });
  }

  async destroy(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}

function number(flag: "-u" | "-g"): number {
  return Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
}
