/** The real `convex` CLI as a child process: what it prints is relayed line by line, and its secrets travel by environment and standard input. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Variables } from "../../doctor/credentials";
import type { ConvexAccess } from "./access";

/** The version that every fact about its protocol was read from and tried with (package.json pins it). */
export const CLI_VERSION = "1.48.0";
const PACKAGE = "node_modules/convex";
/** What the CLI may know of this machine: no credential, no CONVEX_DEPLOYMENT (which crashes it), no hint that a program runs it. */
const PASSED_ON = ["PATH", "TMPDIR", "LANG", "LC_ALL", "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"] as const;
/** Enough of what it prints to say why it failed. */
const KEPT_LINES = 20;
/** After SIGTERM it gets this long, ms: it has nothing to tidy up. */
const STOP_PATIENCE_MS = 5_000;

export interface CliSurroundings {
  readonly variables: Variables;
  readonly signal?: AbortSignal;
  /** Sees each line that the CLI prints, without the admin key. */
  readonly onLine?: (line: string) => void;
  /** Folder of the installed package. @default node_modules/convex */
  readonly packageFolder?: string;
}

/** The CLI ran and failed, or could not be run. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  constructor(message: string, readonly lines: readonly string[] = []) {
    super(message);
  }
}

export interface ConvexCli {
  /** `convex export`. @param path of a zip file that does not exist yet */
  exportSnapshot(path: string, options: { readonly includeFiles: boolean }): Promise<void>;
  /** `convex import --replace-all -y`: tables that the snapshot does not have are deleted. */
  importSnapshot(path: string): Promise<void>;
  /** `convex deploy` of functions and schema. @param folder the app's checkout; nothing is written in it */
  deploy(folder: string): Promise<void>;
  /** The deployment's environment variables: `convex env list`, and their values. */
  environment(): Promise<Readonly<Record<string, string>>>;
  /** `convex env set --force`: sets these, and leaves all others alone. */
  setEnvironment(values: Readonly<Record<string, string>>): Promise<void>;
  /** `convex env remove`; none of that name is no error. */
  removeEnvironment(name: string): Promise<void>;
}

export function convexCli(access: ConvexAccess, surroundings: CliSurroundings): ConvexCli {
  const run = (args: readonly string[], project: Project, input?: string) => runCli(access, args, project, surroundings, input);
  return {
    exportSnapshot: async (path, { includeFiles }) => {
      await inProject(surroundings, async (project) => void (await run(["export", "--path", resolve(path), ...(includeFiles ? ["--include-file-storage"] : [])], project)));
      await chmod(path, 0o600);
    },
    importSnapshot: (path) => inProject(surroundings, async (project) => void (await run(["import", "--replace-all", "-y", resolve(path)], project))),
    deploy: (folder) => inProject(surroundings, async (project) => {
      await copyFunctions(folder, project);
      await run(["deploy", "--typecheck", "disable", "-y"], project);
    }),
    environment: () => inProject(surroundings, async (project) => {
      const names = (await run(["env", "list", "--names-only"], project)).split("\n").map((line) => line.trim()).filter((line) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(line));
      const values: Record<string, string> = {};
      // One by one: the list's own quoting of values with line ends would have to be undone. The CLI ends a value with one line end.
      for (const name of names) values[name] = (await run(["env", "get", name], project)).replace(/\n$/, "");
      return values;
    }),
    setEnvironment: (values) => inProject(surroundings, async (project) => {
      // By standard input, of which the CLI drops the last line end: an argument would be seen in the list of processes.
      for (const [name, value] of Object.entries(values)) await run(["env", "set", "--force", name], project, `${value}\n`);
    }),
    removeEnvironment: (name) => inProject(surroundings, async (project) => void (await run(["env", "remove", name], project))),
  };
}

interface Project {
  readonly folder: string;
}

/** The CLI insists on a package.json that lists convex; a folder of its own keeps .env files of the operator's folder out of it. */
async function inProject<T>({ packageFolder = PACKAGE }: CliSurroundings, work: (project: Project) => Promise<T>): Promise<T> {
  const installed = resolve(packageFolder);
  const { version } = existsSync(join(installed, "package.json")) ? (JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { version: string }) : { version: undefined };
  if (version !== CLI_VERSION) throw new CliFailure(`the convex CLI ${CLI_VERSION} is not installed in ${installed} (${version ?? "nothing"} is), so that no data can be moved; run: npm ci`);
  const folder = await mkdtemp(join(tmpdir(), "gvfx-convex-"));
  try {
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "gvfx-convex-cli", private: true, dependencies: { convex: CLI_VERSION } }));
    await mkdir(join(folder, "node_modules"));
    await symlink(installed, join(folder, "node_modules", "convex"));
    return await work({ folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A deploy writes generated code beside the functions: into a copy, so that a pinned checkout stays clean. */
async function copyFunctions(source: string, { folder }: Project): Promise<void> {
  const settings = join(source, "convex.json");
  const functions = existsSync(settings) ? ((JSON.parse(readFileSync(settings, "utf8")) as { functions?: string }).functions ?? "convex/") : "convex/";
  if (functions.startsWith("/") || functions.split("/").includes("..")) throw new CliFailure(`${settings} keeps the functions in ${functions}, outside of the checkout; they cannot be deployed from there`);
  if (!existsSync(join(source, functions))) throw new CliFailure(`${source} has no folder ${functions} with Convex functions; name the app's checkout`);
  await cp(join(source, functions), join(folder, functions), { recursive: true });
  if (existsSync(settings)) await cp(settings, join(folder, "convex.json"));
  const modules = join(source, "node_modules");
  if (!existsSync(modules)) return;
  // What else the functions import comes from the app's own packages.
  for (const name of await readdir(modules)) if (name !== "convex" && !name.startsWith(".")) await symlink(resolve(modules, name), join(folder, "node_modules", name));
}

/** @returns standard output */
async function runCli(access: ConvexAccess, args: readonly string[], { folder }: Project, { variables, signal, onLine = () => undefined, packageFolder = PACKAGE }: CliSurroundings, input = ""): Promise<string> {
  const key = await access.adminKey();
  const kept = Object.fromEntries(PASSED_ON.flatMap((name) => (variables[name] === undefined ? [] : [[name, variables[name]]])));
  const command = `convex ${args[0]}${args[0] === "env" ? ` ${args[1]}` : ""}`;
  return new Promise((done, fail) => {
    if (signal?.aborted) return fail(new CliFailure(`${command} was not begun: interrupted`));
    const child = spawn(process.execPath, [join(resolve(packageFolder), "bin", "main.js"), ...args], {
      cwd: folder,
      env: { ...kept, HOME: folder, CI: "1", NO_COLOR: "1", CONVEX_SELF_HOSTED_URL: access.address, CONVEX_SELF_HOSTED_ADMIN_KEY: key },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let interrupted = false;
    let forced: NodeJS.Timeout | undefined;
    const stop = (): void => {
      interrupted = true;
      child.kill("SIGTERM");
      forced = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
    };
    signal?.addEventListener("abort", stop, { once: true });
    let output = "";
    const said: string[] = [];
    const relay = (line: string): void => {
      const shown = line.replaceAll(key, "<admin key>").trim();
      if (shown === "" || shown === said.at(-1) || NOISE.test(shown)) return;
      said.push(shown);
      if (said.length > KEPT_LINES) said.shift();
      onLine(shown);
    };
    // Standard output is the answer, which may be a secret: of it only the caller sees anything.
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    eachLine(child.stderr, relay);
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const settle = (): void => {
      clearTimeout(forced);
      signal?.removeEventListener("abort", stop);
    };
    child.once("error", (error) => {
      settle();
      fail(new CliFailure(`${command} could not be run: ${error.message}`));
    });
    child.once("close", (status, killedBy) => {
      settle();
      if (interrupted) return fail(new CliFailure(`${command} was interrupted`, said));
      if (status === 0) return done(output);
      fail(new CliFailure(`${command} at ${access.side} (${access.address}) ended ${killedBy ? `by ${killedBy}` : `with status ${status}`}: ${said.slice(-5).join(" | ") || "it said nothing"}`, said));
    });
  });
}

/** Frames of a stack, and an address of the cloud's dashboard, where a self-hosted backend shows nothing. */
const NOISE = /^at \S|^throw err|^[{}^]+$|^\[Symbol|^Node\.js v|dashboard\.convex\.dev|cli\.bundle\.cjs:\d+$/;
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** Lines without a terminal's colours; a spinner's carriage return ends a line too. */
function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split(/\r?\n|\r/);
    rest = lines.pop()!;
    for (const line of lines) take(line.replace(ANSI, ""));
  });
  stream.on("end", () => {
    if (rest !== "") take(rest.replace(ANSI, ""));
  });
}
