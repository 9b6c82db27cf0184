/** The restore's commands on two nodes that are folders of this machine: ssh, the container engine and Nomad are doubles. */
import { Command } from "commander";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { UNPINNED_IMAGES } from "../../../contracts/images";
import { port } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import { silentProgress } from "../../../scripts/data/progress";
import type { RestoreAccess } from "../../../scripts/data/restore/access";
import { restoreCommands } from "../../../scripts/data/restore/command";
import { markProvenScript } from "../../../scripts/data/restore/swap";
import { RESTORED_VOLUMES } from "../../../scripts/data/restore/types";
import { manifest, POINT } from "./facts";

export interface TwoNodes {
  /** Path on server-1, which holds the data. */
  at(...path: string[]): string;
  /** Writes a file on server-1. */
  put(path: string, content?: string): void;
  /** A folder on server-1 that was restored beside from server-2 and proven. */
  prove(): Promise<void>;
  gvfx(...args: string[]): Promise<{ readonly code: typeof process.exitCode; readonly said: string; readonly complained: string }>;
  /** What Nomad was told, in turn. */
  readonly told: string[];
  /** Runs a script on server-1. */
  sh(text: string): Promise<{ readonly status: number | null; readonly lines: readonly string[]; readonly complaint: string }>;
  /** A container on server-1, as a run of a restore leaves one. */
  container(name: string, run: string): void;
  containers(): readonly string[];
  remove(): void;
}

/**
 * server-2 is gone, and no repository and no secret can be had.
 * @param onStop is told each job that Nomad is to stop
 */
export function twoNodes(onStop: (job: string) => void = () => undefined): TwoNodes {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-two-nodes-"));
  for (const each of ["server-1", "server-2", "engine", "programs"]) mkdirSync(join(folder, each));
  for (const [name, double] of [["docker", "docker.mjs"], ["ssh", "ssh.sh"]]) symlinkSync(join(__dirname, "doubles", double), join(folder, "programs", name));
  const production = loadEnvironment("production");
  const env = { ...production, nodes: production.nodes.map((node) => ({ ...node, volumesRoot: join(folder, node.name) })) };
  const stopped = new Set<string>();
  const told: string[] = [];
  /** Each command happens at a moment of its own. */
  let moment = Date.parse("2026-11-26T12:00:00Z");
  const access: RestoreAccess = {
    images: UNPINNED_IMAGES,
    references: ["restic"],
    machine(name) {
      if (name !== "server-1") throw new Error(`${name} is gone`);
      return { name, user: "root", host: "127.0.0.1", port: port(22), hostKey: "ssh-ed25519 AAAA" };
    },
    repository: () => Promise.reject(new Error("the repository was asked for")),
    objectstore: () => Promise.reject(new Error("Vault was asked")),
    jobs: () => ({
      facts: async () => ["gvfx-postgres", "gvfx-objectstore", "gvfx-convex", "gvfx-api", "gvfx-worker"].map((id) => ({ id, state: stopped.has(id) ? ("stopped" as const) : ("running" as const), node: /api|worker/.test(id) ? undefined : "server-1" })),
      stop: async (id) => (stopped.add(id), told.push(`stop ${id}`), onStop(id)),
      start: async (id) => (stopped.delete(id), void told.push(`start ${id}`)),
      stopBackups: async () => [],
    }),
    sshVariables: { PATH: `${join(folder, "programs")}:${process.env.PATH}`, DOCKER_DOUBLE: join(folder, "engine") },
  };
  const at = (...path: string[]): string => join(folder, "server-1", ...path);
  const put = (path: string, content = path): void => {
    mkdirSync(at(path, ".."), { recursive: true });
    writeFileSync(at(path), content);
  };
  const sh: TwoNodes["sh"] = async (text) => {
    const shell = spawn("sh", ["-s"], { env: access.sshVariables });
    const [out, complaint] = [shell.stdout, shell.stderr].map(readAll);
    shell.stdin.end(text);
    const [status] = (await once(shell, "close")) as [number | null];
    return { status, lines: (await out).split("\n").filter((line) => line !== ""), complaint: (await complaint).trim() };
  };
  const containers = join(folder, "engine", "containers");
  return {
    at,
    put,
    told,
    sh,
    async prove() {
      const restored = "gvfx-restore-01234567";
      put(`${restored}/gvfx-restore`, "unfinished\n");
      put(`${restored}/raw/manifest.json`, JSON.stringify(manifest()));
      for (const volume of RESTORED_VOLUMES) put(`${restored}/volumes/${volume}/new`);
      const { status, complaint } = await sh(markProvenScript(at(restored), at(restored, "raw"), at(restored, "read-back"), { point: POINT, from: { kind: "local", node: "server-2" } }));
      if (status !== 0) throw new Error(complaint);
    },
    async gvfx(...args) {
      process.exitCode = undefined;
      moment += 2_000;
      const [said, complained]: string[][] = [[], []];
      const program = new Command();
      for (const command of restoreCommands(() => env, { variables: {}, access: () => access, progress: silentProgress, reports: join(folder, "reports"), now: () => new Date(moment), write: (text) => void said.push(text), complain: (text) => void complained.push(text) })) program.addCommand(command);
      await program.parseAsync(args, { from: "user" });
      const code = process.exitCode;
      process.exitCode = undefined;
      return { code, said: said.join("\n"), complained: complained.join("\n") };
    },
    container(name, run) {
      mkdirSync(join(containers, name), { recursive: true });
      writeFileSync(join(containers, name, "config.json"), JSON.stringify({ volumes: [], env: {}, label: `gvfx.restore=${run}` }));
    },
    containers: () => (existsSync(containers) ? readdirSync(containers).sort() : []),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
