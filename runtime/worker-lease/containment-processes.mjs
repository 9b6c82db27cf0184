/** Processes as /proc tells them: who is alive, whose child it is, and in which PID namespace. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * @typedef {object} Process
 * @property {number} pid
 * @property {string} name
 * @property {string} state one letter, as in /proc/<pid>/stat
 * @property {number} parent
 * @property {number} threads that are alive
 * @property {string} startedAt in clock ticks since the boot; with the PID it names a process for good
 */

/** One process, from its /proc/<pid>/stat. @param {string} stat @returns {Process} */
export function parseStat(stat) {
  // A name may hold spaces and brackets: it ends at the last bracket.
  const open = stat.indexOf("(");
  const close = stat.lastIndexOf(")");
  const fields = stat.slice(close + 2).split(" ");
  return { pid: Number(stat.slice(0, open)), name: stat.slice(open + 1, close), state: fields[0], parent: Number(fields[1]), threads: Number(fields[17]), startedAt: fields[19] };
}

/** @param {number} pid @returns {Process | undefined} undefined when there is none */
export function processOf(pid) {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Every process that this one can see, dead ones that nobody has reaped too. @returns {Process[]} */
export function processes() {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (processOf(Number(name)) ?? []) : []));
}

/** A zombie does nothing any more, unless it is only its first thread that has ended. @param {Process} process */
export function isAlive({ state, threads }) {
  return (state !== "Z" && state !== "X") || threads > 1;
}

/** Whether it is still the process that it was: a PID is given to another one in time. @param {Process} process */
export function stillAlive({ pid, startedAt }) {
  const now = processOf(pid);
  return now !== undefined && now.startedAt === startedAt && isAlive(now);
}

/** Its PID in the innermost namespace that it is in. @param {number} pid @returns {number | undefined} */
export function innermostPid(pid) {
  try {
    const line = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return line ? Number(line[1].split(/\s+/).at(-1)) : undefined;
  } catch {
    return undefined;
  }
}

/** Names the PID namespace of a process. @param {number | "self"} pid @returns {string | undefined} undefined when it is gone, or another user's */
export function pidNamespace(pid) {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Why /proc cannot be relied on here; undefined when it can. @returns {string | undefined} */
export function procProblem() {
  if (process.platform !== "linux") return `this is ${process.platform}, and only Linux can end everything that a worker started. Run the worker on a Linux host or in a container.`;
  let self;
  try {
    self = readlinkSync("/proc/self");
  } catch {
    return "there is no /proc, by which to see that everything is dead. Mount it: mount -t proc proc /proc";
  }
  return self === String(process.pid) ? undefined : `/proc shows the processes of another PID namespace (${self} where we are ${process.pid}). Mount ours: mount -t proc proc /proc`;
}

/** "7 node, 9 sleep" @param {readonly Process[]} list */
export function named(list) {
  const first = list.slice(0, 5).map(({ pid, name }) => `${pid} ${name}`);
  return first.join(", ") + (list.length > first.length ? ` and ${list.length - first.length} more` : "");
}
