/** A run's shared folder, and the job's scripts run in it as Nomad would run them. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export class RunFolder {
  readonly root = mkdtempSync(join(tmpdir(), "gvfx-backup-"));
  readonly data = join(this.root, "alloc/data");

  constructor() {
    mkdirSync(this.data, { recursive: true });
  }

  /** A script of the job, with the environment of its task. */
  script(shell: "bash" | "sh", text: string, env: Readonly<Record<string, string>>) {
    const { status, stdout, stderr } = spawnSync(shell, ["-c", text], { env: { PATH: process.env.PATH ?? "", STEP_SECONDS: "60", NOMAD_ALLOC_ID: "b4d6", NOMAD_ALLOC_DIR: join(this.root, "alloc"), HOME: this.root, ...env }, encoding: "utf8" });
    return { status, stdout, stderr };
  }

  /** What a step left. */
  step(name: string): string | undefined {
    const file = join(this.data, "steps", name);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  write(path: string, text: string): string {
    const file = join(this.data, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
