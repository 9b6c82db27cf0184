/** The timings the model runs with, in milliseconds: production's, and what the model assumes of the machine. */
import { parseEnvironment } from "../../../environments/parse";
import { production } from "../../../environments/production";

const { lease } = parseEnvironment("production", production);

export const TIMING = {
  ttlMs: lease.ttl.milliseconds,
  lockDelayMs: lease.lockDelay.milliseconds,
  renewEveryMs: lease.renewEvery.milliseconds,
  requestTimeoutMs: lease.requestTimeout.milliseconds,
  terminateAfterMs: lease.terminateAfter.milliseconds,
  killAfterMs: lease.killAfter.milliseconds,
  deadAfterMs: lease.deadAfter.milliseconds,
  stopGraceMs: lease.stopGrace.milliseconds,
} as const;

/** How often the wrapper looks at its clock; the real one does twice as often. */
export const TICK_MS = 200;
/** The kernel's timer runs out so long after killAfter at most (runtime/worker-lease/fence.mjs). */
export const FENCE_ROUNDING_MS = 20;
/** After a pause of the whole machine what the worker started may run this long before the wrapper does; the drill measures it. */
export const RESUME_MS = 250;
/** From the decision to kill until everything is known dead: what a late decision leaves of the time between killAfter and deadAfter. */
export const KILL_MS = TIMING.deadAfterMs - TIMING.killAfterMs - Math.max(TICK_MS, RESUME_MS);
/** Two clocks of two machines differ by at most this rate. */
export const DRIFT = 0.001;
