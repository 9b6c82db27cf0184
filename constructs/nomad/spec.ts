/**
 * Typed Nomad job specifications: the parts of the job API that the platform uses.
 * A group is one of five kinds, so that what must not be combined cannot be
 * written: only a replicated group has a count and canaries, a singleton group
 * has no field in which a second copy could be asked for, and a periodic or
 * sysbatch group, which ends, offers no service that could be called.
 */
import type { Duration, Port, Size } from "../../contracts/units";
import type { JobName } from "../../contracts/services";

export interface JobSpec {
  readonly id: JobName;
  readonly region: string;
  readonly datacenter: string;
  readonly namespace: string;
  /** 1 to 100; what has the higher one is placed first. */
  readonly priority: number;
  /** Why the timings of this job are what they are: shown by the preview and kept in the job's meta. */
  readonly rationale: string;
  /** Hashes of what the job reads at run time, so that a change of it is a change of the job. */
  readonly contentHashes?: Readonly<Record<string, string>>;
  readonly group: GroupSpec;
}

interface GroupBase {
  readonly name: string;
  readonly constraints: readonly Constraint[];
  readonly restart: RestartPolicy;
  /** Static host volume by the name that the node's agent declares. */
  readonly volume?: { readonly name: string; readonly source: string };
  readonly tasks: readonly [TaskSpec, ...TaskSpec[]];
}

/** What runs until it is stopped, and is called by others. */
interface ServingGroup extends GroupBase {
  readonly ports: readonly PortSpec[];
  readonly services: readonly ServiceSpec[];
  readonly update: UpdatePolicy;
  /** Time between leaving service discovery and the stop signal, in which others learn of it. */
  readonly shutdownDelay: Duration;
}

/** Several equal copies, spread over nodes, replaced by canary. */
export interface ReplicatedGroup extends ServingGroup {
  readonly kind: "replicated";
  /** Copies, at least 1. */
  readonly count: number;
  readonly reschedule: ReschedulePolicy;
  readonly canary: CanaryPolicy;
}

/** Exactly one copy, ever: count, scaling bounds, canaries and spread are not the author's to choose. */
export interface SingletonGroup extends ServingGroup {
  readonly kind: "singleton";
  readonly reschedule: ReschedulePolicy;
  /** What servers and client do when they lose each other. Stated, never defaulted. */
  readonly disconnect: DisconnectPolicy;
}

/** One copy on every eligible node. */
export interface SystemGroup extends ServingGroup {
  readonly kind: "system";
  /** Nodes that are eligible: an update goes through them one after the other. */
  readonly nodes: number;
  readonly disconnect: DisconnectPolicy;
}

/**
 * Runs again and again, each time to its end, and never twice at once. A run that
 * fails is not moved to another node: the next one is due soon enough.
 */
export interface PeriodicGroup extends GroupBase {
  readonly kind: "periodic";
  /** Time from one run to the next, counted from midnight UTC. Divides an hour or a day. */
  readonly interval: Duration;
  readonly ports: readonly [];
  readonly services: readonly [];
}

/**
 * Like a periodic group, on every eligible node. To Nomad each task is a group of
 * its own: in one group, a task that fails would end those beside it.
 */
export interface SysbatchGroup extends Omit<PeriodicGroup, "kind" | "volume"> {
  readonly kind: "sysbatch";
  readonly volume?: undefined;
}

export type GroupSpec = ReplicatedGroup | SingletonGroup | SystemGroup | PeriodicGroup | SysbatchGroup;

/** Whether a group runs at times, each time to its end: no deployment, nobody who calls it. */
export function runsAtTimes(group: GroupSpec): group is PeriodicGroup | SysbatchGroup {
  return group.kind === "periodic" || group.kind === "sysbatch";
}

export interface Constraint {
  readonly attribute: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** A port of the group, always on the tailnet host network. */
export interface PortSpec {
  readonly label: string;
  /** Port inside the container. */
  readonly to: Port;
  /** Port on the node. Left out: Nomad chooses one from 20000 to 32000. */
  readonly static?: Port;
}

export interface ServiceSpec {
  readonly name: string;
  readonly port: string;
  readonly tags?: readonly string[];
  readonly check: Probe;
}

/** A health check: a request, how often, how long it may take. */
export class Probe {
  private constructor(readonly type: "http" | "tcp", readonly path: string | undefined, readonly interval: Duration, readonly timeout: Duration) {}
  /** Healthy while GET `path` answers 2xx. @param options.timeout must be shorter than the interval */
  static fromHttpGet(path: string, options: { readonly interval: Duration; readonly timeout: Duration }): Probe {
    return new Probe("http", path, options.interval, options.timeout);
  }
  /** Healthy while a connection is accepted: for servers that speak no HTTP. */
  static fromTcpConnect(options: { readonly interval: Duration; readonly timeout: Duration }): Probe {
    return new Probe("tcp", undefined, options.interval, options.timeout);
  }
}

/** Restarts on the same node. */
export interface RestartPolicy {
  readonly attempts: number;
  readonly interval: Duration;
  readonly delay: Duration;
  /** `delay`: go on for ever. `fail`: give up here, so that it is rescheduled. */
  readonly mode: "delay" | "fail";
}

/** Moves to another node after a failure; always without limit. */
export interface ReschedulePolicy {
  readonly delay: Duration;
  readonly delayFunction: "constant" | "exponential";
  /** Longest delay of an exponential one. */
  readonly maxDelay?: Duration;
}

export interface UpdatePolicy {
  /** How long an allocation must be healthy before it counts. */
  readonly minHealthyTime: Duration;
  /** How long an allocation may take to become healthy. */
  readonly healthyDeadline: Duration;
  /** How long a deployment may go without progress. Zero: the first allocation that does not become healthy fails it. */
  readonly progressDeadline: Duration;
  readonly autoRevert: boolean;
}

export interface CanaryPolicy {
  readonly count: number;
  readonly autoPromote: boolean;
}

export interface DisconnectPolicy {
  /** Start another copy while the node is away. */
  readonly replace: boolean;
  /** Which copy stays when the node comes back. */
  readonly reconcile: "keep_original" | "keep_replacement" | "best_score" | "longest_running";
  /**
   * How long a copy on an unreachable node counts as running. Left out: it is lost
   * as soon as its node is, and stopped when the node comes back.
   */
  readonly lostAfter?: Duration;
}

export interface TaskSpec {
  readonly name: string;
  /** Image reference by digest. */
  readonly image: string;
  /** How long its pull may take. @default 5 minutes, Nomad's own */
  readonly imagePullTimeout?: Duration;
  readonly entrypoint?: readonly string[];
  readonly command?: string;
  readonly args?: readonly string[];
  readonly ports?: readonly string[];
  /** User in the container. @default the image's own */
  readonly user?: "root";
  /** Literal environment. Never a secret. */
  readonly env?: Readonly<Record<string, string>>;
  readonly templates?: readonly TemplateSpec[];
  /** Vault role of the task's workload identity; a task without one reads no secret. */
  readonly vaultRole?: string;
  /** The task reads Consul (KV or services) through its workload identity. */
  readonly readsConsul?: boolean;
  /** The task calls Vault's API beyond its templates, with its own token (VAULT_TOKEN). */
  readonly callsVault?: boolean;
  /** The task calls Nomad's API, by the socket in its secrets folder, with its workload identity (NOMAD_TOKEN). */
  readonly callsNomad?: boolean;
  readonly resources: { readonly cpuMhz: number; readonly memory: Size; readonly memoryMax?: Size };
  readonly killSignal: "SIGTERM" | "SIGINT" | "SIGUSR1";
  readonly killTimeout: Duration;
  /** Runs beside the main task: before it, after it has started, or after it has ended, however it did. Not a sidecar: it ends. */
  readonly hook?: "prestart" | "poststart" | "poststop";
  readonly mount?: { readonly volume: string; readonly destination: string };
  /** Resolve names through the node's Consul agent on this address. */
  readonly dnsServer: string;
  /** Orphaned processes are reaped by an init as PID 1 above the command. */
  readonly init?: boolean;
}

export interface TemplateSpec {
  readonly data: string;
  readonly destination: string;
  /** Rendered lines become environment variables. */
  readonly asEnv?: boolean;
  /** File mode. @default "0644"; secrets use "0600" */
  readonly perms?: string;
}
