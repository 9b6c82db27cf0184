/** What a synthesized stack grants in Vault beyond the catalog: none when it is sound. */
import { secretPathsFor } from "../../contracts/secrets";
import { JOB_KEYS, JOBS, type JobName } from "../../contracts/services";
import { all, type Resources } from "../access/identities";
import { readPolicy } from "../access/policy-reader";

interface Expected {
  readonly namespace: string;
  readonly mount: string;
  /** Policy that is given to people and may therefore not be a job's. */
  readonly operatorPolicy: string;
}

export function vaultBreaches(resource: Resources, { namespace, mount, operatorPolicy }: Expected): string[] {
  const jobs = new Set<string>(JOB_KEYS.map((key) => JOBS[key]));
  const policies = new Map(Object.entries(resource.vault_policy).map(([id, policy]) => [`\${vault_policy.${id}.name}`, policy]));
  const breaches: string[] = [];
  const used = new Map<string, string>();
  const served = new Map<string, string>();

  for (const role of all(resource, "vault_jwt_auth_backend_role")) {
    const name = role.role_name as string;
    const claims = role.bound_claims as Record<string, string>;
    const job = claims.nomad_job_id;
    if (claims.nomad_namespace !== namespace) breaches.push(`role ${name} is not bound to namespace ${namespace}`);
    if (!jobs.has(job)) breaches.push(`role ${name} is bound to job ${job}, which is no job of the platform`);
    if (role.bound_claims_type !== "string") breaches.push(`role ${name} compares claims as ${String(role.bound_claims_type)}`);
    if (served.has(job)) breaches.push(`${job} has two roles, ${served.get(job)} and ${name}`);
    served.set(job, name);
    for (const reference of role.token_policies as string[]) {
      const policy = policies.get(reference);
      if (!policy) breaches.push(`role ${name} has policy ${reference}, which this stack does not make`);
      else if (policy.name === operatorPolicy) breaches.push(`role ${name} has the operator's policy`);
      else breaches.push(...pathBreaches(policy.policy as string, job as JobName, mount));
      if (used.has(reference)) breaches.push(`roles ${used.get(reference)} and ${name} share a policy`);
      used.set(reference, name);
    }
  }
  return breaches;
}

function pathBreaches(text: string, job: JobName, mount: string): string[] {
  const catalog = new Set(secretPathsFor(job).map((path) => `${mount}/data/${path}`));
  return readPolicy(text).flatMap(({ type, label, fields, blocks }) => [
    ...(type !== "path" || blocks.length > 0 ? [`${job}: ${type} is no plain path`] : []),
    ...(/[*+]/.test(label ?? "") ? [`${job}: ${label} has a wildcard`] : []),
    ...(catalog.has(label ?? "") ? [] : [`${job}: ${label} is not in the catalog for it`]),
    ...(JSON.stringify(fields) === '{"capabilities":["read"]}' ? [] : [`${job}: ${label} grants ${JSON.stringify(fields)}`]),
  ]);
}
