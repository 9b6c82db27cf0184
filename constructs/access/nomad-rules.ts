/** What each holder may do in Nomad, as data: exact names wherever a name is known. */
import { BACKUP_STATUS_VARIABLE } from "../../contracts/backup";
import { CUTOVER_VARIABLES, GUARDIAN_LEDGER, MARKET_VARIABLE, TUNED_SERVICES, tuningVariable, variablesFor } from "../../contracts/variables";
import { hostVolume, VOLUME_JOBS } from "../../contracts/volumes";
import type { AppService } from "../../contracts/services";
import { policyText } from "./policy-text";

/** The fine-grained capabilities that the platform grants, of the many that Nomad has. */
export type NamespaceCapability =
  | "list-jobs" | "read-job" | "plan-job" | "register-job" | "deregister-job" | "purge-job" | "revert-job" | "evaluate-job"
  | "fail-deployment" | "pause-deployment" | "promote-deployment"
  | "read-logs" | "read-fs" | "alloc-exec" | "alloc-lifecycle";
export type VariableCapability = "list" | "read" | "write" | "destroy";

/** A Nomad ACL policy; what no rule grants is denied. */
export type NomadRules = {
  readonly namespace: Readonly<Record<string, {
    readonly capabilities?: readonly NamespaceCapability[];
    readonly variables?: { readonly path: Readonly<Record<string, { readonly capabilities: readonly VariableCapability[] }>> };
  }>>;
  readonly host_volume?: Readonly<Record<string, { readonly capabilities: readonly ["mount-readwrite"] }>>;
  readonly node?: { readonly policy: "read" | "write" };
  readonly agent?: { readonly policy: "read" };
  readonly operator?: { readonly policy?: "read"; readonly capabilities?: readonly ["snapshot-save"] };
};

const READ: readonly NamespaceCapability[] = ["list-jobs", "read-job"];
/** A plan of Terraform refreshes jobs (read-job) and asks the scheduler what would happen (plan-job); it submits nothing. */
const PLAN: readonly NamespaceCapability[] = [...READ, "plan-job"];
/**
 * Destroying purges: a job that is only stopped stays, and holds its namespace. Without submit-job, which would also
 * revert and dispatch, and without scale-job: a count changed by hand is drift that no plan shows.
 */
const DEPLOY: readonly NamespaceCapability[] = [...PLAN, "register-job", "deregister-job", "purge-job"];

const CATALOG_VARIABLES = [MARKET_VARIABLE, ...TUNED_SERVICES.map(tuningVariable)];
/** Every entry below the ledger's folder. */
const LEDGER = `${CUTOVER_VARIABLES}/*`;

/** `cdktf deploy data-plane`, `app` and the job of `cutover`: jobs, their host volumes, the catalog's variables. */
export function deployerRules(namespace: string): NomadRules {
  return {
    namespace: { [namespace]: { capabilities: DEPLOY, variables: paths(CATALOG_VARIABLES, ["read", "write", "destroy"]) } },
    // Registering a job that mounts a volume asks for this, besides register-job.
    host_volume: Object.fromEntries(VOLUME_JOBS.map((job) => [hostVolume(job), { capabilities: ["mount-readwrite"] }])),
  };
}

/**
 * Day two: everything of a deployer, and drain, logs, exec, restart, deployments,
 * snapshots. Reads the ledger of a cutover; writes it only as cutover operator.
 */
export function operatorRules(namespace: string): NomadRules {
  const deployer = deployerRules(namespace);
  return {
    ...deployer,
    namespace: {
      [namespace]: {
        capabilities: [...DEPLOY, "revert-job", "evaluate-job", "fail-deployment", "pause-deployment", "promote-deployment", "read-logs", "read-fs", "alloc-exec", "alloc-lifecycle"],
        variables: { path: { ...paths(CATALOG_VARIABLES, ["read", "write", "destroy"]).path, ...paths([LEDGER, BACKUP_STATUS_VARIABLE], ["read"]).path } },
      },
    },
    node: { policy: "write" },
    agent: { policy: "read" },
    operator: { policy: "read", capabilities: ["snapshot-save"] },
  };
}

/** `cdktf diff` in pull requests, and looking on: no log, no file, nothing written. */
export function readerRules(namespace: string): NomadRules {
  return {
    namespace: { [namespace]: { capabilities: PLAN, variables: paths([...CATALOG_VARIABLES, LEDGER, BACKUP_STATUS_VARIABLE], ["read"]) } },
    node: { policy: "read" },
  };
}

/** The cutover's guardian sees jobs and allocations, and writes its verdicts to the ledger. It acts through Consul keys alone. */
export function guardianRules(namespace: string): NomadRules {
  return { namespace: { [namespace]: { capabilities: READ, variables: paths([LEDGER], ["read", "write"]) } } };
}

/** Who runs a cutover: preflight, smoke, the ledger. Without destroy: what the ledger says is never taken back. */
export function cutoverOperatorRules(namespace: string): NomadRules {
  return {
    namespace: { [namespace]: { capabilities: [...READ, "read-logs"], variables: { path: { ...paths(CATALOG_VARIABLES, ["read"]).path, ...paths([LEDGER], ["read", "write"]).path } } } },
    node: { policy: "read" },
  };
}

/**
 * The guardian's job adds to its own part of the ledger, and reads it back where a write was in doubt. Without destroy. It watches how old the newest backup is.
 *
 * A system job's failed allocation it brings back: `read-job` shows job and allocations, `evaluate-job` has the scheduler look at the job
 * again, and changes no job. The namespace has no finer unit than itself. Reading nodes is needed, since a failed allocation does not say
 * whether its node is there: a node's loss leaves it as it is (docs/decisions/0011-system-jobs.md).
 */
export function guardianJobRules(namespace: string): NomadRules {
  return { namespace: { [namespace]: { capabilities: ["read-job", "evaluate-job"], variables: { path: { ...paths([`${GUARDIAN_LEDGER}/*`], ["read", "write"]).path, ...paths([BACKUP_STATUS_VARIABLE], ["read"]).path } } } }, node: { policy: "read" } };
}

/** The backup's job writes the outcome of its runs, and takes the snapshot of Nomad's own state that each backup holds. */
export function backupJobRules(namespace: string): NomadRules {
  return { namespace: { [namespace]: { variables: paths([BACKUP_STATUS_VARIABLE], ["read", "write"]) } }, operator: { capabilities: ["snapshot-save"] } };
}

/** What the tasks of a service's job read besides their own `nomad/jobs/<job>`. */
export function variableReaderRules(namespace: string, service: AppService): NomadRules {
  return { namespace: { [namespace]: { variables: paths(variablesFor(service), ["read"]) } } };
}

const LABELLED: ReadonlySet<string> = new Set(["namespace", "host_volume", "path"]);

export function nomadPolicyText(rules: NomadRules): string {
  return policyText(rules, LABELLED);
}

function paths(of: readonly string[], capabilities: readonly VariableCapability[]): { readonly path: Record<string, { readonly capabilities: readonly VariableCapability[] }> } {
  return { path: Object.fromEntries(of.map((path) => [path, { capabilities }])) };
}
