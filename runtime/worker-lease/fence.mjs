/**
 * The fence: a timer in the kernel that kills the worker at its deadline, whoever
 * else sleeps. A machine that stood still past the lease wakes everyone at once, and
 * nothing says that the lease program comes before the worker. The kernel does: a
 * timer that ran out meanwhile has left its SIGKILL with the process, which then runs
 * no further instruction of its own.
 *
 * A timer signals no process but its own, so it lives in the worker's
 * (fence-worker.mjs, loaded by Bun before the worker's own code), and each renewal
 * is told there. This side tells.
 */
import { readFileSync } from "node:fs";

/** Descriptor on which the deadlines come; the first after the standard ones. */
export const CHANNEL_FD = 3;
/** Variable that makes this program the fence instead of the lease. */
export const FENCE_VARIABLE = "WORKER_LEASE_FENCE";
/** What the worker's side answers once the timer runs. */
export const ARMED = "armed";
/** Bun and the fence are there within 0.2 s; a machine that takes this long, in milliseconds, or another runtime, runs no worker. */
const ARMED_WITHIN_MS = 30_000;
/** Twice the hundredth of a second in which /proc/uptime counts: never before the deadline, on which the protocol relies. */
const ROUNDING_MS = 20;

/** @returns {number} milliseconds since boot, suspends included: the kernel's CLOCK_BOOTTIME */
const sinceBoot = () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;

export class Fence {
  /**
   * @param { {
   *   program: string, now: () => number, log: import("./log.mjs").Log, boot?: () => number,
   * }} parts `program`: path of this program's one file; `boot`: for tests
   */
  constructor({ program, now, log, boot = sinceBoot }) {
    this.program = program;
    this.now = now;
    this.log = log;
    this.boot = boot;
    /** @type {"none" | "arming" | "armed"} */
    this.state = "none";
    /** @type {import("node:stream").Duplex | undefined} */
    this.channel = undefined;
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined;
  }

  /** @returns {string | undefined} why there can be none here, and how to fix it */
  problem() {
    if (/\s/.test(this.program)) return `the path of this program has a space (${this.program}), which BUN_OPTIONS cannot hold, so the worker would run without its fence. Move the program, or set fence to "none" and take the risk`;
    try {
      if (Number.isFinite(this.boot())) return undefined;
    } catch {
      // Below.
    }
    return "/proc/uptime cannot be read, so no deadline could be told to the kernel. Mount /proc";
  }

  /** The worker's environment, with which Bun loads the fence before it. @param {Readonly<Record<string, string>>} environment @returns {Record<string, string>} */
  environment(environment) {
    return { ...environment, BUN_OPTIONS: [environment.BUN_OPTIONS, preload(this.program)].filter(Boolean).join(" "), [FENCE_VARIABLE]: String(CHANNEL_FD) };
  }

  /**
   * From the start on: the first deadline is there before the worker is.
   * @param {import("./containment.mjs").Started} started @param {number} deadline on the lease's clock @param {(why: string) => void} unarmed
   */
  guard(started, deadline, unarmed) {
    const { channel } = started;
    if (!channel) throw new Error("the worker has no channel for its deadlines");
    this.channel = channel;
    this.state = "arming";
    const mine = () => this.channel === channel;
    const over = () => {
      if (!mine()) return;
      clearTimeout(this.timer);
      this.channel = undefined;
      this.state = "none";
    };
    // Whoever ended reads no more; its end is told by others.
    channel.on("error", () => undefined);
    channel.on("data", (/** @type {Buffer} */ said) => {
      if (!mine() || !String(said).startsWith(ARMED) || this.state === "armed") return;
      clearTimeout(this.timer);
      this.state = "armed";
      this.log("info", "fence-armed", "the kernel ends the worker at its deadline, should nobody else");
    });
    void started.exited.then(over);
    this.timer = setTimeout(() => mine() && unarmed(`its fence was not armed within ${ARMED_WITHIN_MS / 1000} s: the worker's runtime did not load it. Bun 1.2.21 and later do; run the worker on it, or set fence to "none" and take the risk`), ARMED_WITHIN_MS);
    this.renew(deadline);
  }

  /** @param {number} deadline on the lease's clock */
  renew(deadline) {
    // In this order: a pause between the two readings makes the deadline earlier, never later.
    const boot = this.boot();
    this.channel?.write(`${Math.ceil(boot + deadline - this.now() + ROUNDING_MS)}\n`);
  }
}

/** @param {string} program */
export const preload = (program) => `--preload=${program}`;
