/**
 * A clock that goes on while the machine is suspended, and that nobody can set.
 * Timers and the monotonic clock stand still meanwhile, but a session does not.
 */
import { closeSync, openSync, readSync } from "node:fs";

/** Linux's time since boot, suspends included, with hundredths of a second. */
const UPTIME = "/proc/uptime";

/** @returns {() => number | undefined} milliseconds since boot; undefined where the system does not say */
function sinceBoot(path = UPTIME) {
  let file = -1;
  try {
    file = openSync(path, "r");
  } catch {
    return () => undefined;
  }
  const buffer = Buffer.alloc(64);
  return () => {
    try {
      const seconds = Number(buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.length, 0)).split(" ")[0]);
      if (Number.isFinite(seconds)) return seconds * 1000;
      closeSync(file);
    } catch {
      // Below: the monotonic clock alone.
    }
    return undefined;
  };
}

/**
 * Whichever of the two moved on further since the start: the monotonic clock is
 * finer, the time since boot counts suspends. Never goes back.
 * @param { { monotonic?: () => number, boot?: () => number | undefined }} [sources] milliseconds each
 * @returns {() => number} milliseconds since the start
 */
export function suspendAwareClock({ monotonic = () => performance.now(), boot = sinceBoot() } = {}) {
  // In this order, here and below: a pause between the two readings must not count as a suspend.
  const bootStart = boot();
  const start = monotonic();
  let suspended = 0;
  let last = 0;
  return () => {
    const bootNow = boot();
    const elapsed = monotonic() - start;
    if (bootStart !== undefined && bootNow !== undefined) suspended = Math.max(suspended, bootNow - bootStart - elapsed);
    last = Math.max(last, elapsed + suspended);
    return last;
  };
}
