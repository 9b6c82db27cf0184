/** Doubles in the real engine, each with its ports on loopback, on a network of their own. */
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(__dirname, "../../..");
const run = promisify(execFile);

/** Like `describe`, but visibly skipped where no engine answers or a base image is missing. */
export function describeWithEngine(title: string, bases: readonly string[], body: () => void): void {
  const absent = spawnSync("docker", ["info"]).status !== 0 ? "no Docker engine answers" : bases.filter((image) => spawnSync("docker", ["image", "inspect", image]).status !== 0).map((image) => `no image ${image} here`).join(", ");
  if (absent) describe.skip(`${title} (skipped: ${absent})`, body);
  else describe(title, body);
}

/** Waits until something holds; 60 s is ten times what a start takes on an idle machine. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !(await holds().catch(() => false)); await new Promise((done) => setTimeout(done, 100))) {
    if (Date.now() > end) throw new Error(`not within 60 s: ${what}`);
  }
}

export class DoubleContainers {
  private readonly network: string;
  private readonly names: string[] = [];

  constructor(group: string) {
    this.network = `gvfx-test-${group}-${process.pid}`;
  }

  /** Builds a double's image; what is built already takes a second. */
  async build(...doubles: string[]): Promise<void> {
    await run(process.execPath, ["scripts/lab/images.mjs", ...doubles], { cwd: ROOT });
  }

  /** Starts a double under its own name on the network, as a job does: with an init. Its ports are published on loopback. */
  async start(double: string, ports: readonly number[], env: Readonly<Record<string, string>>): Promise<DoubleContainer> {
    // Here and not before: where tests are skipped there may be no engine.
    if (this.names.length === 0) await run("docker", ["network", "create", this.network]);
    const name = `${this.network}-${double}`;
    this.names.push(name);
    await run("docker", ["run", "--detach", "--init", "--name", name, "--network", this.network, "--network-alias", double, ...ports.flatMap((port) => ["--publish", `127.0.0.1::${port}`]), ...Object.entries(env).flatMap(([k, v]) => ["--env", `${k}=${v}`]), `gvfx-lab/${double}:lab`]);
    return new DoubleContainer(name);
  }

  remove(): void {
    if (this.names.length === 0) return;
    spawnSync("docker", ["rm", "--force", "--volumes", ...this.names]);
    spawnSync("docker", ["network", "rm", this.network]);
  }
}

export class DoubleContainer {
  constructor(private readonly name: string) {}

  async docker(command: string, ...args: string[]): Promise<string> {
    return (await run("docker", [command, ...args, this.name])).stdout.trim();
  }

  /** A command as the user of the hand-started processes, in their checkout. */
  async asTrader(command: string): Promise<string> {
    return (await run("docker", ["exec", this.name, "runuser", "-l", "trader", "-c", `cd tv-goldviewfx && ${command}`])).stdout.trim();
  }

  /** The settings that the SSH server works with, one a line. */
  async sshSettings(): Promise<string> {
    return (await run("docker", ["exec", this.name, "/usr/sbin/sshd", "-T"])).stdout;
  }

  async logs(): Promise<string> {
    const { stdout, stderr } = await run("docker", ["logs", this.name]);
    return stdout + stderr;
  }

  /** Where a port of the container answers on this machine; another one after each start. */
  async url(port: number): Promise<string> {
    const published = (await run("docker", ["port", this.name, `${port}/tcp`])).stdout.split("\n")[0];
    return `http://127.0.0.1:${published.slice(published.lastIndexOf(":") + 1)}`;
  }

  async exitCode(): Promise<number> {
    return Number(await this.docker("wait"));
  }
}
