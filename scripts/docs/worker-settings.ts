/** Every value that decides whether the worker is one and how long it is away: what it is, where it is set and why it is so. */
import { MAX_KILL_TIMEOUT } from "../../contracts/singleton";
import { Duration } from "../../contracts/units";
import { workerJob } from "../../constructs/jobs/worker";
import { renderJob } from "../../constructs/nomad/render";
import type { ApiGroup } from "../../constructs/nomad/api";
import { UNPINNED_IMAGES } from "../../contracts/images";
import type { Environment } from "../../environments/schema";

export interface SettingRow {
  readonly name: string;
  /** File in which it is set. */
  readonly where: string;
  readonly why: string;
  value(env: Environment): string;
}

const lease = (name: Exclude<keyof Environment["lease"], "fallback">, why: string): SettingRow => ({ name: `lease.${name}`, where: "environments/", why, value: (env) => `${env.lease[name]}` });
const nomad = (name: "minHeartbeatTtl" | "heartbeatGrace" | "failoverHeartbeatTtl" | "rpcKeepAliveInterval" | "rpcConnectionWriteTimeout", why: string): SettingRow => ({ name: `nomad.${name}`, where: "environments/", why, value: (env) => `${env.nomad[name]}` });
const group = (env: Environment): ApiGroup => renderJob(workerJob(env, UNPINNED_IMAGES)).TaskGroups[0];
const job = (name: string, why: string, value: (group: ApiGroup, env: Environment) => string): SettingRow => ({ name, where: "constructs/jobs/worker.ts", why, value: (env) => value(group(env), env) });
const ns = (nanoseconds: number | undefined): string => `${Duration.ms((nanoseconds ?? 0) / 1e6)}`;

export const SETTINGS: readonly SettingRow[] = [
  lease("ttl", "the least that Consul takes: everything else is counted from it"),
  lease("lockDelay", "after a session that was ended early, nobody takes the lock before the old worker is dead; a lease that is given back is free at once"),
  lease("renewEvery", "several tries before the worker is asked to end; a standby sees within it that the lease is free"),
  lease("requestTimeout", "over all endpoints: the agent is asked first, and a server beside it when it is slow"),
  lease("terminateAfter", "from here on the worker is asked to end: longer than any cut that Nomad bears"),
  lease("killAfter", "from here on it is killed with all that it started"),
  lease("deadAfter", "and all of it is seen dead"),
  lease("stopGrace", "for the worker's own end after an ordered stop. The app ends at once, so this is never waited for"),
  { name: "lease.fallback", where: "environments/", why: "the worker outlives its node's Consul agent: the servers are asked instead", value: ({ lease: { fallback } }) => (fallback.enabled ? "Consul's servers" : `none: ${fallback.reason}`) },
  { name: "Consul session", where: "runtime/worker-lease/consul.mjs", why: "no health checks: with the default one gossip ends the session at will (measured: after 7 s, although renewals came)", value: () => "NodeChecks [], behaviour release" },
  { name: "Consul agents", where: "constructs/cluster/consul-agent.ts", why: "an agent that leaves ends its node's sessions within seconds (measured)", value: () => "leave_on_terminate false, skip_leave_on_interrupt true" },
  nomad("minHeartbeatTtl", "a node's heartbeat is due after this to twice this"),
  nomad("heartbeatGrace", "a node is lost so long after a heartbeat that was due; long enough for a client to reach another server when its own falls silent"),
  nomad("failoverHeartbeatTtl", "what a new leader gives every node: longer than a client may wait to try again, short enough for the promised gap; five minutes by default"),
  nomad("rpcKeepAliveInterval", "with the next one: a server that falls silent is noticed within both together, by default after 40 s. HashiCorp advises the default; with it healthy nodes were down for 9 to 75 s when a leader fell silent, in 7 of 7 trials (measured)"),
  nomad("rpcConnectionWriteTimeout", "Raft's own lease is 0.5 s: a network that stalls for longer than this has lost its leader anyway"),
  job("restart", "started again at once, since the lease keeps it single; then it is the node's trouble or the version's: it moves, and a deployment goes back within seconds", ({ RestartPolicy: r }) => `${r.Attempts} in ${ns(r.Interval)}, after ${ns(r.Delay)}, then ${r.Mode}`),
  job("reschedule", "no fault may leave the worker down once it is gone; Nomad takes no less than 5 s", ({ ReschedulePolicy: r }) => `${r?.Unlimited ? "without limit" : "limited"}, ${r?.DelayFunction}, ${ns(r?.Delay)}`),
  job("disconnect", "replaced as soon as its node is lost, since the replacement only stands by; no stop_on_client_after and no lost_after: both measured worse, the first stopped a healthy worker for good", ({ Disconnect: d }) => `replace ${d?.Replace}, ${d?.Reconcile}`),
  job("migrate", "a drain moves it at once; the next one waits for the end of this one, and for the lease", ({ Migrate: m }) => `${m?.MaxParallel} at a time`),
  job("scaling", "`job scale` and a registration with count 2 are refused by Nomad", ({ Scaling: s }) => `${s?.Min} to ${s?.Max}`),
  job("update", "no canary: it would stand by, and prove nothing", ({ Update: u }) => `canary ${u?.Canary}, auto-revert ${u?.AutoRevert}`),
  job("shutdown delay", "nobody calls the worker, so nobody has to learn that it goes; it runs on meanwhile. Nomad warns at 0", ({ ShutdownDelay }) => ns(ShutdownDelay)),
  job("kill timeout", "the worker's own end, the kill of what is left, and two requests that give the lease back (inequality `kill-timeout`)", ({ Tasks: [task] }) => ns(task.KillTimeout)),
  job("init", "reaps what the worker leaves behind; when the lease program is killed, the init ends, and the kernel with it everything in the container", ({ Tasks: [task] }) => `${task.Config.init}`),
  { name: "max_kill_timeout", where: "constructs/cluster/nomad-agent.ts", why: "clients cut a longer kill timeout down without a word; 30 s by default", value: () => `${MAX_KILL_TIMEOUT}` },
  { name: "priority", where: "constructs/jobs/worker.ts", why: "the first to be placed when room is short", value: (env) => `${workerJob(env, UNPINNED_IMAGES).priority}` },
  { name: "preemption", where: "constructs/access/nomad-access.ts", why: "a preempted allocation has no follower that waits for it", value: () => "off everywhere" },
];
