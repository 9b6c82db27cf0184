/** What must not be destroyed by a plan that nobody read closely. */
import { JOBS } from "../../contracts/services";

export interface ProtectedResource {
  /** Terraform resource type. */
  readonly type: string;
  /** Nomad job id, for the type nomad_job. */
  readonly job?: string;
  /** Construct path, where only some resources of the type are meant. */
  readonly path?: RegExp;
  /** What its loss would mean. */
  readonly loss: string;
}

const PROTECTED_JOBS = {
  [JOBS.postgres]: "the database would be gone while it is replaced",
  [JOBS.objectstore]: "every file of Convex would be gone while it is replaced",
  [JOBS.convex]: "the app would have no backend while it is replaced",
  [JOBS.worker]: "destroy and create are not chained, so two workers would trade",
};

/** Each row is found in production's stacks by a test, so that a renamed construct does not slip out of the table. */
export const PROTECTED_RESOURCES: readonly ProtectedResource[] = [
  ...Object.entries(PROTECTED_JOBS).map(([job, loss]) => ({ type: "nomad_job", job, loss })),
  { type: "nomad_namespace", loss: "every job and variable in it would go with it" },
  { type: "vault_mount", loss: "every secret in it would go with it" },
  { type: "vault_jwt_auth_backend", loss: "the Vault tokens of every running task would go with it" },
  { type: "consul_acl_auth_method", loss: "the Consul tokens of every running allocation would go with it" },
  // Nodes and the witness have keys of their own, which are made anew without harm.
  { type: "tls_private_key", path: /\/ca-key(-\d+)?$/, loss: "every node would have to be given a new authority at once" },
  { type: "tls_self_signed_cert", loss: "every node would have to be given a new authority at once" },
  { type: "random_bytes", loss: "the servers' gossip key, or the way back in when every other token is lost, would go with it" },
  { type: "vultr_instance", loss: "the third voter would be gone until its successor has joined" },
  { type: "consul_keys", loss: "the switches that say who trades and where users land would go with it" },
];

/**
 * The row of the table that a resource falls under.
 * @param job Nomad job id, for a nomad_job
 */
export function protectedResource(type: string, path: string, job?: string): ProtectedResource | undefined {
  return PROTECTED_RESOURCES.find((row) => row.type === type && (row.job === undefined || row.job === job) && (row.path === undefined || row.path.test(path)));
}
