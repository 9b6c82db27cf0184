/** Runs the real Terraform, where there is one, in throw-away folders. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const hasTerraform = spawnSync("terraform", ["version"], { stdio: "ignore" }).status === 0;

/** `describe` where nothing is missing. Jest prints nothing of a file that is skipped as a whole, so that the reason is said aloud as well. */
export function describeUnless(missing: string | undefined, title: string, body: () => void): void {
  if (missing === undefined) return describe(title, body);
  process.stderr.write(`skipped: ${title} (${missing})\n`);
  describe.skip(`${title} (skipped: ${missing})`, body);
}

export interface TerraformResult {
  readonly status: number | null;
  readonly stdout: string;
  /** What Terraform said, warnings and errors too. */
  readonly output: string;
}

export class TerraformFolder {
  readonly path = mkdtempSync(join(tmpdir(), "gvfx-terraform-"));

  /** Writes a configuration file. */
  write(file: string, content: unknown): void {
    const path = join(this.path, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(content));
  }

  /** Asynchronous, so that a double in this process can answer meanwhile. */
  run(...args: string[]): Promise<TerraformResult> {
    return new Promise((resolve) => {
      const child = spawn("terraform", [`-chdir=${this.path}`, ...args, "-no-color"], { env: { ...process.env, TF_IN_AUTOMATION: "1", CHECKPOINT_DISABLE: "1" } });
      let stdout = "";
      let output = "";
      child.stdout.on("data", (chunk) => {
        stdout += chunk;
        output += chunk;
      });
      child.stderr.on("data", (chunk) => (output += chunk));
      child.on("close", (status) => resolve({ status, stdout, output }));
    });
  }

  /** Values of all outputs. */
  async outputs(): Promise<Record<string, unknown>> {
    const { status, stdout, output } = await this.run("output", "-json");
    if (status !== 0) throw new Error(output);
    return Object.fromEntries(Object.entries(JSON.parse(stdout) as Record<string, { value: unknown }>).map(([name, { value }]) => [name, value]));
  }

  /** Attributes of the resource whose address begins so. */
  async resource(address: string): Promise<Record<string, unknown>> {
    const { stdout, output } = await this.run("show", "-json");
    const { values } = JSON.parse(stdout) as { values: { root_module: { resources: { address: string; values: Record<string, unknown> }[] } } };
    const found = values.root_module.resources.find((resource) => resource.address.startsWith(address));
    if (!found) throw new Error(`no ${address} in ${output}`);
    return found.values;
  }

  /** Forgets what was applied; providers stay installed. */
  discardState(): void {
    for (const file of ["terraform.tfstate", "terraform.tfstate.backup"]) rmSync(join(this.path, file), { force: true });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
