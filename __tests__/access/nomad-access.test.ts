import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import { renderJob } from "../../constructs/nomad/render";
import { cutoverOperatorRules, deployerRules, guardianJobRules, nomadPolicyText, type NomadRules } from "../../constructs/access/nomad-rules";
import { NOMAD_ROLES } from "../../contracts/identity";
import { APP_SERVICE_JOB, APP_SERVICES, JOB_KEYS } from "../../contracts/services";
import { pinned } from "../jobs/worked-example";
import { all, named, production, staging, synthesize } from "./identities";
import { labelled, only, readPolicy, type PolicyBlock } from "./policy-reader";

const { resource, text } = synthesize(production);
const rules = (name: string) => readPolicy(named(resource, "nomad_acl_policy", name).rules_hcl as string);
const namespaceOf = (blocks: readonly PolicyBlock[]) => only(blocks, "namespace");
const capabilities = (name: string) => namespaceOf(rules(name)).fields.capabilities as string[];
const variables = (blocks: readonly PolicyBlock[]) => labelled(only(namespaceOf(blocks).blocks, "variables").blocks, "path", "capabilities");

describe("namespace and scheduler", () => {
  test("the namespace admits containers only and is not destroyed", () => {
    expect(named(resource, "nomad_namespace", "gvfx")).toMatchObject({ capabilities: { enabled_task_drivers: ["docker"] }, lifecycle: { prevent_destroy: true } });
  });

  test("the lab may destroy it", () => {
    const lab = synthesize({ ...production, protect: false });
    expect(named(lab.resource, "nomad_namespace", "gvfx").lifecycle).toEqual({ prevent_destroy: false });
  });

  test("no scheduler preempts: a preempted worker would run beside its replacement", () => {
    const [scheduler, ...more] = all(resource, "nomad_scheduler_config");
    expect(more).toEqual([]);
    expect(scheduler.preemption_config).toEqual({ service_scheduler_enabled: false, batch_scheduler_enabled: false, system_scheduler_enabled: false, sysbatch_scheduler_enabled: false });
    expect(scheduler).toMatchObject({ memory_oversubscription_enabled: true, scheduler_algorithm: "spread" });
  });

  test("everything that Nomad is asked for waits until it can be asked", () => {
    for (const type of ["nomad_namespace", "nomad_scheduler_config"]) for (const r of all(resource, type)) expect(r.depends_on).toEqual(["terraform_data.ready"]);
    for (const policy of all(resource, "nomad_acl_policy")) expect(policy.depends_on).toHaveLength(1);
  });
});

describe("holders", () => {
  test.each(NOMAD_ROLES)("%s has one policy, one role and one client token without expiry", (role) => {
    const name = `gvfx-${role}`;
    named(resource, "nomad_acl_policy", name);
    expect(named(resource, "nomad_acl_role", name).policy).toEqual([{ name: expect.stringMatching(/^\$\{nomad_acl_policy\.access_policy-/) }]);
    const token = named(resource, "nomad_acl_token", name);
    expect(token).toMatchObject({ type: "client", role: [{ id: expect.stringMatching(/^\$\{nomad_acl_role\.access_role-/) }] });
    expect(Object.keys(token)).not.toContain("expiration_ttl");
    expect(Object.keys(token)).not.toContain("policies");
  });

  test("no token but theirs", () => {
    expect(all(resource, "nomad_acl_token")).toHaveLength(NOMAD_ROLES.length);
  });

  test("the deployer submits jobs and writes the catalog's variables, and nothing else", () => {
    expect(capabilities("gvfx-deployer")).toEqual(["list-jobs", "read-job", "plan-job", "register-job", "deregister-job", "purge-job"]);
    expect(variables(rules("gvfx-deployer"))).toEqual(
      Object.fromEntries(["gvfx/market", ...APP_SERVICES.map((service) => `gvfx/tuning/${service}`)].map((path) => [path, ["read", "write", "destroy"]])),
    );
    expect(new Set(rules("gvfx-deployer").map((block) => block.type))).toEqual(new Set(["namespace", "host_volume"]));
  });

  test("the deployer may mount exactly the host volumes that jobs mount", () => {
    const mounted = JOB_KEYS.flatMap((key) => Object.values(renderJob(JOB_BUILDERS[key](production, pinned)).TaskGroups[0].Volumes ?? {}).map((volume) => volume.Source));
    expect(Object.keys(labelled(rules("gvfx-deployer"), "host_volume", "capabilities")).sort()).toEqual(mounted.sort());
  });

  test("the operator also drains, reads logs, executes and restarts, and only reads the ledger and how the backup went", () => {
    expect(capabilities("gvfx-operator")).toEqual(expect.arrayContaining([...capabilities("gvfx-deployer"), "alloc-exec", "alloc-lifecycle", "read-logs", "read-fs", "revert-job"]));
    expect(only(rules("gvfx-operator"), "node").fields).toEqual({ policy: "write" });
    expect(only(rules("gvfx-operator"), "operator").fields).toEqual({ policy: "read", capabilities: ["snapshot-save"] });
    expect(variables(rules("gvfx-operator"))).toEqual({ ...variables(rules("gvfx-deployer")), "gvfx/cutover/*": ["read"], "gvfx/backup/status": ["read"] });
  });

  test("the guardian reads jobs and writes the ledger alone", () => {
    expect(rules("gvfx-guardian")).toHaveLength(1);
    expect(capabilities("gvfx-guardian")).toEqual(["list-jobs", "read-job"]);
    expect(variables(rules("gvfx-guardian"))).toEqual({ "gvfx/cutover/*": ["read", "write"] });
  });

  test("the guardian's job writes its own ledger, evaluates jobs and changes none: that and what it must read, bound to the job", () => {
    const policy = named(resource, "nomad_acl_policy", "gvfx-ledger-guardian");
    expect(policy.job_acl).toEqual({ namespace: "gvfx", job_id: "gvfx-guardian" });
    const granted = rules("gvfx-ledger-guardian");
    expect(capabilities("gvfx-ledger-guardian")).toEqual(["read-job", "evaluate-job"]);
    expect(variables(granted)).toEqual({ "gvfx/cutover/guardian/*": ["read", "write"], "gvfx/backup/status": ["read"] });
    expect(only(granted, "node").fields).toEqual({ policy: "read" });
    expect(new Set(granted.map(({ type }) => type))).toEqual(new Set(["namespace", "node"]));
    expect(writes(granted)).toEqual(["evaluate-job", "write gvfx/cutover/guardian/*"]);
  });

  test.each<[string, NomadRules, string]>([
    ["submitting jobs", { namespace: { gvfx: { capabilities: ["read-job", "evaluate-job", "register-job"] } } }, "register-job"],
    ["draining nodes", { ...guardianJobRules("gvfx"), node: { policy: "write" } }, 'policy "write"'],
  ])("planted: the guardian's job with %s", (_, planted, finding) => {
    expect(writes(readPolicy(nomadPolicyText(planted)))).toContain(finding);
  });

  test("the cutover operator writes the ledger, never takes an entry back, and submits no job", () => {
    const cutover = readPolicy(nomadPolicyText(cutoverOperatorRules("gvfx")));
    expect(variables(cutover)["gvfx/cutover/*"]).toEqual(["read", "write"]);
    expect(writes(cutover)).toEqual(["write gvfx/cutover/*"]);
  });
});

describe("the reader writes nothing", () => {
  test("as it is", () => {
    expect(capabilities("gvfx-reader")).toEqual(["list-jobs", "read-job", "plan-job"]);
    expect(writes(rules("gvfx-reader"))).toEqual([]);
  });

  test.each([
    ["a capability that submits", 'namespace "gvfx" {\n  capabilities = ["read-job", "register-job"]\n}\n', "register-job"],
    ["a shorthand", 'namespace "gvfx" {\n  policy = "write"\n}\n', 'policy "write"'],
    ["a variable", 'namespace "gvfx" {\n  variables {\n    path "gvfx/market" {\n      capabilities = ["write"]\n    }\n  }\n}\n', "write gvfx/market"],
    ["a node", 'node {\n  policy = "write"\n}\n', 'policy "write"'],
  ])("planted: %s", (_, policy, finding) => {
    expect(writes(readPolicy(policy))).toEqual([finding]);
  });
});

describe("variables of jobs", () => {
  test.each(APP_SERVICES)("%s reads its own variables and no other service's", (service) => {
    const policy = named(resource, "nomad_acl_policy", `gvfx-variables-${service}`);
    expect(policy.job_acl).toEqual({ namespace: "gvfx", job_id: APP_SERVICE_JOB[service] });
    const read = service === "rl-service" ? {} : { "gvfx/market": ["read"] };
    expect(variables(readPolicy(policy.rules_hcl as string))).toEqual({ ...read, [`gvfx/tuning/${service}`]: ["read"] });
  });

  test.each(JOB_KEYS)("the templates of %s read only what its policy grants", (key) => {
    const job = renderJob(JOB_BUILDERS[key](production, pinned));
    const used = [...JSON.stringify(job).matchAll(/nomadVar \\+"([^"\\]+)\\+"/g)].map(([, path]) => path);
    const policy = all(resource, "nomad_acl_policy").find((p) => (p.job_acl as { job_id?: string } | undefined)?.job_id === job.ID);
    const granted = policy ? Object.keys(variables(readPolicy(policy.rules_hcl as string))) : [];
    expect(used.length > 0).toBe(Object.values<string>(APP_SERVICE_JOB).includes(job.ID));
    expect(granted).toEqual(expect.arrayContaining(used));
  });
});

test("no policy reaches outside the namespace, and none but the ledger's uses a wildcard", () => {
  expect(reaches(all(resource, "nomad_acl_policy").map((p) => p.rules_hcl as string), "gvfx")).toEqual([]);
  expect(reaches([nomadPolicyText(deployerRules("*"))], "gvfx")).not.toEqual([]);
  expect(reaches([nomadPolicyText({ ...deployerRules("gvfx"), host_volume: { "*": { capabilities: ["mount-readwrite"] } } })], "gvfx")).toEqual(['host_volume "*"']);
});

test("another environment on the same tailnet shares no name", () => {
  const names = (r: typeof resource) => ["nomad_namespace", "nomad_acl_policy", "nomad_acl_role", "nomad_acl_token"].flatMap((type) => all(r, type).map((x) => x.name));
  const other = new Set(names(synthesize(staging).resource));
  expect(names(resource).filter((name) => other.has(name))).toEqual([]);
});

test("synth is the same every time and holds no secret id", () => {
  expect(synthesize(production).text).toBe(text);
  expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/);
});

/** Everything in a policy that changes something. */
function writes(blocks: readonly PolicyBlock[]): string[] {
  const harmless = new Set(["list-jobs", "read-job", "plan-job", "read-logs", "read-fs", "read", "list"]);
  return blocks.flatMap(({ type, label, fields, blocks: inner }) => [
    ...(fields.policy && fields.policy !== "read" ? [`policy "${fields.policy as string}"`] : []),
    ...((fields.capabilities as string[] | undefined) ?? []).filter((c) => !harmless.has(c)).map((c) => (type === "path" ? `${c} ${label}` : c)),
    ...writes(inner),
  ]);
}

/** Labels that reach further than the namespace's own names. */
function reaches(policies: readonly string[], namespace: string): string[] {
  const outside = ({ type, label, blocks }: PolicyBlock): string[] => [
    ...(type === "namespace" && label !== namespace ? [`namespace "${label}"`] : []),
    ...(label?.includes("*") && !["gvfx/cutover/*", "gvfx/cutover/guardian/*"].includes(label) ? [`${type} "${label}"`] : []),
    ...blocks.flatMap(outside),
  ];
  return policies.flatMap((policy) => readPolicy(policy).flatMap(outside));
}
