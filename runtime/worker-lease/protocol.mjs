/**
 * The lease protocol: a state machine without clock, network or processes. What
 * happens comes in as an event with its time, what is to be done goes out as
 * effects, so that a model can run thousands of schedules through the very code
 * that production runs.
 *
 * Why never two: a child runs only while this session holds the lock. Consul ends
 * a session at twice its TTL after the last renewal reached it, and never before
 * without keeping the lock back for the lock-delay. Everything that was started is
 * dead `deadAfterMs` after the last renewal was *sent*, which is earlier than both.
 *
 * @typedef {object} Timing Milliseconds, on a clock that counts suspends.
 * @property {number} renewEveryMs between two renewals, and between two looks at the lease in standby
 * @property {number} terminateAfterMs since the last renewal was sent, until the child is asked to end
 * @property {number} killAfterMs since the last renewal was sent, until everything is killed
 * @property {number} stopGraceMs for the child after an ordered stop, before everything is killed
 *
 * @typedef { { readonly owner: string, readonly timing: Timing }} Settings `owner`: the value of the owner key under which this side may run
 *
 * @typedef {"standby" | "acquiring" | "active" | "draining" | "killing" | "releasing" | "destroying" | "done"} Phase
 *
 * @typedef {object} State
 * @property {Phase} phase
 * @property {number} since when the phase began
 * @property {string | null} session id of the Consul session
 * @property {string | null} former the session before, which holds the lock still if giving it back failed
 * @property {number} renewedAt when the newest renewal that succeeded was sent
 * @property {number} dueAt when to look or renew next
 * @property {number} ownerIndex ModifyIndex of the owner key when it was seen
 * @property {boolean} running whether the child was started and not everything it started is known dead
 * @property {boolean} asked whether the child was asked to end
 * @property {string | null} reason why it is not, or no longer, active
 * @property {number | null} exitCode set when the program is to end: with this code
 *
 * @typedef { { at: number } & (
 *   | { type: "tick" }
 *   | { type: "observed", owner: string | null, ownerIndex: number, holder: string | null }
 *   | { type: "observe-failed", why?: string }
 *   | { type: "session-created", session: string, sentAt: number }
 *   | { type: "session-failed", why?: string }
 *   | { type: "acquired", session: string }
 *   | { type: "acquire-refused" | "acquire-failed", session: string, why?: string }
 *   | { type: "renewed", session: string, sentAt: number, owner: string | null }
 *   | { type: "renew-lost" | "renew-failed", session: string }
 *   | { type: "start-failed" }
 *   | { type: "child-exited", code: number }
 *   | { type: "dead" }
 *   | { type: "released" | "release-failed" | "destroyed" | "destroy-failed", session: string }
 *   | { type: "stop", signal: string }
 * )} Event `acquire-failed` and its like: no answer, or one that leaves open what happened; `why`: for people
 *
 * @typedef {
 *   | { type: "observe" }
 *   | { type: "create-session" }
 *   | { type: "acquire", session: string, ownerIndex: number }
 *   | { type: "renew", session: string }
 *   | { type: "start" }
 *   | { type: "signal", signal: string }
 *   | { type: "kill" }
 *   | { type: "release", session: string }
 *   | { type: "destroy", session: string }
 *   | { type: "exit", code: number }
 * } Effect Each request is answered by exactly one event, a failure at the latest when its time is over; `kill` by `dead`, once nothing that was started is alive.
 */

/** Exit code when the child cannot be started, as a shell's "not executable". */
export const CANNOT_START = 126;

/** Exit code of what SIGKILL ended. */
const KILLED = 137;

/** @param {number} at @returns {State} */
export function initial(at) {
  return { phase: "standby", since: at, session: null, former: null, renewedAt: -Infinity, dueAt: at, ownerIndex: 0, running: false, asked: false, reason: "starting", exitCode: null };
}

/** Milliseconds until everything must be killed, if no further renewal succeeds; null without a lease. @param {Settings} settings @param {State} state @param {number} at */
export function remainingMs({ timing }, state, at) {
  return state.session === null ? null : Math.max(0, state.renewedAt + timing.killAfterMs - at);
}

/**
 * @param {Settings} settings
 * @param {State} before
 * @param {Event} event
 * @returns { { state: State, effects: Effect[] }}
 */
export function step(settings, before, event) {
  const { timing } = settings;
  const { at } = event;
  /** @type {Effect[]} */
  const effects = [];
  const state = { ...before };

  /** @param {Phase} phase @param {string | null} reason @param {...Effect} then */
  const go = (phase, reason, ...then) => {
    Object.assign(state, { phase, since: at, reason });
    effects.push(...then);
  };
  const standby = (/** @type {string | null} */ reason) => {
    Object.assign(state, { session: null, former: state.session ?? state.former, renewedAt: -Infinity, ownerIndex: 0, asked: false, dueAt: at + timing.renewEveryMs });
    if (state.exitCode === null) go("standby", reason);
    else go("done", reason, { type: "exit", code: state.exitCode });
  };
  /** Nothing runs: give the lock back first, since destroying its session would keep it back for the lock-delay. */
  const release = (/** @type {string | null} */ reason) => {
    if (state.session === null) standby(reason);
    else go("releasing", reason, { type: "release", session: state.session });
  };
  const kill = (/** @type {string} */ reason) => go("killing", reason, { type: "kill" });
  /** Asks the child to end, and goes on renewing while it does. */
  const drain = (/** @type {string} */ reason, /** @type {string} */ signal) => {
    state.asked = true;
    go("draining", reason, { type: "signal", signal });
  };
  const fenced = (/** @type {number} */ code) => code === KILLED && at - state.renewedAt >= timing.killAfterMs;
  const mine = "session" in event && event.session === state.session;
  const holding = state.phase === "active" || state.phase === "draining";
  /** However long a kill takes: while Consul answers, the lock does not go to another before it is done. */
  const keeping = holding || state.phase === "killing";

  switch (event.type) {
    case "tick":
      if (at < state.dueAt) break;
      if (state.phase === "standby") effects.push({ type: "observe" });
      else if (keeping && state.session !== null) effects.push({ type: "renew", session: state.session });
      else break;
      state.dueAt = at + timing.renewEveryMs;
      break;

    case "observed":
      if (state.phase !== "standby") break;
      if (event.holder !== null && event.holder === state.former) {
        // Nothing runs here, and whoever is to run would wait for its end and for the lock-delay: half a minute without a worker.
        state.session = state.former;
        release("the session before this one still held the lease");
      } else if (event.owner !== settings.owner) state.reason = event.owner === null ? "the owner key is not set" : `the owner is ${event.owner}`;
      else if (event.holder !== null) state.reason = `the lease is held by session ${event.holder}`;
      else {
        state.ownerIndex = event.ownerIndex;
        go("acquiring", null, { type: "create-session" });
      }
      break;
    case "observe-failed":
      if (state.phase === "standby") state.reason = event.why ?? "Consul does not answer";
      break;

    case "session-created":
      if (state.phase !== "acquiring") break;
      Object.assign(state, { session: event.session, renewedAt: event.sentAt });
      if (state.exitCode === null) effects.push({ type: "acquire", session: event.session, ownerIndex: state.ownerIndex });
      else release(state.reason);
      break;
    case "session-failed":
      if (state.phase === "acquiring") standby(event.why ?? "no session could be made");
      break;
    case "acquired":
      if (state.phase !== "acquiring" || !mine) break;
      if (state.exitCode !== null) release(state.reason);
      else if (at - state.renewedAt >= timing.terminateAfterMs) release("the lease came too late to be used");
      else {
        Object.assign(state, { running: true, dueAt: at });
        go("active", null, { type: "start" });
      }
      break;
    // Held or not, the session goes: a lock-delay must be waited for, and an answer that did not come may have been a yes.
    case "acquire-refused":
      if (state.phase === "acquiring" && mine) release(event.why ?? "the lease was refused: its owner has just changed, or its lock-delay lasts");
      break;
    case "acquire-failed":
      if (state.phase === "acquiring" && mine) release(event.why ?? "no answer to the request for the lease");
      break;

    case "renewed":
      if (!keeping || !mine) break;
      state.renewedAt = Math.max(state.renewedAt, event.sentAt);
      if (state.phase === "active" && event.owner !== settings.owner) drain(`the owner is ${event.owner ?? "not set"}`, "SIGTERM");
      break;
    case "renew-lost":
      // Without a word to the child: whoever deleted the key gave the next holder no lock-delay to wait for.
      if (holding && mine) kill("the lease was lost");
      break;
    case "renew-failed":
      break;

    case "start-failed":
      state.exitCode = CANNOT_START;
      if (holding) kill("the command cannot be started");
      break;
    case "child-exited":
      // An end that was asked for because of the owner or the deadline is no end of the program; past the deadline it was the fence's.
      if (state.exitCode === null ? holding && !state.asked && !fenced(event.code) : state.exitCode !== CANNOT_START) state.exitCode = event.code;
      // What it started may have outlived it.
      if (holding) kill(state.reason ?? `the worker ended with code ${event.code}`);
      break;
    case "dead":
      if (state.phase !== "killing") break;
      state.running = false;
      release(state.reason);
      break;

    case "release-failed":
      if (state.phase !== "releasing" || !mine) break;
      // Destroyed with the lock it would keep that back for the lock-delay; in standby it is seen to hold it, and gives it back then. Only who ends has no then.
      if (state.exitCode === null) standby(state.reason);
      else go("destroying", state.reason, { type: "destroy", session: event.session });
      break;
    case "released":
      if (state.phase === "releasing" && mine) go("destroying", state.reason, { type: "destroy", session: event.session });
      break;
    case "destroyed":
    case "destroy-failed":
      if (state.phase === "destroying" && mine) standby(state.reason);
      break;

    case "stop":
      if (state.exitCode === null) state.exitCode = 0;
      if (state.phase === "standby") standby(`stopped by ${event.signal}`);
      else if (state.phase === "active") drain(`stopped by ${event.signal}`, event.signal);
      else if (state.phase === "acquiring") state.reason = `stopped by ${event.signal}`;
      else if (state.phase === "draining") effects.push({ type: "signal", signal: event.signal });
      break;
  }

  // Last, and after every event: whatever woke the program, it may have slept.
  const silent = at - state.renewedAt;
  if (state.phase === "active" || state.phase === "draining") {
    if (silent >= timing.killAfterMs) kill(`no renewal for ${Math.round(silent)} ms`);
    else if (state.phase === "draining" && at - state.since >= timing.stopGraceMs) kill(`${state.reason}; the worker did not end within ${timing.stopGraceMs} ms`);
    else if (state.phase === "active" && silent >= timing.terminateAfterMs) drain(`no renewal for ${Math.round(silent)} ms`, "SIGTERM");
  }
  return { state, effects };
}
