/**
 * In a container: the PID namespace is ours, so everything in it but its init and
 * ourselves was started by the worker, whoever its parent is now. When we are killed
 * the init ends, and the kernel ends the whole namespace with it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { launch, resolved } from "./containment-child.mjs";
import { isAlive, named, pidNamespace, processes, processOf, procProblem } from "./containment-processes.mjs";

/** The kernel's own number for the first PID namespace: the host's. */
const HOST_NAMESPACE = "pid:[4026531836]";
/** Inits that end when the program that they started ends: Docker's, tini, Podman's, dumb-init. */
const INITS = ["docker-init", "tini", "tini-static", "catatonit", "dumb-init"];
/** Between two looks, in milliseconds: a killed process is gone within a few, and a look costs less than one. */
const LOOK_EVERY_MS = 2;
/** When dying takes longer than this, say whom we wait for: they are stuck in the kernel, or the machine is. */
const SAY_AFTER_MS = 500;

const FIX = "Nothing is started, since everything here would be killed with the worker. Run this program as the container's command, with an init (Nomad: init = true, Docker: --init) and a PID namespace of its own (no pid_mode).";

/** Everyone but the init and ourselves. */
const others = () => processes().filter((p) => p.pid !== 1 && p.pid !== process.pid && isAlive(p));

/** @returns {string | undefined} */
function unsuitable() {
  const blind = procProblem();
  if (blind) return blind;
  if (pidNamespace("self") === HOST_NAMESPACE) return `this is the host's PID namespace, not a container's. ${FIX}`;
  const init = processOf(1);
  if (process.pid !== 1 && (process.ppid !== 1 || !init || !INITS.includes(init.name))) {
    return `PID 1 is ${init?.name ?? "hidden"} and our parent is PID ${process.ppid}: were we killed, the worker might live on. ${FIX}`;
  }
  const strangers = others();
  return strangers.length === 0 ? undefined : `other processes are here before anything was started: ${named(strangers)}. ${FIX}`;
}

/** @param {import("./log.mjs").Log} log @returns {import("./containment.mjs").Containment} */
export function containerContainment(log) {
  /** @type { { problem: string | undefined } | undefined } looked at once: later the worker is here */
  let looked;
  /** @type {ReturnType<typeof launch> | undefined} */
  let started;

  const problem = () => (looked ??= { problem: unsuitable() }).problem;

  /** Ends us, and so the init and everything: the kernel asks nobody's leave. */
  const end = (/** @type {string} */ who) => {
    log("error", "kill-refused", `${who} belongs to another user and cannot be killed: ending ourselves, so that the kernel ends the container`);
    process.kill(process.pid, "SIGKILL");
    // Not even SIGKILL reaches a PID 1 from within.
    process.exit(137);
  };

  return {
    problem,
    start(command, env, options) {
      const why = problem();
      if (why) throw new Error(why);
      started = launch(resolved(command, env), env, "ignore", options);
      return started;
    },
    signal(name) {
      started?.child.kill(name);
    },
    async killAll() {
      // Not only for speed: without a start nobody has looked whose namespace this is.
      if (!started) return;
      const began = performance.now();
      for (let said = false; ; await sleep(LOOK_EVERY_MS)) {
        // One call for all: the kernel lets no fork through in between, so that nobody outruns it.
        try {
          process.kill(-1, "SIGKILL");
        } catch {
          // Nobody is left; the look says so.
        }
        const left = others();
        if (left.length === 0) return;
        const untouchable = left.find((p) => !mayKill(p.pid));
        if (untouchable) end(named([untouchable]));
        if (!said && performance.now() - began > SAY_AFTER_MS) {
          said = true;
          log("warning", "kill-slow", `killed and not dead after ${SAY_AFTER_MS} ms: ${named(left)}`);
        }
      }
    },
  };
}

/** @param {number} pid */
function mayKill(pid) {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code !== "EPERM";
  }
}
