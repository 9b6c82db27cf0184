/** The double as a process of its own, on SQLite and a folder, and the real convex CLI: no container engine needed. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, mkdirSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { adminKey } from "../../../lab/doubles/convex/admin/admin-key";

const ROOT = join(__dirname, "../../..");
/** Has the CLI in its node_modules, and lists it, as the CLI demands. */
export const PROJECT = ROOT;
const CLI = join(PROJECT, "node_modules/.bin/convex");
const INSTANCE = "tv-goldviewfx";
const SECRET = "0123456789abcdef".repeat(4);
/** A start takes one second; a busy machine gets more. */
const PATIENCE_MS = 30_000;

const BUN = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "bun")).find((file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

function missing(): string | undefined {
  if (!BUN) return "bun is not on PATH";
  return undefined;
}

/** Like `describe`, but visibly skipped where bun or the CLI are missing. */
export function describeWithBun(name: string, tests: () => void): void {
  const why = missing();
  if (why) describe.skip(`${name} (skipped: ${why})`, tests);
  else describe(name, tests);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function until(holds: () => Promise<boolean> | boolean, what: string, milliseconds = PATIENCE_MS): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!(await Promise.resolve().then(holds).catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export interface Ended {
  readonly code: number;
  readonly output: string;
}

export class Process {
  private child?: ChildProcess;
  log = "";
  private constructor(readonly url: string, private readonly env: Record<string, string>) {}

  /** @param folder keeps the data; a second start on it finds them */
  static async start(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Process> {
    mkdirSync(folder, { recursive: true });
    const [api, site] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${api}`;
    const made = new Process(url, { INSTANCE_NAME: INSTANCE, INSTANCE_SECRET: SECRET, CONVEX_CLOUD_ORIGIN: url, DOUBLE_API_PORT: String(api), DOUBLE_SITE_PORT: String(site), DOUBLE_DATA_FOLDER: folder, ...env });
    await made.begin();
    return made;
  }

  /** Starts it, or starts it again. */
  async begin(): Promise<void> {
    const child = spawn(BUN!, [join(ROOT, "lab/doubles/convex/main.ts")], { env: { PATH: process.env.PATH, ...this.env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (this.log += data.toString()));
    this.child = child;
    await until(async () => (await fetch(`${this.url}/version`)).ok, `the double answers; it said ${this.log}`);
  }

  /** Its exit code, as soon as it has one. */
  async ended(): Promise<number | null> {
    await until(() => this.child!.exitCode !== null || this.child!.signalCode !== null, "the double ends");
    return this.child!.exitCode;
  }

  async stop(): Promise<void> {
    if (this.child?.exitCode === null) this.child.kill("SIGINT");
    await this.ended();
  }

  key(): string {
    return adminKey(INSTANCE, Buffer.from(SECRET, "hex"));
  }

  async post(path: string, args: object = {}, kind = "query"): Promise<{ status: number; body: { status?: string; value?: unknown; code?: string; errorMessage?: string } }> {
    const response = await fetch(`${this.url}/api/${kind}`, { method: "POST", headers: { "content-type": "application/json", authorization: `Convex ${this.key()}` }, body: JSON.stringify({ path, args, format: "json" }) });
    return { status: response.status, body: (await response.json()) as object };
  }

  async value(path: string, args: object = {}, kind = "query"): Promise<unknown> {
    const { body } = await this.post(path, args, kind);
    if (body.status !== "success") throw new Error(body.errorMessage ?? body.code);
    return body.value;
  }

  /** The real CLI on this backend, whatever its end. @param options.cwd its package.json lists convex @param options.input for its stdin */
  cli(args: readonly string[], { cwd = PROJECT, input = "" } = {}): Promise<Ended> {
    const { CONVEX_DEPLOYMENT: _, ...rest } = process.env;
    return new Promise((resolve) => {
      const child = execFile(CLI, [...args], { cwd, env: { ...rest, CI: "1", CONVEX_SELF_HOSTED_URL: this.url, CONVEX_SELF_HOSTED_ADMIN_KEY: this.key() }, timeout: 120_000 }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
      );
      child.stdin!.end(input);
    });
  }
}
