import { jobsWithSecrets } from "../../constructs/secrets/vault-rules";
import { vaultRole } from "../../contracts/identity";
import { secretPathsFor, SECRETS } from "../../contracts/secrets";
import { JOB_KEYS, JOBS } from "../../contracts/services";
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import { renderJob } from "../../constructs/nomad/render";
import { pinned } from "../jobs/worked-example";
import { all, named, production, staging, synthesize, type Resources } from "../access/identities";
import { labelled, readPolicy } from "../access/policy-reader";
import { vaultBreaches } from "./vault-breaches";

const { resource } = synthesize(production, "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n");
const EXPECTED = { namespace: "gvfx", mount: "gvfx", operatorPolicy: "gvfx-secrets-operator" };

test("one KV version 2 mount, which is not destroyed", () => {
  expect(all(resource, "vault_mount")).toHaveLength(1);
  expect(named(resource, "vault_mount", "gvfx", "path")).toMatchObject({ type: "kv", options: { version: "2" }, lifecycle: { prevent_destroy: true } });
  expect(named(synthesize({ ...production, protect: false }).resource, "vault_mount", "gvfx", "path").lifecycle).toEqual({ prevent_destroy: false });
});

test("the login fetches keys by the name of every healthy server, trusts Nomad's authority, and has no default role", () => {
  const login = named(resource, "vault_jwt_auth_backend", "jwt-nomad", "path");
  expect(login).toMatchObject({
    type: "jwt",
    jwks_url: "https://http.nomad.service.consul:4646/.well-known/jwks.json",
    jwks_ca_pem: expect.stringContaining("BEGIN CERTIFICATE"),
    jwt_supported_algs: ["RS256", "EdDSA"],
    lifecycle: { prevent_destroy: true },
    depends_on: ["terraform_data.ready"],
  });
  expect(login).not.toHaveProperty("default_role");
  expect(named(synthesize(production).resource, "vault_jwt_auth_backend", "jwt-nomad", "path")).not.toHaveProperty("jwks_ca_pem");
});

test("a role for each job that reads secrets, and for no other", () => {
  const roles = all(resource, "vault_jwt_auth_backend_role").map((role) => (role.bound_claims as { nomad_job_id: string }).nomad_job_id);
  expect(roles.sort()).toEqual(jobsWithSecrets().sort());
  expect(roles).not.toContain(JOBS.gateway);
  expect(roles).not.toContain(JOBS.rlService);
});

test.each(jobsWithSecrets())("the role of %s", (job) => {
  expect(named(resource, "vault_jwt_auth_backend_role", `gvfx-${job}`, "role_name")).toMatchObject({
    role_type: "jwt",
    bound_audiences: ["vault.io"],
    bound_claims: { nomad_namespace: "gvfx", nomad_job_id: job },
    bound_claims_type: "string",
    user_claim: "/nomad_job_id",
    user_claim_json_pointer: true,
    claim_mappings: { nomad_namespace: "nomad_namespace", nomad_job_id: "nomad_job_id", nomad_task: "nomad_task" },
    token_type: "service",
    token_period: 1800,
  });
  const policy = readPolicy(named(resource, "vault_policy", `gvfx-${job}`).policy as string);
  expect(labelled(policy, "path", "capabilities")).toEqual(Object.fromEntries(secretPathsFor(job).map((path) => [`gvfx/data/${path}`, ["read"]])));
});

test.each(JOB_KEYS)("the tasks of %s name the role of their own job, and read what it grants", (key) => {
  const job = renderJob(JOB_BUILDERS[key](production, pinned));
  const roles = job.TaskGroups[0].Tasks.flatMap((task) => (task.Vault ? [task.Vault.Role] : []));
  expect(new Set(roles)).toEqual(new Set(roles.length > 0 ? [vaultRole("gvfx", JOBS[key])] : []));
  const read = [...JSON.stringify(job).matchAll(/with secret \\+"([^"\\]+)\\+"/g)].map(([, path]) => path);
  expect(read.length > 0).toBe(jobsWithSecrets().includes(JOBS[key]));
  expect(secretPathsFor(JOBS[key]).map((path) => `gvfx/data/${path}`)).toEqual(expect.arrayContaining(read));
});

describe("nothing beyond the catalog", () => {
  test("as it is, in production and in staging", () => {
    expect(vaultBreaches(resource, EXPECTED)).toEqual([]);
    expect(vaultBreaches(synthesize(staging).resource, { namespace: "gvfx-staging", mount: "gvfx-staging", operatorPolicy: "gvfx-staging-secrets-operator" })).toEqual([]);
  });

  const role = (r: Resources, job: string) => named(r, "vault_jwt_auth_backend_role", `gvfx-${job}`, "role_name");
  const policy = (r: Resources, job: string) => named(r, "vault_policy", `gvfx-${job}`);

  test.each<[string, (r: Resources) => void, RegExp]>([
    ["a wildcard", (r) => (policy(r, JOBS.api).policy = 'path "gvfx/data/app/*" {\n  capabilities = ["read"]\n}\n'), /app\/\* has a wildcard/],
    ["another job's path", (r) => (policy(r, JOBS.frontend).policy = 'path "gvfx/data/app/trading" {\n  capabilities = ["read"]\n}\n'), /gvfx-frontend: gvfx\/data\/app\/trading is not in the catalog/],
    ["a write", (r) => (policy(r, JOBS.api).policy = 'path "gvfx/data/app/trading" {\n  capabilities = ["read", "update"]\n}\n'), /grants .*update/],
    ["a role that two jobs share", (r) => ((role(r, JOBS.frontend).bound_claims as Record<string, string>).nomad_job_id = JOBS.api), /gvfx-api has two roles/],
    ["a policy that two roles share", (r) => (role(r, JOBS.frontend).token_policies = role(r, JOBS.api).token_policies), /share a policy/],
    ["the operator's policy on a job", (r) => ((role(r, JOBS.api).token_policies as string[]).push(operatorReference(r))), /operator's policy/],
    ["claims compared as globs", (r) => (role(r, JOBS.api).bound_claims_type = "glob"), /compares claims as glob/],
    ["a role for the whole namespace", (r) => delete (role(r, JOBS.api).bound_claims as Record<string, string>).nomad_job_id, /no job of the platform/],
    ["a role for every namespace", (r) => delete (role(r, JOBS.api).bound_claims as Record<string, string>).nomad_namespace, /not bound to namespace/],
  ])("planted: %s", (_, plant, breach) => {
    const planted = structuredClone(resource);
    plant(planted);
    expect(vaultBreaches(planted, EXPECTED).join("\n")).toMatch(breach);
  });
});

test("the operator's policy writes every secret of the catalog by its exact path, deletes none, and is bound to nothing", () => {
  const policy = labelled(readPolicy(named(resource, "vault_policy", "gvfx-secrets-operator").policy as string), "path", "capabilities");
  for (const { path } of SECRETS) {
    expect(policy[`gvfx/data/${path}`]).toEqual(["create", "read", "update", "patch"]);
    expect(policy[`gvfx/metadata/${path}`]).toEqual(["read"]);
  }
  expect(Object.keys(policy).filter((path) => /[*+]/.test(path))).toEqual([]);
  expect(Object.values(policy).flat()).not.toContain("delete");
  expect(JSON.stringify(resource.vault_jwt_auth_backend_role)).not.toContain(operatorReference(resource).slice(2, -1));
});

test("another environment on the same Vault shares no mount, login or policy", () => {
  const names = (r: Resources) => [...all(r, "vault_policy").map((p) => p.name), ...all(r, "vault_mount").map((m) => m.path), ...all(r, "vault_jwt_auth_backend").map((b) => b.path)];
  const other = new Set(names(synthesize(staging).resource));
  expect(names(resource).filter((name) => other.has(name))).toEqual([]);
});

function operatorReference(r: Resources): string {
  const [id] = Object.entries(r.vault_policy).find(([, policy]) => policy.name === "gvfx-secrets-operator")!;
  return `\${vault_policy.${id}.name}`;
}
