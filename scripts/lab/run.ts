/** Runs a program, keeps what it says, and tells the end of it when it fails. */
import { spawn, type ChildProcess } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export interface RunOptions {
  readonly cwd?: string;
  /** Variables beyond those of this process; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** File that takes everything the program says; emptied first. @default none */
  readonly log?: string;
  /** Gets each line as it comes. */
  readonly onLine?: (line: string) => void;
  /** Exit statuses that are no failure. @default [0] */
  readonly accept?: readonly number[];
  /** Written to standard input. @default none */
  readonly input?: string;
  /** An interrupt at the terminal does not reach it: whoever runs it waits until it is done. @default false */
  readonly ownGroup?: boolean;
}

export interface Finished {
  readonly status: number;
  /** Standard output. */
  readonly output: string;
}

/** A program ended otherwise than it should. */
export class RunFailed extends Error {
  constructor(readonly command: string, readonly status: number | string, readonly said: string, log?: string) {
    super(`${command} failed (${status}):\n${lastLines(said, 25)}${log ? `\nEverything it said: ${log}` : ""}`);
    this.name = "RunFailed";
  }
}

/** What scripts/begin.cjs has begun already, each for one who asks for exactly the same. */
type TakeBegun = (program: string, args: readonly string[], cwd: string | undefined, env: NodeJS.ProcessEnv) => ChildProcess | undefined;
const takeBegun = (): TakeBegun | undefined => (globalThis as { [key: symbol]: TakeBegun | undefined })[Symbol.for("gvfx.begun")];

function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).map((line) => `  ${line}`).join("\n");
}

/**
 * @throws RunFailed when the status is not one of `accept`
 * @throws Error when the program is not there
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { accept = [0], log } = options;
  if (log) {
    mkdirSync(dirname(log), { recursive: true });
    writeFileSync(log, "", { mode: 0o600 });
  }
  const env = { ...process.env, ...options.env };
  const begun = options.input === undefined && !options.ownGroup ? takeBegun()?.(program, args, options.cwd, env) : undefined;
  const child = begun ?? spawn(program, [...args], { cwd: options.cwd, env, stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"], detached: options.ownGroup });
  let output = "";
  let said = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      if (stream === child.stdout) output += text;
      said += text;
      if (log) appendFileSync(log, text);
      if (options.onLine) for (const line of text.split("\n")) if (line.trim()) options.onLine(line.trim());
    });
  }
  if (options.input !== undefined) child.stdin!.end(options.input);
  const status = await new Promise<number | string>((done, failed) => {
    child.once("error", (error: Error & { code?: string }) => failed(error.code === "ENOENT" ? new Error(`${program} is not installed, or not on PATH: nothing was done; install it and try again`) : error));
    child.once("close", (code, signal) => done(code ?? signal ?? "ended"));
  });
  if (typeof status !== "number" || !accept.includes(status)) throw new RunFailed([program, ...args].slice(0, 6).join(" "), status, said, log);
  return { status, output };
}
