/**
 * What each holder may do in Consul, as data: exact names wherever a name is
 * known. The lease key is written by the worker and by the one legacy token; a
 * test walks every policy and proves it.
 */
import { NOMAD_CLIENT_SERVICE, NOMAD_SERVER_SERVICE, PLATFORM_SERVICES, servicesOf } from "../../contracts/identity";
import { kvPaths } from "../../contracts/kv";
import { JOB_KEYS, JOBS, type JobName } from "../../contracts/services";
import { policyText } from "../access/policy-text";

type Access = { readonly policy: "read" | "write" };
type Rules = Readonly<Record<string, Access>>;

/** A Consul ACL policy; what no rule grants is denied where the default policy is deny. */
export type ConsulRules = {
  readonly key?: Rules;
  readonly key_prefix?: Rules;
  readonly service?: Rules;
  readonly service_prefix?: Rules;
  readonly node?: Rules;
  readonly node_prefix?: Rules;
  readonly agent?: Rules;
  readonly session?: Rules;
};

const READ: Access = { policy: "read" };
const WRITE: Access = { policy: "write" };

function each(names: readonly string[], access: Access): Rules {
  return Object.fromEntries(names.map((name) => [name, access]));
}

/** Jobs that register a service; the others ask Consul for nothing and get no role, so that they cannot log in at all. */
export function jobsOfConsul(): JobName[] {
  return JOB_KEYS.map((key) => JOBS[key]).filter((job) => servicesOf(job).length > 0);
}

/** What decides a job's rights besides its name. */
export interface JobRulesOptions {
  /** Nodes on which a session of the lease may be made: those that the worker runs on. */
  readonly leaseNodes: readonly string[];
  /** A guardian that acts moves owner and traffic; one that advises reads them. */
  readonly guardianMode: "advise" | "act";
}

/** A job: registers its own services, and reads or writes the keys that are its business. */
export function jobRules(namespace: string, job: JobName, { leaseNodes, guardianMode }: JobRulesOptions): ConsulRules {
  const { workerOwner, workerLease, traffic, sections } = kvPaths(namespace);
  const service = each(servicesOf(job), WRITE);
  switch (job) {
    case JOBS.worker:
      return { service, key: { [workerOwner]: READ, [workerLease]: WRITE }, session: each(leaseNodes, WRITE) };
    case JOBS.gateway:
      return { service, key: each([traffic, sections], READ) };
    case JOBS.guardian:
      return { service, key: each([workerOwner, traffic], guardianMode === "act" ? WRITE : READ) };
    default:
      return { service };
  }
}

/**
 * The legacy worker's wrapper: the same lease, from outside Nomad.
 * @param leaseNodes nodes on which its session may be made
 */
export function legacyLeaseRules(namespace: string, leaseNodes: readonly string[]): ConsulRules {
  const { workerOwner, workerLease } = kvPaths(namespace);
  return { key: { [workerOwner]: READ, [workerLease]: WRITE }, session: each(leaseNodes, WRITE) };
}

/** Who runs a cutover: moves owner, traffic and sections by check-and-set, and records the evidence. Sees the lease and its session, never takes it. */
export function cutoverOperatorRules(namespace: string, nodes: readonly string[]): ConsulRules {
  const { workerOwner, workerLease, traffic, sections, evidence } = kvPaths(namespace);
  return { key: { ...each([workerOwner, traffic, sections], WRITE), [workerLease]: READ }, key_prefix: { [`${evidence}/`]: WRITE }, service: each(PLATFORM_SERVICES, READ), node: each(nodes, READ), session: each(nodes, READ) };
}

/** A node's Consul agent: writes its own node, and reads services to compare its own with the catalog's. */
export function consulAgentRules(node: string): ConsulRules {
  return { node: { [node]: WRITE }, service_prefix: { "": READ } };
}

/**
 * What a node's agent answers DNS with. A query carries no token, so every name
 * that anybody on the node may resolve has to be readable here, other projects'
 * included. It is a token of its own, for DNS alone: as the agent's default token
 * it would lend its rights to every HTTP request that brings none.
 */
export function dnsRules(): ConsulRules {
  return { node_prefix: { "": READ }, service_prefix: { "": READ } };
}

/**
 * A node's Nomad agent: asks its own Consul agent, and registers itself. A client
 * also writes the platform's services: allocations register with their own
 * identity, but Nomad deregisters with the agent's token (Consul refuses it with
 * read alone), and a service that stays would be sent traffic. Without
 * `acl = "write"`: with workload identity Nomad derives no tokens. Without the
 * other nodes: servers join by address.
 */
export function nomadAgentRules(node: string, runsAllocations: boolean): ConsulRules {
  return {
    agent: { [node]: READ },
    node: { [node]: READ },
    service: each([NOMAD_SERVER_SERVICE, ...(runsAllocations ? [NOMAD_CLIENT_SERVICE, ...PLATFORM_SERVICES] : [])], WRITE),
  };
}

/** Every rule of Consul's that is used here carries a name. */
const LABELLED: ReadonlySet<string> = new Set(["key", "key_prefix", "service", "service_prefix", "node", "node_prefix", "agent", "session"] satisfies (keyof ConsulRules)[]);

export function consulPolicyText(rules: ConsulRules): string {
  return policyText(rules, LABELLED);
}
