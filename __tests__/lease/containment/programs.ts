/** Real wrappers with real processes under them, found again by a mark in their environment. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { accessSync, chmodSync, constants, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

export const MODULES = join(__dirname, "../../../runtime/worker-lease");
const DRIVER = join(__dirname, "driver.mjs");
const MARK = "GVFX_MARK=";
/** A very busy machine's time to end what is to end, in milliseconds; an idle one takes some 20. */
export const DEAD_WITHIN_MS = 5000;
/** What lives for so long after its wrapper, in milliseconds, is meant to live on. */
export const LIVES_ON_AFTER_MS = 2000;

export type Kind = "container" | "host";
export interface Said { readonly problem?: string | null; readonly started?: true; readonly refused?: string; readonly exited?: number; readonly pid?: number; readonly dead?: number; readonly log?: string; readonly message?: string }

const inPath = (name: string): string | undefined =>
  (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

export const BUN = inPath("bun");

/** A group of tests for each program that runs the lease: Bun in production, Node where a legacy host has that. Visibly skipped for one that is absent. */
export function describeEachRuntime(body: (runtime: string) => void): void {
  describe("node", () => body(process.execPath));
  if (BUN) describe("bun", () => body(BUN));
  else describe.skip("bun (skipped: it is not on PATH)", () => body("bun"));
}

/** A namespace of our own stands for a container: its PID 1 is an init, or the wrapper. */
export const NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--"];
export const INIT = inPath("tini") ?? inPath("docker-init") ?? (existsSync("/usr/libexec/docker/docker-init") ? "/usr/libexec/docker/docker-init" : undefined);
/** Who runs a worker on a host: not root. */
export const AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];

const works = (command: readonly string[]): boolean => spawnSync(command[0], [...command.slice(1), "true"]).status === 0;

/** Like `describe`, but visibly skipped where this machine cannot do it. */
export function describeOnLinux(title: string, needs: "root" | "user namespaces", body: () => void): void {
  const asNobody = process.geteuid?.() === 0 ? AS_NOBODY : [];
  const absent =
    process.platform !== "linux" ? "not Linux"
    : needs === "root" ? (works(NAMESPACE) ? "" : "no PID namespace can be made: root needs CAP_SYS_ADMIN")
    : works([...asNobody, "unshare", "--user", "--map-current-user", "--pid", "--fork", "--"]) ? "" : "no user namespaces for others than root";
  if (absent) describe.skip(`${title} (skipped: ${absent})`, body);
  else describe(title, body);
}

/** A folder that everyone may read, and that goes with the tests. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "gvfx-contain-"));

  constructor() {
    chmodSync(this.path, 0o755);
  }

  /** Writes a shell script and returns its path. */
  script(name: string, text: string): string {
    const file = join(this.path, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  /** The modules with texts in one of them replaced; each must be there once, so that a defect never goes stale unseen. */
  planted(module: string, ...defects: readonly (readonly [text: string, by: string])[]): string {
    const folder = mkdtempSync(join(this.path, "planted-"));
    chmodSync(folder, 0o755);
    for (const file of readdirSync(MODULES).filter((name) => name.startsWith("containment"))) cpSync(join(MODULES, file), join(folder, file));
    let source = readFileSync(join(folder, module), "utf8");
    for (const [text, by] of defects) {
      if (source.split(text).length !== 2) throw new Error(`${JSON.stringify(text)} is ${source.split(text).length - 1} times in ${module}, and must be there once: adapt the planted defect`);
      source = source.replace(text, () => by);
    }
    writeFileSync(join(folder, module), source);
    return folder;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface WrapperOptions {
  readonly runtime: string;
  readonly kind: Kind;
  readonly command: readonly string[];
  /** What stands before the runtime: a namespace, an init, another user. @default nothing */
  readonly under?: readonly string[];
  /** Folder of the modules. @default the real ones */
  readonly modules?: string;
  /** Looked through before the rest of PATH. @default nothing */
  readonly path?: string;
}

/** A wrapper that runs until the test ends. */
export class Wrapper {
  private static count = 0;
  readonly mark = `${MARK}${process.pid}-${++Wrapper.count}`;
  readonly said: Said[] = [];
  readonly ended: Promise<number | null>;
  private readonly process: ChildProcess;

  constructor({ runtime, kind, command, under = [], modules = MODULES, path }: WrapperOptions) {
    const all = [...under, runtime, DRIVER, modules, kind, "--", ...command];
    this.process = spawn(all[0], all.slice(1), { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, PATH: path ? `${path}${delimiter}${process.env.PATH}` : process.env.PATH, GVFX_MARK_OF_CHILDREN: this.mark.slice(MARK.length) } });
    this.process.stdin?.on("error", () => {});
    createInterface({ input: this.process.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      try {
        this.said.push(JSON.parse(line) as Said);
      } catch {
        // The command's own output.
      }
    });
    this.ended = new Promise((done) => this.process.once("exit", (code) => done(code)));
  }

  tell(...words: readonly string[]): this {
    this.process.stdin?.write(words.map((word) => `${word}\n`).join(""));
    return this;
  }

  /** The first thing said that has a field, at the latest when a busy machine has had its time. */
  async hears(field: keyof Said): Promise<Said> {
    await until(() => this.said.some((s) => field in s), `the wrapper says "${field}"; it said ${JSON.stringify(this.said)}`);
    return this.said.find((s) => field in s) as Said;
  }

  /** The host's PID of the wrapper itself, below whatever stands before it. */
  pid(): number {
    for (let pid = this.process.pid as number; ; ) {
      if (commandLine(pid).includes(DRIVER) && !/^(unshare|tini|docker-init|setpriv|\S*\/(tini|docker-init))\0/.test(commandLine(pid))) return pid;
      const child = pids().find((p) => parentOf(p) === pid);
      if (child === undefined) throw new Error(`no wrapper below PID ${this.process.pid}`);
      pid = child;
    }
  }

  /** Everyone alive that the command started, and the command. */
  alive(): number[] {
    return pids().filter((pid) => isAlive(pid) && marked(pid, this.mark));
  }

  /** Until so many are alive. */
  async has(count: number): Promise<void> {
    await until(() => this.alive().length >= count, `${count} processes are up; there are ${this.alive().length}, and the wrapper said ${JSON.stringify(this.said)}`);
  }

  /** Ends the wrapper as nothing can be ended worse, and measures until all that it started is dead. @returns milliseconds, or who lives after `withinMs` */
  async killed(withinMs: number): Promise<{ readonly ms: number; readonly left: readonly number[] }> {
    const began = performance.now();
    process.kill(this.pid(), "SIGKILL");
    for (;;) {
      const left = this.alive();
      const ms = performance.now() - began;
      if (left.length === 0 || ms > withinMs) return { ms, left };
      await new Promise((done) => setTimeout(done, 1));
    }
  }

  /** Kills the wrapper while it may be starting its command. @param script the command @returns whether the command lives on, or is started later */
  async isOutlivedBy(script: string): Promise<boolean> {
    process.kill(this.pid(), "SIGKILL");
    await this.ended;
    let since: number | undefined;
    let empty = 0;
    // Between two programs of one process its environment cannot be read for a moment: one empty look is none.
    await until(() => {
      const alive = this.alive();
      empty = alive.length === 0 ? empty + 1 : 0;
      since = alive.some((pid) => commandLine(pid).split("\0")[1] === script) ? (since ?? Date.now()) : undefined;
      return empty > 5 || Date.now() - (since ?? Infinity) > LIVES_ON_AFTER_MS;
    }, "the start that was under way has come to an end");
    return since !== undefined;
  }

  /** Ends everything, also what a planted defect let live. */
  end(): void {
    this.process.kill("SIGKILL");
    for (let round = 0; round < 50 && this.alive().length > 0; round++) for (const pid of this.alive()) spawnSync("kill", ["-KILL", String(pid)]);
  }
}

export async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !holds(); await new Promise((done) => setTimeout(done, 25))) if (Date.now() > end) throw new Error(`not within 60 s: ${what}`);
}

const text = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};
const pids = (): number[] => readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
const commandLine = (pid: number): string => text(`/proc/${pid}/cmdline`);
const marked = (pid: number, mark: string): boolean => text(`/proc/${pid}/environ`).split("\0").includes(mark);
const stat = (pid: number): string[] => text(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
const parentOf = (pid: number): number => Number(stat(pid)[1]);
const isAlive = (pid: number): boolean => !["Z", "X", "", undefined].includes(stat(pid)[0]);
