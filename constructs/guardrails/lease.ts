/** The worker runs under the lease and in no other way: whatever has made the job, what would break the lease's safety is found in it. */
import { kvPaths } from "../../contracts/kv";
import { JOBS } from "../../contracts/services";
import { KILL_AND_VERIFY, LEAST_MARGIN, LEAST_SESSION_TTL, longestStop, LONGEST_LOCK_DELAY, MAX_KILL_TIMEOUT } from "../../contracts/singleton";
import { Duration } from "../../contracts/units";
import { LEASE_PROGRAM_PATH, LEASE_SETTINGS_PATH, leasedCommand } from "../jobs/worker-lease";
import { WORKER_LEASE_SOURCE } from "../jobs/worker-lease-source";
import { tasks, type JobRule, type ReadJob, type ReadTask } from "./rule";

const FIX = "make it with workerJob (constructs/jobs/worker.ts)";

/** Settings as they were read: nothing need be there. */
interface ReadSettings {
  readonly owner?: unknown;
  readonly keys?: { readonly owner?: unknown; readonly lease?: unknown };
  readonly containment?: unknown;
  readonly fence?: unknown;
  readonly port?: unknown;
  readonly timing?: Readonly<Record<string, unknown>>;
}

/** Undefined when the file is missing or no JSON object. */
function settingsOf(task: ReadTask): ReadSettings | undefined {
  try {
    const read: unknown = JSON.parse(textAt(task, LEASE_SETTINGS_PATH) ?? "");
    return typeof read === "object" && read !== null ? read : undefined;
  } catch {
    return undefined;
  }
}

/** What is delivered there; undefined when nothing is, or more than one thing: which of them is read would be chance. */
function textAt(task: ReadTask, path: string): string | undefined {
  const name = path.split("/").at(-1)!;
  const [only, ...more] = (task.Templates ?? []).filter((template) => template.DestPath?.split("/").at(-1) === name);
  return only?.DestPath === path && more.length === 0 ? only.EmbeddedTmpl : undefined;
}

function commandViolations({ Config = {} }: ReadTask): (string | false)[] {
  const [command, ...args] = leasedCommand(["bun"]);
  const given = (Config.args ?? []) as readonly string[];
  const leased = Config.command === command && Config.entrypoint === undefined && args.every((arg, index) => given[index] === arg);
  return [
    !leased && `is not started as \`${command} ${args.slice(0, 3).join(" ")} …\`: without the lease program a second worker could run while this one does; ${FIX}`,
    Config.init !== true && `has no init: what the worker leaves behind would be left to the lease program as PID 1, which does not reap it; ${FIX}`,
  ];
}

const ms = (value: unknown): Duration | undefined => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? Duration.ms(value) : undefined);

/** The safety of environments/singleton, of the numbers that the job really delivers. */
function timingViolations(timing: NonNullable<ReadSettings["timing"]>, task: ReadTask): (string | false)[] {
  const names = ["ttlMs", "lockDelayMs", "requestTimeoutMs", "terminateAfterMs", "killAfterMs", "stopGraceMs"] as const;
  const [ttl, lockDelay, requestTimeout, terminateAfter, killAfter, stopGrace] = names.map((name) => ms(timing[name]));
  if (!ttl || !lockDelay || !requestTimeout || !terminateAfter || !killAfter || !stopGrace) return [`has lease settings without all of ${names.join(", ")} in milliseconds: none of the inequalities could be checked; ${FIX}`];
  const dead = killAfter.plus(KILL_AND_VERIFY);
  const needed = longestStop({ stopGrace, requestTimeout }).plus(LEAST_MARGIN);
  const given = task.KillTimeout ?? 0;
  return [
    dead.isLongerThan(ttl) && `kills ${killAfter} after the last renewal, with a TTL of ${ttl}: Consul may end the session before everything is dead; kill at least ${KILL_AND_VERIFY} before the TTL is over`,
    dead.plus(LEAST_MARGIN).isLongerThan(lockDelay) && `kills ${killAfter} after the last renewal, with a lock-delay of ${lockDelay}: after a session that was ended early the next worker would start before this one is dead; make it at least ${dead.plus(LEAST_MARGIN)}`,
    lockDelay.isLongerThan(LONGEST_LOCK_DELAY) && `has a lock-delay of ${lockDelay}: Consul cuts it down to ${LONGEST_LOCK_DELAY}; use less`,
    LEAST_SESSION_TTL.isLongerThan(ttl) && `has a session TTL of ${ttl}: Consul refuses less than ${LEAST_SESSION_TTL}, and no worker would run; use more`,
    !killAfter.isLongerThan(terminateAfter) && `is asked to end ${terminateAfter} after the last renewal, and killed after ${killAfter}: ask before`,
    given < needed.nanoseconds && `has a kill timeout of ${Duration.ms(Math.floor(given / 1e6))}: Docker would kill the lease program before it has given the lease back, and the next worker wait for Consul; use at least ${needed}`,
    given > MAX_KILL_TIMEOUT.nanoseconds && `has a kill timeout above ${MAX_KILL_TIMEOUT}: clients cut it down to that without a word; use less`,
  ];
}

function settingsViolations(job: ReadJob, task: ReadTask): (string | false)[] {
  const settings = settingsOf(task);
  if (!settings) return [`has no lease settings that could be read, once and at ${LEASE_SETTINGS_PATH}; ${FIX}`];
  const { workerOwner, workerLease } = kvPaths(job.Namespace ?? "");
  return [
    settings.owner !== "nomad" && `would run while the owner is ${JSON.stringify(settings.owner)}: legacy's worker has its own lease program; set owner to "nomad"`,
    (settings.keys?.owner !== workerOwner || settings.keys.lease !== workerLease) && `takes a lease on ${JSON.stringify(settings.keys?.lease)} under owner key ${JSON.stringify(settings.keys?.owner)}: other workers of namespace ${job.Namespace} use ${workerLease} and ${workerOwner}, and would run beside it; use these`,
    settings.containment !== "container" && `contains its worker as ${JSON.stringify(settings.containment)}: in a container every process but init and the lease program is to be killed; set containment to "container"`,
    settings.fence !== "kernel-timer" && `has fence ${JSON.stringify(settings.fence)}: a node that stood still past the lease would wake a worker that trades until the lease program is awake, too; set fence to "kernel-timer"`,
    task.Env?.METRICS_PORT === String(settings.port) && `gives the worker the port of the lease program (${JSON.stringify(settings.port)}): one of them could not listen; use two`,
    ...timingViolations(settings.timing ?? {}, task),
  ];
}

export const leasedWorker: JobRule = {
  id: "leased-worker",
  rule: "The worker runs under the lease program, which is the one of this repository, started directly, below an init, with SIGTERM, with the keys of its namespace, with the token of its role, and with times that keep the safety of docs/worker.md",
  defects: [
    "the worker's program without the lease",
    "the lease program below a shell",
    "the lease program as an argument of something else",
    "other settings than those that are checked",
    "another lease program",
    "no lease program",
    "a lease program that is written over",
    "no init",
    "another signal",
    "no identity in Consul",
    "the worker on the lease program's port",
    "settings that are no JSON",
    "another owner",
    "another lease key",
    "the keys of another namespace",
    "the containment of a host",
    "no fence",
    "no timing",
    "a kill after the session's TTL",
    "a kill that leaves half a second of the TTL",
    "a lock-delay of zero",
    "a lock-delay that leaves half a second",
    "a lock-delay that Consul cuts down",
    "a TTL that Consul refuses",
    "a kill before the worker is asked",
    "a kill timeout that leaves no time to give the lease back",
    "a kill timeout that leaves half a second",
    "a kill timeout that clients cut down",
  ],
  check: (job) => {
    if (job.ID !== JOBS.worker) return [];
    return tasks(job, (task) => [
      ...commandViolations(task),
      textAt(task, LEASE_PROGRAM_PATH) !== WORKER_LEASE_SOURCE && `does not deliver this repository's lease program, once and to ${LEASE_PROGRAM_PATH}: what the model and the drill have proved is not what would run; ${FIX}`,
      task.KillSignal !== "SIGTERM" && `is stopped by ${task.KillSignal}: the lease program gives the lease back at SIGTERM; use that`,
      task.Consul === undefined && `has no identity in Consul: without a token no lease can be taken; ${FIX}`,
      ...settingsViolations(job, task),
    ]);
  },
};
