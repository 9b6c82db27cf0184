/** Jobs of the drill as they are registered: the worker's own with small changes, and the plain one beside it. Pure. */
import { JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import { appEnvironment } from "../../constructs/jobs/app-environment";
import type { Environment } from "../../environments/schema";
import type { RegisteredJob, RegisteredTask } from "./nomad";
import { PLAIN_JOB } from "./tick-record";

/** Field of a job's meta that makes it a new version. */
const VERSION_META = "drill";

/** Read before anything else by whatever runs in the container: its wall clock is where the file says, its monotonic clock as ever. */
export const CLOCK_FILE = "/alloc/data/wall-clock";
const MOVABLE_CLOCK = { LD_PRELOAD: "/usr/local/lib/libfaketime.so.1", DONT_FAKE_MONOTONIC: "1", FAKETIME_NO_CACHE: "1", FAKETIME_TIMESTAMP_FILE: CLOCK_FILE } as const;
const CRASH = { LAB_FAULT: "crash" } as const;
const OWN_KEYS: ReadonlySet<string> = new Set([...Object.keys(MOVABLE_CLOCK), ...Object.keys(CRASH)]);

export const withVersion = (job: RegisteredJob, version: string): RegisteredJob => ({ ...job, Meta: { ...job.Meta, [VERSION_META]: version } });
export const withMovableClock = (job: RegisteredJob): RegisteredJob => withEnv(job, MOVABLE_CLOCK);
export const withCrash = (job: RegisteredJob): RegisteredJob => withEnv(job, CRASH);
export const withCount = (job: RegisteredJob, count: number): RegisteredJob => ({ ...job, TaskGroups: job.TaskGroups.map((group) => ({ ...group, Count: count })) });
export const hasMovableClock = (job: RegisteredJob): boolean => job.TaskGroups.some(({ Tasks }) => Tasks.some(({ Env }) => Env?.LD_PRELOAD !== undefined));

/** The job without anything that a drill, perhaps one that was killed, changed. */
export function original(job: RegisteredJob): RegisteredJob {
  const { [VERSION_META]: _version, ...meta } = job.Meta ?? {};
  return withTasks({ ...job, Meta: Object.keys(meta).length > 0 ? meta : null }, (task) => ({ ...task, Env: Object.fromEntries(Object.entries(task.Env ?? {}).filter(([key]) => !OWN_KEYS.has(key))) }));
}

/** Whether a drill stopped it, or gave it an environment in which it should not stay. */
export function isTampered(job: RegisteredJob): boolean {
  return job.Stop === true || job.TaskGroups.some(({ Tasks }) => Tasks.some(({ Env }) => Object.keys(Env ?? {}).some((key) => OWN_KEYS.has(key))));
}

/** Whether `original` would change it. */
export function isChanged(job: RegisteredJob): boolean {
  return job.Meta?.[VERSION_META] !== undefined || isTampered(job);
}

function withEnv(job: RegisteredJob, env: Readonly<Record<string, string>>): RegisteredJob {
  return withTasks(job, (task) => ({ ...task, Env: { ...task.Env, ...env } }));
}

function withTasks(job: RegisteredJob, change: (task: RegisteredTask) => RegisteredTask): RegisteredJob {
  return { ...job, TaskGroups: job.TaskGroups.map((group) => ({ ...group, Tasks: group.Tasks.map(change) })) };
}

/**
 * The usual hand-written policy, for the same image: no lease, no disconnect block,
 * rescheduled without limit, everything else as Nomad has it. The worker ticks and
 * listens to the exchange, and writes nothing into the database, whose rows are
 * counted for the other one.
 *
 * @param leased the platform's worker as it is registered
 * @param node where it prefers to run: beside the other one, so that one fault hits both
 */
export function plainJob(leased: RegisteredJob, env: Environment, node: string): RegisteredJob {
  const [group] = leased.TaskGroups;
  const task = group.Tasks.find(({ Name }) => Name === JOBS.worker.replace(/^gvfx-/, "")) ?? group.Tasks[0];
  const { image, dns_servers } = task.Config;
  const { Region, Datacenters, Namespace } = leased;
  return {
    ID: PLAIN_JOB,
    Name: PLAIN_JOB,
    Region,
    Datacenters,
    Namespace,
    Type: "service",
    Affinities: [{ LTarget: "${node.unique.name}", RTarget: node, Operand: "=", Weight: 100 }],
    TaskGroups: [
      {
        Name: "worker",
        Count: 1,
        Constraints: group.Constraints,
        ReschedulePolicy: { Unlimited: true, Attempts: 0, Interval: 0, Delay: Duration.seconds(30).nanoseconds, DelayFunction: "exponential", MaxDelay: Duration.hours(1).nanoseconds },
        Tasks: [
          {
            Name: "worker",
            Driver: "docker",
            Config: { image, dns_servers, init: true, command: "bun", args: ["run", "src/jobs/worker.ts"] },
            Env: plainEnvironment(env),
            Resources: { ...(task.Resources as object), Networks: undefined, Devices: undefined, NUMA: undefined },
          },
        ],
      },
    ],
  };
}

/** Its own access to Vault, Consul and Nomad's variables would need identities that the platform does not give: the same values, written out, and keys that the exchange's double does not look at. */
function plainEnvironment(env: Environment): Record<string, string> {
  const values = Object.entries(appEnvironment(env, "worker")).flatMap(([key, source]): [string, string][] => (source.from === "secret" ? [] : [[key, source.value]]));
  const { METRICS_PORT: _none, ...rest } = Object.fromEntries(values);
  return { ...rest, TIMESCALE_URL: "postgres://drill@127.0.0.1/none", BINGX_API_KEY: "drill", BINGX_SECRET_KEY: "drill", LAB_SINK: "none" };
}
