/** Drives the protocol: brings it what happens and the time, and does what it says. */
import { initial, remainingMs, step } from "./protocol.mjs";
import { describe } from "./log.mjs";

/** @typedef {import("./protocol.mjs").State} State */
/** @typedef {import("./protocol.mjs").Effect} Effect */
/** @typedef {import("./consul.mjs").Outcome} Outcome */

/** While there is a deadline it is looked at this often: after a suspend, in which timers stand still, too. */
const TICK_MS = 100;
/** So long the loop may stand still until it counts as ill. */
const STALLED_MS = 5_000;
/** Everything is dead then, so the worker's end is known within milliseconds. */
const EXIT_KNOWN_MS = 1_000;
/** A kill takes milliseconds; what is stuck in the kernel for longer ends no sooner by waiting. */
const LAST_KILL_MS = 2_000;
/** Exit code of an error of this program's own, as sysexits.h has it. */
export const INTERNAL_ERROR = 70;

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Loop {
  /**
   * @param { {
   *   settings: import("./protocol.mjs").Settings, command: string[], environment: Record<string, string>,
   *   consul: Pick<import("./consul.mjs").Consul, "perform">, containment: import("./containment.mjs").Containment,
   *   fence?: Pick<import("./fence.mjs").Fence, "environment" | "guard" | "renew" | "state">, now: () => number, log: import("./log.mjs").Log, exit: (code: number) => void,
   * }} parts
   */
  constructor({ settings, command, environment, consul, containment, fence, now, log, exit }) {
    this.settings = settings;
    this.command = command;
    this.environment = environment;
    this.consul = consul;
    this.containment = containment;
    this.fence = fence;
    this.now = now;
    this.log = log;
    this.exit = exit;
    /** @type {State} */
    this.state = initial(now());
    this.tickedAt = now();
    /** @type {import("./containment.mjs").Started | undefined} */
    this.child = undefined;
    /** Nothing was started counts as well. */
    this.childEnded = true;
    this.startFailed = false;
    this.broken = false;
    /** @type {Outcome[]} */
    this.queue = [];
    this.busy = false;
    this.counts = { renewed: 0, "renew-failed": 0, "renew-lost": 0, acquired: 0, start: 0, kill: 0 };
  }

  /** Ticks from now on. */
  run() {
    this.dispatch({ type: "tick" });
    this.arm();
  }

  arm() {
    clearTimeout(this.timer);
    if (this.broken || this.state.phase === "done") return;
    // Without a lease nothing is due but the next look, and nine wakings in ten are saved. Once a second in any case: whoever asks for its health takes a loop that does not for one that stands still.
    const waitMs = this.state.session === null ? Math.min(Math.max(this.state.dueAt - this.now(), TICK_MS), 1_000) : TICK_MS;
    this.timer = setTimeout(() => this.run(), waitMs);
  }

  /** An event, with the time at which it is looked at, and then a tick: what became due is done at once. @param {Outcome} outcome */
  dispatch(outcome) {
    if (this.broken) return;
    this.queue.push(outcome);
    if (this.busy) return;
    this.busy = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        this.advance(next);
        if (next.type !== "tick") this.advance({ type: "tick" });
      }
    } catch (error) {
      void this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  /** @param {Outcome} outcome */
  advance(outcome) {
    const before = this.state;
    const at = this.now();
    const { state, effects } = step(this.settings, before, { ...outcome, at });
    this.state = state;
    this.tickedAt = at;
    if (outcome.type in this.counts) this.counts[/** @type {keyof Loop["counts"]} */ (outcome.type)] += 1;
    if (state.session !== null && before.session === null) this.arm();
    // What a standby waits for is told when it changes, too.
    if (state.phase !== before.phase || (state.phase === "standby" && state.reason !== before.reason)) this.tellPhase(before, at);
    if (state.renewedAt > before.renewedAt && this.child) this.fence?.renew(this.deadline);
    for (const effect of effects) this.perform(effect);
  }

  /** When everything must be killed, if no further renewal succeeds; on our clock. */
  get deadline() {
    return this.state.renewedAt + this.settings.timing.killAfterMs;
  }

  /** @param {State} before @param {number} at */
  tellPhase(before, at) {
    const { phase, reason, session } = this.state;
    const remaining = remainingMs(this.settings, this.state, at);
    const urgent = (phase === "draining" && this.state.exitCode === null) || (phase === "killing" && (this.state.exitCode === null || !this.childEnded));
    const change = phase === before.phase ? phase : `${before.phase} -> ${phase}`;
    this.log(urgent ? "warning" : "info", "phase", `${change}${reason ? `: ${reason}` : ""}`, {
      from: before.phase, to: phase, reason, session: session ?? before.session, remainingMs: remaining === null ? null : Math.round(remaining), afterMs: Math.round(at - before.since),
    });
  }

  /** @param {Effect} effect */
  perform(effect) {
    switch (effect.type) {
      case "start": return this.start();
      case "signal": return this.signal(/** @type {NodeJS.Signals} */ (effect.signal));
      case "kill": return void this.kill().then(() => this.dispatch({ type: "dead" }), (error) => this.fail(error));
      case "exit":
        clearTimeout(this.timer);
        this.log("info", "exit", `the lease ends with code ${effect.code}`, { code: effect.code });
        return this.exit(effect.code);
      default: return void this.consul.perform(effect).then((outcome) => this.dispatch(outcome)).catch((error) => this.fail(error));
    }
  }

  start() {
    try {
      const child = this.containment.start(this.command, this.fence ? this.fence.environment(this.environment) : this.environment, { channel: this.fence !== undefined });
      this.child = child;
      this.childEnded = false;
      this.counts.start += 1;
      this.log("info", "child-started", `the worker runs: ${this.command.join(" ")}`, { pid: child.pid });
      this.fence?.guard(child, this.deadline, (why) => this.cannotStart(why));
      void child.exited.then(({ code }) => {
        this.childEnded = true;
        this.log("info", "child-ended", `the worker ended with code ${code}`, { code });
        this.dispatch({ type: "child-exited", code });
      });
    } catch (error) {
      this.cannotStart(describe(error));
    }
  }

  /** @param {string} why */
  cannotStart(why) {
    this.startFailed = true;
    this.log("error", "start-failed", `the worker cannot be started: ${why}. Correct the command or the machine; the lease is given back and this program ends`);
    this.dispatch({ type: "start-failed" });
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    try {
      this.containment.signal(name);
    } catch (error) {
      // It has just ended, or has other rights by now; the kill that follows needs neither.
      this.log("warning", "signal-failed", `${name} did not reach the worker: ${describe(error)}`);
    }
  }

  async kill() {
    if (!this.childEnded) this.counts.kill += 1;
    const began = this.now();
    await this.containment.killAll();
    // So that an end that belongs to this worker is never taken for the next one's.
    await Promise.race([this.child?.exited, sleep(EXIT_KNOWN_MS)]);
    this.child = undefined;
    this.log("info", "all-dead", "nothing that was started is alive", { tookMs: Math.round(this.now() - began) });
  }

  /** A signal to the worker that means nothing to the lease. @param {NodeJS.Signals} name */
  forward(name) {
    this.log("info", "signal", `${name}: ${this.child ? "passed on to the worker" : "no worker runs, nothing to pass it on to"}`);
    if (this.child) this.signal(name);
  }

  /** Nothing may run that nobody watches: everything is killed, then this program ends. @param {unknown} error */
  async fail(error) {
    if (this.broken) return;
    this.broken = true;
    clearTimeout(this.timer);
    const stack = error instanceof Error ? error.stack : undefined;
    this.log("error", "internal-error", `an error of the lease program itself: ${describe(error)}. Everything that was started is killed; the lease is free once its session and the lock-delay are over. Report it with this line`, { stack });
    try {
      // Ending ends them too: the container's init goes with us, and on a host each start dies with its parent.
      await Promise.race([this.containment.killAll(), sleep(LAST_KILL_MS)]);
    } catch (failure) {
      this.log("error", "kill-failed", `killing failed: ${describe(failure)}; this program ends, which ends the rest`);
    }
    this.exit(INTERNAL_ERROR);
  }

  /** @returns { { ok: boolean, detail: string }} */
  health() {
    const silentMs = this.now() - this.tickedAt;
    if (this.broken) return { ok: false, detail: "an internal error; see the log" };
    if (this.startFailed) return { ok: false, detail: "the worker cannot be started; see the log" };
    if (silentMs > STALLED_MS) return { ok: false, detail: `the loop has not ticked for ${Math.round(silentMs)} ms` };
    if (this.state.phase === "killing" && this.now() - this.state.since > STALLED_MS) return { ok: false, detail: "what was started is killed and not dead yet" };
    return { ok: true, detail: this.state.phase };
  }
}
