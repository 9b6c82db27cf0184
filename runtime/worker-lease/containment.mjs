/**
 * Keeps everything that the worker starts within reach, so that "dead" can be
 * said with certainty: of the worker, and of what it started, detached, orphaned
 * or forking without end.
 *
 * @typedef {object} Started
 * @property {number} pid of the command as the host sees it; of what starts it, for the first moments
 * @property {Promise<{ code: number }>} exited 128 + n when signal n ended it
 * @property {import("node:stream").Duplex} [channel] the other end of the worker's descriptor 3, when it was asked for
 *
 * @typedef {object} Containment
 * @property {() => string | undefined} problem why it cannot work here, and how to fix it
 * @property {(command: readonly string[], env: Readonly<Record<string, string | undefined>>, options?: { readonly channel?: boolean }) => Started} start throws when the command cannot be started, or there is a problem
 * @property {(name: NodeJS.Signals) => void} signal to the command itself; nothing when it has ended
 * @property {() => Promise<void>} killAll ends once /proc shows that nothing that was started is alive; zombies are dead
 */
import { containerContainment } from "./containment-container.mjs";
import { hostContainment } from "./containment-host.mjs";

/**
 * @param {"container" | "host"} kind "container": the PID namespace is ours alone; "host": each start gets one of its own
 * @param { { log: import("./log.mjs").Log }} to
 * @returns {Containment}
 */
export function containment(kind, { log }) {
  return kind === "container" ? containerContainment(log) : hostContainment(log);
}
