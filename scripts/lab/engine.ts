/** The container engine, spoken to through its own program, so that contexts, DOCKER_HOST and Docker Desktop work as they do for the operator. */
import { spawn } from "node:child_process";

/** Why the engine did not do it. */
export type EngineFailure = "no-program" | "not-running" | "permission" | "no-container" | "interrupted" | "failed";

export class EngineError extends Error {
  constructor(readonly reason: EngineFailure, message: string) {
    super(message);
    this.name = "EngineError";
  }
}

export interface EngineAnswer {
  readonly status: number;
  readonly output: string;
  readonly complaint: string;
}

export interface EngineCall {
  /** Ends the program. */
  readonly signal?: AbortSignal;
  /** Written to standard input. @default none */
  readonly input?: string;
}

/** A container as the engine describes it. */
export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  readonly paused: boolean;
  /** How often the engine started it again by itself. */
  readonly restarts: number;
  readonly exitCode: number;
  readonly startedAt: string;
  /** The container's own health check; undefined when it has none. */
  readonly health: string | undefined;
  readonly networks: readonly ContainerNetwork[];
}

export interface ContainerNetwork {
  readonly name: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: { readonly Running: boolean; readonly Paused: boolean; readonly ExitCode: number; readonly StartedAt: string; readonly Health?: { readonly Status: string } };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string; readonly IPPrefixLen: number; readonly Gateway: string }>> };
}

export class Engine {
  /**
   * @param command the program and what comes before every call's arguments
   * @param within container whose own engine this is; undefined for the operator's
   */
  constructor(private readonly command: readonly [string, ...string[]] = ["docker"], private readonly variables: Readonly<Record<string, string | undefined>> = process.env, private readonly within?: string) {}

  /** The engine that runs inside a container of this one. */
  inside(container: string): Engine {
    return new Engine([...this.command, "exec", container, "docker"], this.variables, container);
  }

  /**
   * Runs the program to its end, whatever its status.
   * @throws EngineError when the program is missing or no engine answers
   */
  async call(args: readonly string[], { signal, input }: EngineCall = {}): Promise<EngineAnswer> {
    const [program, ...before] = this.command;
    const child = spawn(program, [...before, ...args], { env: this.variables, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"], signal });
    let output = "";
    let complaint = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    // A program that ends before it has read everything is told by its status.
    child.stdin?.on("error", () => undefined).end(input);
    const status = await new Promise<number>((done, failed) => {
      child.once("error", (error) => failed(this.missing(error)));
      child.once("close", (code) => done(code ?? 1));
    });
    const reason = status === 0 ? undefined : unavailable(complaint);
    if (reason) throw new EngineError(reason, explain(reason, complaint, this.within));
    return { status, output, complaint };
  }

  /**
   * Standard output of a call that must work.
   * @throws EngineError with what the engine said
   */
  async text(args: readonly string[], options: EngineCall = {}): Promise<string> {
    const { status, output, complaint } = await this.call(args, options);
    if (status === 0) return output;
    const said = complaint.trim() || output.trim() || `status ${status}`;
    throw new EngineError(/No such container|is not running|no such object/i.test(said) ? "no-container" : "failed", `docker ${args.slice(0, 4).join(" ")} failed: ${said}`);
  }

  /** Non-empty lines of standard output. */
  async lines(args: readonly string[], options: EngineCall = {}): Promise<string[]> {
    return (await this.text(args, options)).split("\n").filter((line) => line !== "");
  }

  /** Runs the program with this process's own standard streams, and returns its status. An interrupt reaches it from the terminal, and it ends by it. */
  attached(args: readonly string[]): Promise<number> {
    const [program, ...before] = this.command;
    const child = spawn(program, [...before, ...args], { env: this.variables, stdio: "inherit" });
    const wait = (): void => undefined;
    process.on("SIGINT", wait);
    return new Promise<number>((done, failed) => {
      child.once("error", (error) => failed(this.missing(error)));
      child.once("close", (code, signal) => done(code ?? (signal === "SIGINT" ? 130 : 1)));
    }).finally(() => process.removeListener("SIGINT", wait));
  }

  /** Gives each line of a program's output as it comes; returns its status. */
  follow(args: readonly string[], onLine: (line: string) => void, { signal, input }: EngineCall = {}): Promise<number> {
    const [program, ...before] = this.command;
    const child = spawn(program, [...before, ...args], { env: this.variables, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    child.stdin?.on("error", () => undefined).end(input);
    const stop = (): void => void child.kill("SIGTERM");
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    for (const stream of [child.stdout!, child.stderr!]) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        lines.forEach((line) => onLine(line));
      });
      stream.once("end", () => rest && onLine(rest));
    }
    return new Promise<number>((done, failed) => {
      child.once("error", (error) => failed(this.missing(error)));
      child.once("close", (code) => done(code ?? 1));
    }).finally(() => signal?.removeEventListener("abort", stop));
  }

  /** Those of the named containers that exist. */
  async inspect(names: readonly string[]): Promise<ContainerState[]> {
    if (names.length === 0) return [];
    const { output, status, complaint } = await this.call(["container", "inspect", ...names]);
    // Missing ones fail the call; those that exist are printed all the same.
    if (status !== 0 && !/No such container/i.test(complaint)) throw new EngineError("failed", `docker container inspect failed: ${complaint.trim()}`);
    return (JSON.parse(output || "[]") as Inspected[]).map((it) => ({
      id: it.Id,
      name: it.Name.replace(/^\//, ""),
      running: it.State.Running,
      paused: it.State.Paused,
      restarts: it.RestartCount,
      exitCode: it.State.ExitCode,
      startedAt: it.State.StartedAt,
      health: it.State.Health?.Status,
      networks: Object.entries(it.NetworkSettings.Networks).map(([name, net]) => ({ name, address: net.IPAddress, prefixLength: net.IPPrefixLen, gateway: net.Gateway })),
    }));
  }

  private missing(error: Error & { readonly code?: string }): EngineError {
    if (error.code === "ABORT_ERR") return new EngineError("interrupted", "interrupted while the engine worked");
    if (error.code === "ENOENT") return new EngineError("no-program", `the program ${this.command[0]} is not on PATH, and the lab lives in its engine; install Docker Desktop, or Docker Engine with its command line`);
    return new EngineError("failed", `${this.command[0]} could not be started: ${error.message}`);
  }
}

function unavailable(complaint: string): "permission" | "not-running" | undefined {
  if (/permission denied while trying to connect|connect: permission denied/i.test(complaint)) return "permission";
  if (/Cannot connect to the Docker daemon|failed to connect to the docker API|error during connect|context deadline exceeded|docker daemon is not running/i.test(complaint)) return "not-running";
  return undefined;
}

function explain(reason: "permission" | "not-running", complaint: string, within: string | undefined): string {
  const said = `The engine's program said: ${complaint.trim().split("\n")[0]}`;
  if (within) return `the engine inside ${within} does not answer, so that the tasks on it cannot be seen; what it says: docker exec ${within} journalctl -u docker -n 50.\n${said}`;
  const mend = {
    permission: "This user may not use the engine's socket. On Linux: sudo usermod -aG docker $USER, then log in anew; rootless engines: set DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock",
    "not-running": "Start Docker Desktop, or on Linux: sudo systemctl start docker. If it runs, see where this shell looks for it: docker context ls, and the variable DOCKER_HOST",
  }[reason];
  return `no container engine answers, and every machine of the lab is a container of it, so that nothing can be seen or done. ${mend}.\n${said}`;
}
