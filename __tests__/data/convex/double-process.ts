/** The Convex double as a process of this machine, on SQLite and a folder, where there is a bun to run it. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { computeAdminKey } from "../../../scripts/data/convex/admin-key";
import type { ConvexAccess } from "../../../scripts/data/convex/access";
import type { Side } from "../../../scripts/lease/sources";

/** Program that runs TypeScript on SQLite: GVFX_BUN, or bun on PATH. */
export const BUN = process.env.GVFX_BUN ?? "bun";
export const HAS_BUN = spawnSync(BUN, ["--version"]).status === 0;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

export class DoubleProcess {
  private readonly secret = "5a".repeat(32);
  private readonly folder = mkdtempSync(join(tmpdir(), "gvfx-double-"));
  private process: ChildProcess | undefined;
  private port = 0;
  constructor(readonly instance: string, private readonly settings: Readonly<Record<string, string>> = {}) {}

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  access(side: Side): ConvexAccess {
    const key = computeAdminKey(this.instance, Buffer.from(this.secret, "hex"));
    return { side, address: this.address, adminKey: async () => key, instanceName: async () => this.instance };
  }

  async start(settings = this.settings): Promise<this> {
    this.port ||= await freePort();
    const site = await freePort();
    this.process = spawn(BUN, ["lab/doubles/convex/main.ts"], {
      stdio: "ignore",
      env: { PATH: process.env.PATH, HOME: this.folder, INSTANCE_NAME: this.instance, INSTANCE_SECRET: this.secret, DOUBLE_DATA_FOLDER: join(this.folder, "data"), DOUBLE_API_PORT: `${this.port}`, DOUBLE_SITE_PORT: `${site}`, CONVEX_CLOUD_ORIGIN: this.address, ...settings },
    });
    for (const deadline = Date.now() + 30_000; ; ) {
      if (await fetch(`${this.address}/version`).then((answer) => answer.ok, () => false)) return this;
      if (Date.now() > deadline) throw new Error("the double does not answer");
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** As a power cut. */
  async kill(): Promise<void> {
    const ended = new Promise((done) => this.process?.once("close", done));
    if (this.process?.exitCode !== null || !this.process.kill("SIGKILL")) return;
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
