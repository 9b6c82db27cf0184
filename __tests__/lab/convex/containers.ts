/** The double's image with a real Postgres and a real MinIO beside it, and the real convex CLI. */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(__dirname, "../../..");
const IMAGES = { postgres: "postgres:17-bookworm", minio: "minio/minio:RELEASE.2025-09-07T16-13-09Z", mc: "minio/mc:RELEASE.2025-08-13T08-35-41Z", bun: "oven/bun:1-debian" } as const;
const IMAGE = "gvfx-lab/convex:lab";
const PREFIX = `gvfx-test-convex-${process.pid}`;
export const INSTANCE = "tv-goldviewfx";
const SECRET = "0123456789abcdef".repeat(4);
const BUCKETS = { EXPORTS: "convex-exports", SNAPSHOT_IMPORTS: "convex-snapshot-imports", MODULES: "convex-modules", FILES: "convex-files", SEARCH: "convex-search" };
const run = promisify(execFile);

const succeeds = (command: string, args: string[]) => spawnSync(command, args, { cwd: ROOT, stdio: "ignore", timeout: 120_000 }).status === 0;

function missing(): string | undefined {
  if (!succeeds("docker", ["version"])) return "no Docker engine answers";
  for (const image of Object.values(IMAGES)) if (!succeeds("docker", ["image", "inspect", image])) return `no image ${image} here`;
  return undefined;
}

/** Like `describe`, but visibly skipped where engine, images or CLI are missing. */
export function describeWithContainers(name: string, tests: () => void): void {
  const why = missing();
  if (why) describe.skip(`${name} (skipped: ${why})`, tests);
  else describe(name, tests);
}

export async function docker(...args: string[]): Promise<string> {
  // Longer than any of them takes on a busy machine.
  return (await run("docker", args, { timeout: 60_000 })).stdout.trim();
}

export async function until(holds: () => Promise<boolean>, what: string, milliseconds = 60_000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  let last = "";
  while (!(await holds().catch((error: unknown) => ((last = `; last: ${String(error)}`), false)))) {
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds / 1000} s: ${what}${last}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A running double. */
export class Backend {
  private constructor(readonly name: string, readonly url: string) {}

  /** @param env on top of the instance's name and secret; without POSTGRES_URL and S3 it keeps to local disk */
  static async start(name: string, env: Readonly<Record<string, string>>): Promise<Backend> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const all = { INSTANCE_NAME: INSTANCE, INSTANCE_SECRET: SECRET, CONVEX_CLOUD_ORIGIN: url, ...env };
    await docker("run", "--detach", "--init", "--name", `${PREFIX}-${name}`, "--network", PREFIX, "--publish", `127.0.0.1:${port}:3210`, ...Object.entries(all).flatMap(([key, value]) => ["--env", `${key}=${value}`]), IMAGE);
    const backend = new Backend(`${PREFIX}-${name}`, url);
    await backend.answers();
    return backend;
  }

  answers(): Promise<void> {
    return until(async () => (await fetch(`${this.url}/version`, { signal: AbortSignal.timeout(2_000) })).ok, `${this.name} answers /version`);
  }

  async call(kind: "query" | "mutation" | "action", path: string, args: object = {}, key?: string): Promise<unknown> {
    const response = await fetch(`${this.url}/api/${kind}`, { method: "POST", headers: { "content-type": "application/json", ...(key && { authorization: `Convex ${key}` }) }, body: JSON.stringify({ path, args, format: "json" }) });
    const answer = (await response.json()) as { status?: string; value?: unknown; errorMessage?: string; code?: string };
    if (answer.status !== "success") throw new Error(answer.errorMessage ?? answer.code);
    return answer.value;
  }

  /** As an operator makes it: the script of the image. */
  key(): Promise<string> {
    return docker("exec", this.name, "./generate_admin_key.sh");
  }

  /** Rows of every table that the backend lists. */
  async counts(): Promise<Record<string, number>> {
    const key = await this.key();
    const { page } = (await this.call("query", "_system/cli/tables:default", { paginationOpts: { cursor: null, numItems: 10_000 } }, key)) as { page: { name: string }[] };
    const counts: Record<string, number> = {};
    for (const { name } of page) counts[name] = (await this.call("query", "_system/cli/tableSize:default", { tableName: name }, key)) as number;
    return counts;
  }

  /** The real CLI, on this backend. */
  async cli(...args: string[]): Promise<string> {
    const { CONVEX_DEPLOYMENT: _, ...rest } = process.env;
    const env = { ...rest, CI: "1", CONVEX_SELF_HOSTED_URL: this.url, CONVEX_SELF_HOSTED_ADMIN_KEY: await this.key() };
    const { stdout, stderr } = await run("npx", ["--no-install", "convex", ...args], { cwd: ROOT, env, timeout: 120_000 });
    return stdout + stderr;
  }

  async state(): Promise<string> {
    return docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", this.name);
  }

  logs(): Promise<string> {
    return docker("logs", this.name);
  }
}

/** Builds the image and starts Postgres and MinIO. @returns the environment of a backend on them */
export async function startStores(): Promise<Record<string, string>> {
  execFileSync(process.execPath, ["scripts/lab/images.mjs", "convex"], { cwd: ROOT, stdio: "ignore" });
  await docker("network", "create", PREFIX);
  await docker("run", "--detach", "--name", `${PREFIX}-postgres`, "--network", PREFIX, "--env", "POSTGRES_PASSWORD=admin", IMAGES.postgres);
  await docker("run", "--detach", "--name", `${PREFIX}-minio`, "--network", PREFIX, "--env", "MINIO_ROOT_USER=convex", "--env", "MINIO_ROOT_PASSWORD=convex-secret", IMAGES.minio, "server", "/data");
  // By TCP: while the image sets itself up, Postgres listens on its socket only.
  const psql = (statement: string) => docker("exec", "--env", "PGPASSWORD=admin", `${PREFIX}-postgres`, "psql", "--host", "127.0.0.1", "--username", "postgres", "--command", statement);
  await until(async () => (await psql("SELECT 1")) !== "", "Postgres answers");
  await psql("CREATE ROLE convex LOGIN PASSWORD 'p@ss/word'");
  await psql(`CREATE DATABASE ${INSTANCE.replaceAll("-", "_")} OWNER convex`);
  const make = Object.values(BUCKETS).map((bucket) => `mc mb --ignore-existing lab/${bucket}`).join(" && ");
  await until(async () => (await docker("run", "--rm", "--network", PREFIX, "--entrypoint", "sh", IMAGES.mc, "-c", `mc alias set lab http://${PREFIX}-minio:9000 convex convex-secret && ${make}`)) !== "", "MinIO has its buckets");
  return {
    POSTGRES_URL: `postgres://convex:p%40ss%2Fword@${PREFIX}-postgres:5432`,
    POSTGRES_MAX_CONNECTIONS: "10",
    DO_NOT_REQUIRE_SSL: "true",
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "convex",
    AWS_SECRET_ACCESS_KEY: "convex-secret",
    S3_ENDPOINT_URL: `http://${PREFIX}-minio:9000`,
    AWS_S3_FORCE_PATH_STYLE: "true",
    AWS_S3_DISABLE_SSE: "true",
    ...Object.fromEntries(Object.entries(BUCKETS).map(([name, bucket]) => [`S3_STORAGE_${name}_BUCKET`, bucket])),
  };
}

/** Removes what `startStores` and `Backend.start` made. */
export function removeAll(): void {
  const names = execFileSync("docker", ["ps", "--all", "--quiet", "--filter", `name=^${PREFIX}-`]).toString().split("\n").filter(Boolean);
  if (names.length > 0) execFileSync("docker", ["rm", "--force", "--volumes", ...names], { stdio: "ignore" });
  spawnSync("docker", ["network", "rm", PREFIX], { stdio: "ignore" });
}
