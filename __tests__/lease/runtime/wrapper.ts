/** The bundled program as production runs it, around workers that write down when they ran. */
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Endpoint } from "./consul-double";
import { settingsWith, type LeaseSettings, type Timing } from "./program";

export const BUNDLE = join(__dirname, "..", "..", "..", "runtime", "worker-lease.mjs");
/** How much faster than production time runs, in the wrapper and in the double of Consul. */
export const SPEED = 4;
/** Production's times, that much shorter: the session ends 5 s after its last renewal, its lock-delay is 3 s. TTL and lock-delay are written as they are, and the double divides them. */
export const QUICK: Timing = { ttlMs: 10_000, lockDelayMs: 12_000, renewEveryMs: 250, requestTimeoutMs: 1_000, terminateAfterMs: 2_000, killAfterMs: 2_250, stopGraceMs: 2_000 };

export interface Line { readonly at: string; readonly level: string; readonly event: string; readonly message: string; readonly [field: string]: unknown }
export interface Run { readonly name: string; readonly run: string; readonly first: number; readonly last: number }

export interface WrapperOptions {
  readonly runtime: string;
  readonly endpoints: readonly Endpoint[];
  /** Of whoever runs. @default "a" */
  readonly name?: string;
  /** @default one that ticks and ends with 7 when asked to */
  readonly command?: readonly string[];
  readonly settings?: Partial<LeaseSettings>;
  /** Text of the program. @default the real one */
  readonly program?: (text: string) => string;
  /** What stands before the runtime: a namespace, an init. @default nothing */
  readonly under?: readonly string[];
  /** Its standard output. @default a socket that this test reads */
  readonly stdout?: number;
}

/** Settings, token, scripts and records of one test. */
export class Stage {
  readonly path = mkdtempSync(join(tmpdir(), "gvfx-lease-"));
  readonly tokenFile = join(this.path, "token");
  private readonly wrappers: Wrapper[] = [];

  constructor() {
    chmodSync(this.path, 0o755);
    this.token("token-of-the-test");
  }

  token(text: string): void {
    writeFileSync(this.tokenFile, text);
  }

  /** A shell script: `body` is done every 20 ms or so, after a tick was written. */
  worker(body = "", before = ""): string[] {
    const file = join(this.path, `worker-${readdirSync(this.path).length}`);
    writeFileSync(file, `#!/bin/sh\ntrap 'exit 7' TERM\n${before}\nread -r run </proc/sys/kernel/random/uuid\nwhile :; do read -r now idle </proc/uptime; echo "$NAME $run $now" >>${join(this.path, "ticks")}; ${body}\nsleep 0.02; done\n`);
    chmodSync(file, 0o755);
    return ["sh", file];
  }

  wrapper(options: WrapperOptions): Wrapper {
    const wrapper = new Wrapper(this, options);
    this.wrappers.push(wrapper);
    return wrapper;
  }

  /** Who ran from when to when, in milliseconds since the boot, in order. */
  runs(): Run[] {
    const file = join(this.path, "ticks");
    const runs = new Map<string, Run>();
    for (const line of existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : []) {
      const [name, run, seconds] = line.split(" ");
      const at = Number(seconds) * 1000;
      runs.set(run, { name, run, first: runs.get(run)?.first ?? at, last: at });
    }
    return [...runs.values()].sort((a, b) => a.first - b.first);
  }

  /** Names in the order in which they ran; an overlap, by 10 ms or more, is an error. */
  oneByOne(): string[] {
    const runs = this.runs();
    runs.forEach((run, i) => {
      for (const later of runs.slice(i + 1)) if (later.first < run.last) throw new Error(`two workers at once for ${run.last - later.first} ms: ${JSON.stringify([run, later])}`);
    });
    return runs.map(({ name }) => name);
  }

  async end(): Promise<void> {
    await Promise.all(this.wrappers.map((wrapper) => wrapper.kill()));
    rmSync(this.path, { recursive: true, force: true });
  }
}

export class Wrapper {
  readonly lines: Line[] = [];
  output = "";
  readonly ended: Promise<number | null>;
  readonly process: ChildProcess;

  constructor(stage: Stage, { runtime, endpoints, name = "a", command = stage.worker(), settings = {}, program, under = [], stdout }: WrapperOptions) {
    const file = join(stage.path, `settings-${readdirSync(stage.path).length}.json`);
    const urls = endpoints.map(({ url }) => url);
    writeFileSync(file, JSON.stringify(settingsWith({ agents: urls.slice(0, 1), servers: urls.slice(1), tokenFile: stage.tokenFile, address: "127.0.0.1", timing: QUICK, ...settings })));
    let bundle = BUNDLE;
    if (program) writeFileSync((bundle = file.replace(".json", ".mjs")), program(readFileSync(BUNDLE, "utf8")));
    const [first, ...more] = [...under, runtime, bundle, file, "--", ...command];
    this.process = spawn(first, more, { stdio: ["ignore", stdout ?? "pipe", "pipe"], env: { PATH: process.env.PATH, NAME: name, CONSUL_HTTP_TOKEN: "token-of-the-environment" } });
    let rest = "";
    this.process.stdout?.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith('{"at":')) this.lines.push(JSON.parse(line) as Line);
    });
    this.process.stderr?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((resolve) => this.process.once("exit", (code) => resolve(code)));
  }

  get pid(): number {
    return this.process.pid as number;
  }

  phases(): string[] {
    return this.lines.filter(({ event, from, to }) => event === "phase" && from !== to).map(({ to }) => String(to));
  }

  /** Until it has come to a phase so many times. */
  reaches(phase: string, times = 1): Promise<void> {
    return until(() => this.phases().filter((to) => to === phase).length >= times, () => `${phase}, ${times} times; it said\n${this.output}`);
  }

  line(event: string): Line | undefined {
    return this.lines.find((line) => line.event === event);
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    await until(() => this.line("started") !== undefined, () => `its port; it said\n${this.output}`);
    const answer = await fetch(`http://127.0.0.1:${String(this.line("started")?.port)}${path}`);
    return { status: answer.status, text: await answer.text() };
  }

  /** It and everyone below it, the lowest last. */
  family(): number[] {
    const parents = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
      try {
        return [[Number(name), Number(readFileSync(`/proc/${name}/stat`, "utf8").replace(/^.*\) /s, "").split(" ")[1])] as const];
      } catch {
        return [];
      }
    });
    const found = [this.pid];
    for (const one of found) for (const [pid, parent] of parents) if (parent === one) found.push(pid);
    return found;
  }

  /** PID of the program itself, below what stands before it. */
  program(): number {
    const below = this.family().find((pid) => /(^|\/)(node|bun)$/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]));
    if (below === undefined) throw new Error(`no program below PID ${this.pid}; it said\n${this.output}`);
    return below;
  }

  signal(name: NodeJS.Signals): this {
    this.process.kill(name);
    return this;
  }

  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) signalAll(this.family(), "SIGKILL");
    await this.ended;
  }
}

/** In this order; who has ended meanwhile is passed over. */
export function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** A defect planted into the program: a text that must be there once, so that it never goes stale unseen. */
export function planted(text: string, by: string): (program: string) => string {
  return (program) => {
    if (program.split(text).length !== 2) throw new Error(`${JSON.stringify(text)} is ${program.split(text).length - 1} times in the program, and must be there once: adapt the planted defect`);
    return program.replace(text, () => by);
  };
}

export async function until(holds: () => boolean, what: () => string, withinMs = 30_000): Promise<void> {
  for (const end = Date.now() + withinMs; !holds(); await pause(10)) if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what()}`);
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** On the clock that the workers write, in milliseconds. */
export const sinceBoot = () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
