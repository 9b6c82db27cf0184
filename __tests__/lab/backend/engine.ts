/** The lab's images on a network of the test's own. */
import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Images that others build. */
const CONVEX = "gvfx-lab/convex:lab";
const BASE = "oven/bun:1-debian";

/** Why the images cannot run here; undefined when they can. */
export function imagesMissing(): string | undefined {
  if (spawnSync("docker", ["info"], { stdio: "ignore", timeout: 20_000 }).status !== 0) return "no Docker engine answers";
  const absent = [BASE, CONVEX].filter((image) => spawnSync("docker", ["image", "inspect", image], { stdio: "ignore" }).status !== 0);
  return absent.length > 0 ? `images that are not in the engine: ${absent.join(", ")}; build those of the lab with: node scripts/lab/images.mjs` : undefined;
}

export async function docker(...args: string[]): Promise<string> {
  const { stdout, stderr } = await execute("docker", args, { maxBuffer: 16 * 2 ** 20 });
  return (stdout + stderr).trim();
}

/** Builds an image of the lab; `variant` gives it another tag and build arguments. */
export async function buildLabImage(name: string, variant: { readonly tag: string; readonly buildArgs: Record<string, string> } = { tag: "lab", buildArgs: {} }): Promise<string> {
  await execute(process.execPath, ["--input-type=module", "-e", `import { buildImage } from "./scripts/lab/images.mjs"; await buildImage(${JSON.stringify(name)}, undefined, ${JSON.stringify(variant)});`], { maxBuffer: 16 * 2 ** 20 });
  return `gvfx-lab/${name}:${variant.tag}`;
}

export class Engine {
  private readonly id = `gvfx-doubles-${randomBytes(3).toString("hex")}`;
  private readonly started: string[] = [];

  async open(): Promise<void> {
    await docker("network", "create", this.id);
  }

  async close(): Promise<void> {
    if (this.started.length > 0) await docker("rm", "--force", "--volumes", ...this.started);
    await docker("network", "rm", this.id);
  }

  /** Starts a container that others reach by its name. @param port published on a free port of the loopback address */
  async start(name: string, image: string, { env = {}, port, command = [] }: { readonly env?: Record<string, string>; readonly port?: number; readonly command?: readonly string[] } = {}): Promise<string> {
    const container = `${this.id}-${name}`;
    this.started.push(container);
    const publish = port === undefined ? [] : ["--publish", `127.0.0.1:0:${port}`];
    await docker("run", "--detach", "--init", "--name", container, "--network", this.id, "--network-alias", name, ...publish, ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]), image, ...command);
    return port === undefined ? "" : `http://${(await docker("port", container, String(port))).split("\n")[0]}`;
  }

  kill(name: string, signal: "SIGKILL" | "SIGTERM"): Promise<string> {
    return docker("kill", "--signal", signal, `${this.id}-${name}`);
  }

  logs(name: string): Promise<string> {
    return docker("logs", `${this.id}-${name}`);
  }

  /** Status that a container ended with; waits for its end. */
  async exitCode(name: string): Promise<number> {
    return Number(await docker("wait", `${this.id}-${name}`));
  }
}
