/**
 * On a Linux host: each start gets a PID namespace of its own. When its first
 * process ends, the kernel kills everyone in it, detached or not, and that process
 * ends when we do, whatever ends us:
 *
 *   we <- unshare <- sh, the namespace's PID 1 <- the command
 *
 * An arrow is "gets SIGKILL when that one ends" (PR_SET_PDEATHSIG), and the last
 * one is the namespace. The sh waits at a gate until both death signals are set:
 * were we to end before, it reads the end of its input and starts nothing. It stays,
 * since a command that is PID 1 ignores every signal that it does not handle, and
 * since a program that changes its user loses its death signal.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { launch, resolved } from "./containment-child.mjs";
import { unshareCommand } from "./containment-namespace.mjs";
import { innermostPid, isAlive, named, pidNamespace, processes, procProblem, stillAlive } from "./containment-processes.mjs";

/** @typedef {import("./containment-processes.mjs").Process} Process */

/** In milliseconds: a look at all of a host's processes takes one or two. */
const LOOK_EVERY_MS = 5;
/** When dying takes longer than this, say whom we wait for. */
const SAY_AFTER_MS = 500;
/** What the gate ends with when it was never opened. */
const NOT_OPENED = 125;
const OPEN = "go";
/** Two tools and a shell are started in some 20 ms; a machine that takes this long, in milliseconds, or a /proc that hides them, runs no worker. */
const OPEN_WITHIN_MS = 10_000;
const SHELL = "/bin/sh";
/** Its own words ("Killed") are nobody's; the command keeps the error output. It reaps whoever is left to it while it waits. */
const GATE = `read -r word && [ "$word" = ${OPEN} ] || exit ${NOT_OPENED}; { "$@" </dev/null 2>&9 9>&-; } 9>&2 2>/dev/null; exit $?`;

/** @param {import("./log.mjs").Log} log @returns {import("./containment.mjs").Containment} */
export function hostContainment(log) {
  /** @type { { problem?: string, unshare?: readonly string[] } | undefined } */
  let looked;
  /** @type {Run | undefined} */
  let run;
  const look = () => (looked ??= lookAround());

  return {
    problem: () => look().problem,
    start(command, env, options) {
      const { problem, unshare } = look();
      if (problem || !unshare) throw new Error(problem);
      if (run && !run.dead) throw new Error("what was started before is not dead yet: nothing is started beside it");
      run = new Run([...unshare, SHELL, "-c", GATE, "worker-lease", ...resolved(command, env)], env, log, options);
      return run;
    },
    signal: (name) => run?.signal(name),
    killAll: async () => run?.kill(),
  };
}

function lookAround() {
  const blind = procProblem();
  return blind ? { problem: blind } : unshareCommand();
}

/** One start, from the gate to the death of everyone in the namespace. */
class Run {
  /** Whether unshare has ended. */
  over = false;
  /** Whether everyone in the namespace was seen dead. */
  dead = false;
  /** @type {Process | undefined} the namespace's first, once the gate is open */
  #first;
  /** @type {string | undefined} */
  #namespace;
  /** @type {Process | undefined} */
  #command;
  /** @type {NodeJS.Signals[]} that came before the command was there */
  #waiting = [];
  #killed = false;

  /** @param {readonly string[]} command @param {Readonly<Record<string, string | undefined>>} env @param {import("./log.mjs").Log} log @param { { readonly channel?: boolean }} [options] */
  constructor(command, env, log, options) {
    this.log = log;
    this.outer = launch(command, env, "pipe", options);
    // It may end before it reads.
    this.outer.child.stdin?.on("error", () => {});
    this.exited = this.outer.exited.then((end) => {
      this.over = true;
      this.outer.child.stdin?.destroy();
      return end;
    });
    this.#open().catch((error) => {
      log("error", "start-failed", `the command is not started: ${error instanceof Error ? error.message : String(error)}`);
      this.#shut();
    });
  }

  get channel() {
    return this.outer.channel;
  }

  get pid() {
    return this.#command?.pid ?? this.outer.pid;
  }

  /** Opens the gate once both death signals are set: unshare and the shell were executed after that. */
  async #open() {
    const first = await this.#seen((p) => p.parent === this.outer.pid && p.name === "sh" && innermostPid(p.pid) === 1, OPEN_WITHIN_MS);
    if (!first && !this.over && !this.#killed) throw new Error(`its PID namespace was not there within ${OPEN_WITHIN_MS} ms, or /proc hides it (mounted with hidepid?)`);
    if (!first) return;
    const namespace = pidNamespace(first.pid);
    if (!namespace || namespace === pidNamespace("self")) throw new Error(`PID ${first.pid} is in no PID namespace of its own (${namespace ?? "its namespace cannot be read"})`);
    this.#first = first;
    this.#namespace = namespace;
    this.outer.child.stdin?.end(`${OPEN}\n`);
    // Whoever is second there is the command: the shell starts nothing else.
    this.#command = await this.#seen((p) => p.parent === first.pid && innermostPid(p.pid) === 2);
    for (const name of this.#waiting.splice(0)) this.signal(name);
  }

  /** Waits for a process, as long as there is something to wait for. @param {(p: Process) => boolean} which @param {number} [withinMs] @returns {Promise<Process | undefined>} */
  async #seen(which, withinMs = Infinity) {
    for (const end = performance.now() + withinMs; !this.over && !this.#killed && performance.now() < end; await sleep(LOOK_EVERY_MS)) {
      const found = processes().find(which);
      if (found) return found;
    }
    return undefined;
  }

  #shut() {
    this.#killed = true;
    this.outer.child.stdin?.destroy();
    this.outer.child.kill("SIGKILL");
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    if (!this.#command) this.#waiting.push(name);
    else send(this.#command, name);
  }

  async kill() {
    this.#shut();
    const began = performance.now();
    for (let said = false; ; await sleep(LOOK_EVERY_MS)) {
      const left = this.#left();
      if (this.over && left.length === 0) {
        this.dead = true;
        return;
      }
      // Should its death signal not have come: it is named by its start, so that no other is hit.
      if (this.#first) send(this.#first, "SIGKILL");
      if (!said && performance.now() - began > SAY_AFTER_MS) {
        said = true;
        this.log("warning", "kill-slow", `killed and not dead after ${SAY_AFTER_MS} ms: ${named(left) || `${this.outer.pid} unshare`}`);
      }
    }
  }

  /** Who is alive in the namespace. While the gate is shut there is only the shell, which starts nothing. */
  #left() {
    return this.#namespace === undefined ? [] : processes().filter((p) => isAlive(p) && pidNamespace(p.pid) === this.#namespace);
  }
}

/** A signal to a process if it is still that one; one that ends in this very moment needs none. @param {Process} to @param {NodeJS.Signals} name */
function send(to, name) {
  if (!stillAlive(to)) return;
  try {
    process.kill(to.pid, name);
  } catch {
    // Gone in between. Whoever must be dead is looked at again.
  }
}
