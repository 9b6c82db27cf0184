/** What each holder may read or write in Vault, as data: exact paths, no wildcard. */
import { SECRETS, secretPathsFor } from "../../contracts/secrets";
import { JOB_KEYS, JOBS, type JobName } from "../../contracts/services";
import { policyText } from "../access/policy-text";

export type VaultCapability = "create" | "read" | "update" | "patch" | "list";

/** A Vault policy; what no path grants is denied. */
export type VaultRules = {
  readonly path: Readonly<Record<string, { readonly capabilities: readonly VaultCapability[] }>>;
};

/** Jobs that read a secret; the others get no role, so that they cannot log in at all. */
export function jobsWithSecrets(): JobName[] {
  return JOB_KEYS.map((key) => JOBS[key]).filter((job) => secretPathsFor(job).length > 0);
}

/** What integrated storage answers with a snapshot of all that Vault holds, encrypted as Vault itself encrypts it. */
export const RAFT_SNAPSHOT_PATH = "sys/storage/raft/snapshot";

/** Read of the job's own paths, in their current version; for the backup, where the environment permits it, of Vault's snapshot. */
export function jobRules(mount: string, job: JobName, { raftSnapshots }: { readonly raftSnapshots: boolean }): VaultRules {
  const paths = [...secretPathsFor(job).map((path) => `${mount}/data/${path}`), ...(job === JOBS.backup && raftSnapshots ? [RAFT_SNAPSHOT_PATH] : [])];
  return { path: Object.fromEntries(paths.map((path) => [path, { capabilities: ["read"] as const }])) };
}

/**
 * Read and write of every secret of the catalog and of its version history.
 * Without delete: a secret that is gone stops the jobs that read it.
 */
export function operatorRules(mount: string): VaultRules {
  const paths = [...new Set(SECRETS.map((secret) => secret.path))];
  const folders = [...new Set(paths.map((path) => path.slice(0, path.lastIndexOf("/") + 1)))];
  return {
    path: {
      ...Object.fromEntries(paths.map((path) => [`${mount}/data/${path}`, { capabilities: ["create", "read", "update", "patch"] as const }])),
      ...Object.fromEntries(paths.map((path) => [`${mount}/metadata/${path}`, { capabilities: ["read"] as const }])),
      ...Object.fromEntries(folders.map((folder) => [`${mount}/metadata/${folder}`, { capabilities: ["list"] as const }])),
    },
  };
}

const LABELLED: ReadonlySet<string> = new Set(["path"]);

export function vaultPolicyText(rules: VaultRules): string {
  return policyText(rules, LABELLED);
}
