import { consulPolicyText, cutoverOperatorRules, jobRules, jobsOfConsul } from "../../constructs/consul/consul-rules";
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import { renderJob } from "../../constructs/nomad/render";
import { PLATFORM_SERVICES, servicesOf } from "../../contracts/identity";
import { kvPaths } from "../../contracts/kv";
import { JOB_KEYS, JOBS } from "../../contracts/services";
import { all, named, production, staging, synthesize, type Resources } from "../access/identities";
import { labelled, readPolicy } from "../access/policy-reader";
import { pinned } from "../jobs/worked-example";
import { policiesOf, rights, writers } from "./rule-holders";

const CA = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const { resource } = synthesize(production, CA);
const NODES = ["server-1", "server-2"];
const paths = kvPaths("gvfx");
const KEYS = JOB_KEYS.filter((key) => jobsOfConsul().includes(JOBS[key]));
const job = (key: (typeof JOB_KEYS)[number]) => renderJob(JOB_BUILDERS[key](production, pinned));
const policy = (name: string) => readPolicy(named(resource, "consul_acl_policy", name).rules as string);

/** All policies: the stack's, and those that another stack makes from the same rules. */
const everyPolicy = {
  ...policiesOf(resource),
  "cutover-operator": consulPolicyText(cutoverOperatorRules("gvfx", NODES)),
  "guardian-that-acts": consulPolicyText(jobRules("gvfx", JOBS.guardian, { leaseNodes: NODES, guardianMode: "act" })),
};

describe("login", () => {
  const login = named(resource, "consul_acl_auth_method", "nomad-workloads");

  test("fetches keys by the name of every healthy server, trusts Nomad's authority, and is not destroyed", () => {
    expect(login).toMatchObject({ type: "jwt", token_locality: "local", lifecycle: { prevent_destroy: true }, depends_on: ["terraform_data.ready"] });
    const config = login.config_json as string;
    expect(config).toMatch(/^\$\{jsonencode\(/);
    expect(config).toContain('"JWKSURL" = "https://http.nomad.service.consul:4646/.well-known/jwks.json"');
    expect(config).toContain('"BoundAudiences" = ["consul.io"]');
    expect(config).toContain('"JWTSupportedAlgs" = ["RS256"]');
    for (const claim of ["nomad_namespace", "nomad_job_id", "nomad_task", "nomad_service"]) expect(config).toContain(`"${claim}" = "${claim}"`);
    expect(config).toContain("BEGIN CERTIFICATE");
    expect(named(synthesize(production).resource, "consul_acl_auth_method", "nomad-workloads").config_json).not.toContain("JWKSCACert");
  });

  test("its tokens have no end: Nomad logs in once per allocation and never renews", () => {
    expect(login).not.toHaveProperty("max_token_ttl");
  });
});

describe("jobs", () => {
  test.each(KEYS)("%s has one policy, one role and one rule that binds it for tasks and services alike", (key) => {
    const name = `nomad-gvfx-${JOBS[key]}`;
    expect(named(resource, "consul_acl_role", name).policies).toHaveLength(1);
    const bindings = all(resource, "consul_acl_binding_rule").filter((rule) => (rule.selector as string).includes(`"${JOBS[key]}"`));
    expect(bindings).toHaveLength(1);
    expect(bindings[0]).toMatchObject({ bind_type: "role", selector: `value.nomad_namespace == "gvfx" and value.nomad_job_id == "${JOBS[key]}"`, bind_name: expect.stringMatching(new RegExp(`consul_acl_role\\.consul-workloads_${JOBS[key]}_role_`)) });
  });

  test("no rule binds anybody else, and no two bind the same role", () => {
    const bindings = all(resource, "consul_acl_binding_rule");
    expect(bindings).toHaveLength(KEYS.length);
    expect(new Set(bindings.map((rule) => rule.bind_name)).size).toBe(KEYS.length);
  });

  test.each(KEYS)("%s may register exactly the services that it registers", (key) => {
    const registered = job(key).TaskGroups[0].Services.map((service) => service.Name).sort();
    expect([...servicesOf(JOBS[key])].sort()).toEqual(registered);
    expect(Object.keys(labelled(policy(`nomad-gvfx-${JOBS[key]}`), "service", "policy")).sort()).toEqual(registered);
  });

  test.each(KEYS)("the templates of %s read only keys that its policy grants", (key) => {
    const read = [...JSON.stringify(job(key)).matchAll(/\{\{[^}]*\bkey(?:OrDefault)? \\+"([^"\\]+)\\+"/g)].map(([, path]) => path);
    expect(read.length > 0).toBe(key === "gateway");
    expect(Object.keys(labelled(policy(`nomad-gvfx-${JOBS[key]}`), "key", "policy"))).toEqual(expect.arrayContaining(read));
  });

  test("one without a role logs in to Consul nowhere: no service, no key, no identity of its own", () => {
    const without = JOB_KEYS.filter((key) => !KEYS.includes(key));
    expect(without).toEqual(["backup", "images"]);
    for (const group of without.flatMap((key) => job(key).TaskGroups)) {
      expect(group.Services).toEqual([]);
      for (const task of group.Tasks) {
        expect(task.Consul).toBeUndefined();
        expect(JSON.stringify(task.Templates ?? [])).not.toMatch(/\{\{[^}]*\b(?:key|ls|service)/);
      }
    }
    expect(JSON.stringify(resource)).not.toContain(JOBS.images);
  });

  test.each(PLATFORM_SERVICES)("service %s is registered by one job, and deregistered by the app nodes' Nomad agents", (service) => {
    expect(writers(policiesOf(resource), "service", service)).toEqual([expect.stringMatching(/^nomad-gvfx-/), "server-1-nomad", "server-2-nomad"]);
  });
});

describe("lease", () => {
  const HOLDERS = ["gvfx-legacy-lease", "nomad-gvfx-gvfx-worker"];

  test("is written by the worker and by the one legacy token, and by no other policy anywhere", () => {
    expect(writers(everyPolicy, "key", paths.workerLease)).toEqual(HOLDERS);
    for (const node of NODES) expect(writers(everyPolicy, "session", node)).toEqual(HOLDERS);
  });

  test("its holders cannot make themselves the owner", () => {
    expect(writers(everyPolicy, "key", paths.workerOwner)).toEqual(["cutover-operator", "guardian-that-acts"]);
  });

  test("once legacy is retired, only the worker is left", () => {
    const retired = synthesize({ ...production, legacy: { ...production.legacy, retired: true } });
    expect(writers(policiesOf(retired.resource), "key", paths.workerLease)).toEqual(["nomad-gvfx-gvfx-worker"]);
    expect(JSON.stringify(retired)).not.toContain("legacy-lease");
  });

  test.each([
    ["its own rule", 'key "gvfx/worker-lease" {\n  policy = "write"\n}\n'],
    ["the folder", 'key_prefix "gvfx/" {\n  policy = "write"\n}\n'],
    ["everything", 'key_prefix "" {\n  policy = "write"\n}\n'],
    ["a part of the name", 'key_prefix "gvfx/worker-l" {\n  policy = "write"\n}\n'],
  ])("planted: a policy that covers it by %s is found", (_, planted) => {
    expect(writers({ ...everyPolicy, planted }, "key", paths.workerLease)).toContain("planted");
  });

  test("planted: a right to make tokens, to end any session, or to change operators' settings, is refused by the walk", () => {
    expect(() => rights({ planted: 'acl = "write"\n' })).toThrow();
    expect(() => rights({ planted: 'session_prefix "" {\n  policy = "write"\n}\n' })).toThrow(/a rule of kind session_prefix/);
    expect(() => rights({ planted: 'operator {\n  policy = "write"\n}\n' })).toThrow(/planted: a rule of kind operator/);
  });
});

describe("switches", () => {
  test("the gateway reads them; who runs the cutover writes them, and a guardian that acts writes traffic", () => {
    expect(labelled(policy("nomad-gvfx-gvfx-gateway"), "key", "policy")).toEqual({ [paths.traffic]: "read", [paths.sections]: "read" });
    expect(writers(everyPolicy, "key", paths.traffic)).toEqual(["cutover-operator", "guardian-that-acts"]);
    expect(writers(everyPolicy, "key", paths.sections)).toEqual(["cutover-operator"]);
  });

  test("a guardian that advises writes no key", () => {
    expect(production.cutover.guardianMode).toBe("advise");
    expect(labelled(policy("nomad-gvfx-gvfx-guardian"), "key", "policy")).toEqual({ [paths.workerOwner]: "read", [paths.traffic]: "read" });
  });

  test("no guardian makes evidence", () => {
    expect(writers(everyPolicy, "key", `${paths.evidence}/watch`)).toEqual(["cutover-operator"]);
  });
});

test("another environment has its own login, roles, keys and folder", () => {
  const other = synthesize(staging).resource;
  expect(all(other, "consul_acl_auth_method").map((method) => method.name)).toEqual(["nomad-workloads-gvfx-staging"]);
  expect(writers(policiesOf(other), "key", paths.workerLease)).toEqual([]);
  expect(writers(policiesOf(other), "key", "gvfx-staging/worker-lease")).toEqual(["gvfx-staging-legacy-lease", "nomad-gvfx-staging-gvfx-worker"]);
  const names = (r: Resources) => ["consul_acl_policy", "consul_acl_role"].flatMap((type) => all(r, type).map((x) => x.name));
  expect(names(resource).filter((name) => names(other).includes(name))).toEqual([]);
});
