/** Starting a program so that it cannot fail quietly, and how it ended as one number. */
import { spawn } from "node:child_process";
import { accessSync, constants as files, statSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

/** Where programs are looked for when the environment has no PATH, or one without the system's folders. */
const SYSTEM_PATH = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, files.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The file that a command's first word means, found as a shell finds it.
 * @param {string} word @param {string | undefined} path as in PATH @returns {string | undefined}
 */
export function findProgram(word, path) {
  if (word.includes("/")) return isExecutable(word) ? word : undefined;
  return (path ? path.split(delimiter) : SYSTEM_PATH).filter(isAbsolute).map((folder) => join(folder, word)).find(isExecutable);
}

/** A tool of the system, even when PATH lacks its folder. @param {string} name @returns {string | undefined} */
export function findTool(name) {
  return findProgram(name, [...(process.env.PATH ?? "").split(delimiter), ...SYSTEM_PATH].join(delimiter));
}

/**
 * The command with its program as a path, so that no shell takes the word for something else.
 * @param {readonly string[]} command @param {Readonly<Record<string, string | undefined>>} env @returns {string[]}
 */
export function resolved(command, env) {
  if (command.length === 0) throw new Error("no command was given; give one after --, for example: -- bun run worker.ts");
  const program = findProgram(command[0], env.PATH);
  if (program === undefined) throw new Error(`${command[0]} cannot be started: no executable file of that name${command[0].includes("/") ? "" : ` in PATH (${env.PATH ?? SYSTEM_PATH.join(delimiter)})`}`);
  return [program, ...command.slice(1)];
}

/** As a shell says it. @param {number | null} code @param {NodeJS.Signals | null} signal */
export function exitCode(code, signal) {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/**
 * Starts a program in a session of its own: Ctrl-C in a terminal is for us, and we say what becomes of the worker.
 * @param {readonly string[]} command @param {Readonly<Record<string, string | undefined>>} env @param {"ignore" | "pipe"} input @param { { readonly channel?: boolean }} [options]
 * @returns { { child: import("node:child_process").ChildProcess, pid: number, exited: Promise<{ code: number }>, channel?: import("node:stream").Duplex }}
 */
export function launch(command, env, input, { channel = false } = {}) {
  const child = spawn(command[0], command.slice(1), { env, stdio: [input, "inherit", "inherit", ...(channel ? [/** @type {const} */ ("pipe")] : [])], detached: true });
  // It comes later than the missing PID; without a listener it would end this program.
  child.on("error", () => {});
  if (child.pid === undefined) throw new Error(`${command[0]} cannot be started: the system made no process. Look at its limits on processes, open files and memory.`);
  const exited = new Promise((done) => child.once("exit", (code, signal) => done({ code: exitCode(code, signal) })));
  return { child, pid: child.pid, exited, ...(channel ? { channel: /** @type {import("node:stream").Duplex} */ (child.stdio[3]) } : {}) };
}
