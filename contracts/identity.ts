/**
 * Identities: the names under which jobs, nodes and people log in to Nomad, Vault
 * and Consul. Job specifications, agent configuration and policies agree on them
 * here, so that no stack asks another one for a name.
 */
import { allocationServiceName, CLUSTER_PORTS, GATEWAY_SERVICES, JOB_KEYS, JOBS, serviceName, type JobKey, type JobName } from "./services";

/** Role of the Vault JWT auth method, and Vault policy; each belongs to one job. */
export function vaultRole(namespace: string, job: JobName): string {
  return `${namespace}-${job}`;
}

/** Vault policy that may write every secret of the catalog; given to people by hand. */
export function vaultOperatorPolicy(namespace: string): string {
  return `${namespace}-secrets-operator`;
}

/** Consul ACL role (and policy) of a job. */
export function consulRole(namespace: string, job: JobName): string {
  return `nomad-${namespace}-${job}`;
}

/** Consul auth method that Nomad logs its workloads in with. `nomad-workloads` is what Nomad's agents use when they are told nothing. */
export function consulAuthMethod(namespace: string): string {
  return namespace === "gvfx" ? "nomad-workloads" : `nomad-workloads-${namespace}`;
}

/** Consul ACL policy of somebody who is no job: "cutover-operator", "legacy-lease". */
export function consulPolicy(namespace: string, holder: string): string {
  return `${namespace}-${holder}`;
}

/** Audiences of the workload identities, as the agents' configuration asks for them. */
export const VAULT_AUDIENCE = "vault.io";
export const CONSUL_AUDIENCE = "consul.io";

/** Who may do what in Nomad, each with an ACL policy, role and token. */
export const NOMAD_ROLES = ["deployer", "operator", "reader", "guardian"] as const;
export type NomadRole = (typeof NOMAD_ROLES)[number];

/** Nomad ACL policy, role and token of a holder. */
export function nomadRole(namespace: string, holder: NomadRole | "cutover-operator"): string {
  return `${namespace}-${holder}`;
}

/** Services under which Nomad's agents register themselves in Consul. */
export const NOMAD_SERVER_SERVICE = "nomad";
export const NOMAD_CLIENT_SERVICE = "nomad-client";

/**
 * Name of Nomad's HTTP API that resolves to every healthy server, so that it
 * outlives any one of them. The servers' certificates carry it.
 * @param domain DNS domain of Consul
 */
export function nomadApiName(domain: string): string {
  return `http.${NOMAD_SERVER_SERVICE}.service.${domain}`;
}

/** Where Vault and Consul fetch the keys that sign workload identities. */
export function nomadJwksUrl(domain: string): string {
  return `https://${nomadApiName(domain)}:${CLUSTER_PORTS.nomadHttp}/.well-known/jwks.json`;
}

const REGISTERED: Readonly<Record<JobKey, readonly string[]>> = {
  postgres: [serviceName("postgres")],
  objectstore: [serviceName("objectstore")],
  convex: [serviceName("convex"), serviceName("convex-site")],
  api: [allocationServiceName("api")],
  frontend: [allocationServiceName("frontend")],
  rlService: [allocationServiceName("rl-service")],
  worker: [serviceName("worker")],
  gateway: GATEWAY_SERVICES.map(serviceName),
  guardian: [serviceName("guardian")],
  backup: [],
  images: [],
};

/** Consul services that a job registers, and no other job may. */
export function servicesOf(job: JobName): readonly string[] {
  return REGISTERED[JOB_KEYS.find((key) => JOBS[key] === job)!];
}

/** Every Consul service that a job of the platform registers. */
export const PLATFORM_SERVICES: readonly string[] = Object.values(REGISTERED).flat();
