/** Names of the roles that a job's workload identity logs in to, per Nomad namespace. */
import type { JobName } from "./services";

/** Role of the Vault JWT auth method; each belongs to one job. */
export function vaultRole(namespace: string, job: JobName): string {
  return `${namespace}-${job}`;
}

/** Consul ACL role (and policy) of a job. */
export function consulRole(namespace: string, job: JobName): string {
  return `nomad-${namespace}-${job}`;
}
