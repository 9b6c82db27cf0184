/** What the lab is like, as data, and what is not well about it. Pure: what was seen comes in, lines for people go out. */
import { describeBroken, type Broken } from "../break/ledger";
import { JOBS } from "../../../contracts/services";
import { evaluationCommand } from "../../deployment/dead";
import type { LeaseStatus } from "../../lease/assess";
import type { NomadAllocation, NomadJob, NomadNode, NomadServer } from "./nomad";

/** Something that could be asked, or why it could not. */
export type Seen<T> = { readonly value: T } | { readonly error: string };

export interface MachineStatus {
  readonly name: string;
  readonly address: string;
  readonly state: "running" | "paused" | "stopped" | "missing";
  /** How often the engine started it again by itself. */
  readonly restarts: number;
  readonly health: string | undefined;
}

export interface JobSeen {
  readonly id: string;
  /** Undefined when Nomad does not know it. */
  readonly job: NomadJob | undefined;
  readonly allocations: readonly NomadAllocation[];
}

export interface LabSeen {
  readonly machines: readonly MachineStatus[];
  readonly broken: readonly Broken[];
  readonly nomad: Seen<{ readonly servers: readonly NomadServer[]; readonly nodes: readonly NomadNode[]; readonly jobs: readonly JobSeen[] }>;
  readonly consul: Seen<{ readonly leader: string; readonly servers: readonly { readonly name: string; readonly healthy: boolean }[]; readonly failingAllocations: ReadonlySet<string> }>;
  readonly vault: Seen<{ readonly initialized: boolean; readonly sealed: boolean }>;
  /** The API through each node's gateway: what a client gets, whatever Nomad and Consul say. Empty until foundation is deployed. */
  readonly gateways: readonly { readonly node: string; readonly problem: string | undefined }[];
  /** Who may run the worker, and who does. */
  readonly lease: Seen<LeaseStatus>;
  /** How many there should be, which clients, and where the jobs are. */
  readonly expected: { readonly namespace: string; readonly nomadServers: number; readonly nodes: readonly string[]; readonly consulServers: number };
}

export interface AllocationStatus {
  readonly id: string;
  readonly node: string;
  readonly running: boolean;
  /** Running, and no check in Consul says otherwise. */
  readonly healthy: boolean;
  readonly restarts: number;
  readonly why: string;
}

export interface JobStatus {
  readonly id: string;
  readonly kind: string;
  readonly desired: number;
  readonly running: number;
  readonly healthy: number;
  readonly allocations: readonly AllocationStatus[];
  /** What is not well; undefined when all is. */
  readonly problem: string | undefined;
  /** Nodes on which the newest allocation of a system job has failed: Nomad does not place it again by itself. */
  readonly dead: readonly string[];
}

export interface LabStatus extends LabSeen {
  readonly jobs: readonly JobStatus[];
  /** Each with the command that helps. Empty when all is well. */
  readonly problems: readonly { readonly what: string; readonly help: string }[];
}

const UP = "npm run lab";
const GVFX = "npm run gvfx -- lab";
const LEASE = "GVFX_ENV=lab npm run gvfx -- lease status";

export function labStatus(seen: LabSeen): LabStatus {
  const failing = "value" in seen.consul ? seen.consul.value.failingAllocations : new Set<string>();
  if (seen.machines.every(({ state }) => state === "missing")) return { ...seen, jobs: [], problems: [{ what: "the lab is not up", help: UP }] };
  const jobs = "value" in seen.nomad ? seen.nomad.value.jobs.map((job) => jobStatus(job, failing, seen.expected.nodes.length)) : [];
  return { ...seen, jobs, problems: [...machineProblems(seen), ...consulProblems(seen), ...vaultProblems(seen), ...nomadProblems(seen), ...gatewayProblems(seen), ...leaseProblems(seen), ...jobs.flatMap((job) => (job.problem ? [{ what: `${job.id}: ${job.problem}`, help: jobHelp(job, seen) }] : []))] };
}

const NOT_DEPLOYED = "not deployed";

/** The guardian evaluates by itself; this is for when it does not run, or is refused. A node that is not well is said by itself, and gets its allocation when it is back. */
function jobHelp({ id, problem, dead }: JobStatus, { nomad, expected }: LabSeen): string {
  if (problem === NOT_DEPLOYED) return UP;
  const takesWork = (name: string) => "value" in nomad && nomad.value.nodes.some((node) => node.name === name && node.status === "ready" && node.eligible && !node.draining);
  return dead.some(takesWork) ? `eval "$(npm run -s gvfx -- lab open --env)" && ${evaluationCommand(expected.namespace, id)}` : `${GVFX} logs ${id}`;
}

/** A system job wants one allocation on each node; a job that runs now and then is well while Nomad has it. */
export function jobStatus({ id, job, allocations }: JobSeen, failing: ReadonlySet<string>, nodes: number): JobStatus {
  const none = { id, desired: 0, running: 0, healthy: 0, allocations: [], dead: [] };
  if (!job) return { ...none, kind: "", problem: NOT_DEPLOYED };
  if (job.stopped) return { ...none, kind: job.type, problem: "stopped" };
  if (job.periodic || job.type === "batch" || job.type === "sysbatch") return { ...none, kind: job.periodic ? "periodic" : job.type, problem: undefined };
  const current = (job.type === "system" ? newestOfNodes(allocations) : allocations).filter(({ desired }) => desired === "run");
  const wanted = current.map((allocation) => allocationStatus(allocation, failing));
  const desired = job.groups.reduce((sum, { count }) => sum + (job.type === "system" ? nodes : count), 0);
  const running = wanted.filter((it) => it.running).length;
  const healthy = wanted.filter((it) => it.healthy).length;
  // More than wanted is a deploy under way, with its canaries.
  const why = wanted.find((it) => !it.healthy)?.why ?? "no node takes it; see: nomad job status";
  const problem = healthy < desired ? `${healthy} of ${desired} healthy (${why})` : running > desired ? `${running} run where ${desired} should: a deploy is under way` : undefined;
  return { id, kind: job.type, desired, running, healthy, allocations: wanted, problem, dead: job.type === "system" ? current.filter(({ status }) => status === "failed").map(({ node }) => node) : [] };
}

/** A system job's allocation that failed and was replaced still says that it should run. */
function newestOfNodes(allocations: readonly NomadAllocation[]): NomadAllocation[] {
  return allocations.filter((it) => !allocations.some((other) => other.node === it.node && other.group === it.group && other.createdAt > it.createdAt));
}

function allocationStatus(allocation: NomadAllocation, failing: ReadonlySet<string>): AllocationStatus {
  const { id, node, status, tasks } = allocation;
  const main = tasks.filter(({ state, failed }) => state !== "dead" || failed);
  const running = status === "running" && main.length > 0 && main.every(({ state }) => state === "running");
  const troubled = main.find(({ state }) => state !== "running") ?? main[0];
  const why = !running ? `${status}${troubled?.lastEvent ? `, ${troubled.name}: ${troubled.lastEvent}` : ""}` : failing.has(id) ? "its health check fails" : "";
  return { id, node, running, healthy: running && !failing.has(id), restarts: tasks.reduce((sum, { restarts }) => sum + restarts, 0), why };
}

function machineProblems({ machines, broken }: LabSeen): LabStatus["problems"] {
  return machines.flatMap(({ name, state, health }) => {
    if (broken.some((entry) => entry.name === name)) return [];
    if (state === "missing") return [{ what: `${name} is not there`, help: UP }];
    if (state === "stopped") return [{ what: `${name} does not run`, help: `docker start gvfx-lab-${name}` }];
    if (state === "paused") return [{ what: `${name} is paused`, help: `docker unpause gvfx-lab-${name}` }];
    return health === "unhealthy" ? [{ what: `${name} fails its own check`, help: `${GVFX} logs ${name}` }] : [];
  }).concat(broken.map((entry) => ({ what: describeBroken(entry), help: `${GVFX} heal ${entry.group ?? entry.name}` })));
}

function consulProblems({ consul, expected }: LabSeen): LabStatus["problems"] {
  if ("error" in consul) return [{ what: `Consul: ${consul.error}`, help: `${GVFX} logs consul-1` }];
  const { leader, servers } = consul.value;
  if (!leader) return [{ what: "Consul has no leader", help: `${GVFX} logs consul-1` }];
  const healthy = servers.filter((server) => server.healthy);
  return healthy.length < expected.consulServers ? [{ what: `Consul: ${healthy.length} of ${expected.consulServers} servers are healthy`, help: `${GVFX} logs ${servers.find((server) => !server.healthy)?.name ?? "consul-1"}` }] : [];
}

function vaultProblems({ vault }: LabSeen): LabStatus["problems"] {
  if ("error" in vault) return [{ what: `OpenBao: ${vault.error}`, help: `${GVFX} logs openbao` }];
  if (!vault.value.initialized) return [{ what: "OpenBao is not initialised", help: UP }];
  return vault.value.sealed ? [{ what: "OpenBao is sealed", help: "docker restart gvfx-lab-openbao" }] : [];
}

function nomadProblems({ nomad, expected }: LabSeen): LabStatus["problems"] {
  if ("error" in nomad) return [{ what: `Nomad: ${nomad.error}`, help: nomad.error.includes("not deployed") ? UP : `${GVFX} logs server-1 --unit nomad` }];
  const { servers, nodes } = nomad.value;
  const alive = servers.filter((server) => server.alive);
  const wanted = nodes.filter(({ name }) => expected.nodes.includes(name));
  const down = wanted.filter(({ status, eligible, draining }) => status !== "ready" || !eligible || draining);
  // One that is down was switched on once, and Nomad forgets it after a day.
  const unwanted = nodes.filter(({ name, status }) => !expected.nodes.includes(name) && status === "ready");
  const absent = expected.nodes.filter((name) => !nodes.some((node) => node.name === name));
  return [
    ...(servers.some((server) => server.leader) ? [] : [{ what: "Nomad has no leader", help: `${GVFX} logs server-1 --unit nomad` }]),
    ...(alive.length < expected.nomadServers ? [{ what: `Nomad: ${alive.length} of ${expected.nomadServers} servers are alive`, help: `${GVFX} logs ${servers.find((server) => !server.alive)?.name ?? "witness"} --unit nomad` }] : []),
    ...down.map((node) => ({ what: `Nomad's client ${node.name} is ${node.status}${node.draining ? ", draining" : ""}${node.eligible ? "" : ", takes no new allocation"}`, help: node.status === "ready" ? `nomad node eligibility -enable (on ${node.name})` : `${GVFX} logs ${node.name} --unit nomad` })),
    ...absent.map((name) => ({ what: `Nomad's client ${name} has not registered`, help: `${GVFX} logs ${name} --unit nomad` })),
    ...unwanted.map(({ name }) => ({ what: `${name} runs a Nomad client, which only app nodes should: another file than foundation's is in its configuration`, help: `${GVFX} exec ${name} -- ls -l /etc/nomad.d` })),
  ];
}

function gatewayProblems({ gateways }: LabSeen): LabStatus["problems"] {
  return gateways.flatMap(({ node, problem }) => (problem ? [{ what: `the API through the gateway of ${node}: ${problem}`, help: `${GVFX} logs gvfx-gateway` }] : []));
}

/** Before a cutover the legacy worker may run without the lease, and Nomad's stands by: that is well. */
function leaseProblems({ consul, lease }: LabSeen): LabStatus["problems"] {
  // Said above already.
  if ("error" in consul || !consul.value.leader) return [];
  if ("error" in lease) return [{ what: `the worker's lease: ${lease.error}`, help: LEASE }];
  const { owner, well, mayRun, runs } = lease.value;
  if (owner === undefined) return [{ what: `the worker may be run by ${mayRun}`, help: UP }];
  if (well || (owner === "legacy" && lease.value.verdict === "nobody")) return [];
  return [{ what: `${JOBS.worker}: may be run by ${mayRun}; runs: ${runs}`, help: LEASE }];
}

/** Whether nothing at all is amiss. */
export function isWell({ problems }: Pick<LabStatus, "problems">): boolean {
  return problems.length === 0;
}
