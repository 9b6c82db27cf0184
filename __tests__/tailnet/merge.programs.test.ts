import { isDeepStrictEqual } from "node:util";
import { renderedPolicy, tailnetPolicy, type TailnetEnvironment } from "../../constructs/tailnet/policy";
import { PRODUCTION, productionWith, STAGING, synthesize } from "./stack";
import { describeUnless, hasTerraform, TerraformFolder } from "../terraform/terraform";

/** Merges as the stack does it: the locals that it synthesizes, with a text in the place of the live policy. */
function mergeModule(environment: TailnetEnvironment): unknown {
  const locals = JSON.stringify(synthesize(environment).locals).replaceAll(/data\.tailscale_acl\.[\w-]+\.(json|hujson)/g, "var.$1");
  return {
    variable: { json: { type: "string" }, hujson: { type: "string" } },
    locals: JSON.parse(locals),
    output: { policy: { value: "${local.tailnet_policy}" }, wide: { value: "${local.tailnet_wide_rules}" } },
  };
}

const OPERATORS_OWN = {
  acls: [{ action: "accept", src: ["group:family"], dst: ["tag:nas:443,445", "nas-box:22"] }],
  groups: { "group:family": ["mum@example.com"], "group:gvfx-users": ["former@example.com"] },
  hosts: { "nas-box": "100.64.9.1" },
  tagOwners: { "tag:nas": ["autogroup:admin"], "tag:gvfx-other": ["autogroup:admin"], "tag:gvfx-app": ["former@example.com"] },
  ssh: [{ action: "check", src: ["autogroup:member"], dst: ["autogroup:self"], users: ["autogroup:nonroot"] }],
  nodeAttrs: [{ target: ["autogroup:member"], attr: ["funnel"] }],
  autoApprovers: { exitNode: ["tag:nas"] },
  postures: { "posture:recent": ["node:tsVersion >= '1.80'"] },
  somethingNew: { deep: [1, 2.5, null, true] },
  grants: [
    { src: ["group:family"], dst: ["tag:nas"], ip: ["tcp:443"] },
    { src: ["tag:gvfx-app"], dst: ["tag:registry"], ip: ["tcp:5000"] },
    { src: ["autogroup:member"], dst: ["tag:gvfx-db"], ip: ["*"] },
    { src: ["autogroup:member"], dst: ["tag:gvfx-other"], ip: ["tcp:80"], srcPosture: ["posture:recent"] },
    { src: ["autogroup:admin"], dst: ["*"], app: { "example.com/cap/admin": [{ level: 1 }] } },
  ],
  tests: [
    { src: "mum@example.com", accept: ["tag:nas:443"] },
    { src: "mum@example.com", accept: ["tag:gvfx-app:9999"] },
    { src: "tag:gvfx-app", accept: ["tag:registry:5000"] },
  ],
};

const WIDE = {
  "every device, as grant": { grants: [{ src: ["*"], dst: ["*"], ip: ["*"] }] },
  "every device, as ACL": { acls: [{ action: "accept", src: ["*"], dst: ["*:*"] }] },
  "every device, in old words and capitals": { ACLs: [{ action: "accept", users: ["*"], ports: ["*:*"] }] },
  "all tagged devices": { grants: [{ src: ["autogroup:member"], dst: ["autogroup:tagged"], ip: ["tcp:22"] }] },
  "a range around a node": { acls: [{ action: "accept", src: ["group:family"], dst: ["100.64.0.0/16:5432"] }] },
  "the tailnet's IPv6 range": { acls: [{ action: "accept", src: ["group:family"], dst: ["[fd7a:115c:a1e0::/48]:5432"] }] },
  "a node by its address": { grants: [{ src: ["group:family"], dst: ["100.64.0.12"], ip: ["tcp:5432"] }] },
  "a node by a host name": { hosts: { box: "100.64.0.11" }, acls: [{ action: "accept", src: ["group:family"], dst: ["box:5432"] }] },
  "a node in an IP set": { ipsets: { "ipset:lan": ["add 100.64.0.0/24"] }, grants: [{ src: ["group:family"], dst: ["ipset:lan"], ip: ["tcp:1"] }] },
  "one of our tags, as ACL": { acls: [{ action: "accept", src: ["group:family"], dst: ["tag:gvfx-db:5432"] }] },
  "one of our tags beside another": { grants: [{ src: ["group:family"], dst: ["tag:nas", "tag:gvfx-db"], ip: ["tcp:5432"] }] },
} as const;

const HARMLESS = {
  "nothing at all": { grants: [] },
  "the operator's own": OPERATORS_OWN,
  "ranges beside the nodes": { acls: [{ action: "accept", src: ["*"], dst: ["10.0.0.0/8:*", "100.64.9.0/24:*", "fd7a:115c:a1e0::1:22"] }] },
  "an IP set that takes the nodes out": { ipsets: { "ipset:rest": ["remove 100.64.0.0/24", "add 10.0.0.0/8"] }, grants: [{ src: ["*"], dst: ["ipset:rest"], ip: ["*"] }] },
  "exit nodes and own devices": { grants: [{ src: ["autogroup:member"], dst: ["autogroup:internet", "autogroup:self"], ip: ["*"] }] },
  "tags whose names begin like ours": { grants: [{ src: ["*"], dst: ["tag:gvfx-app-old", "tag:gvfx"], ip: ["*"] }] },
} as const;

type Json = Record<string, unknown>;
interface Policy extends Json {
  readonly grants: Json[];
  readonly tests: Json[];
  readonly groups: Json;
  readonly tagOwners: Json;
}

describeUnless(hasTerraform ? undefined : "terraform is not on PATH", "merge, evaluated by Terraform", () => {
  let folder: TerraformFolder;
  let outputs: Record<string, unknown>;
  const policy = (name: string): Policy => JSON.parse(outputs[name] as string) as Policy;

  beforeAll(async () => {
    folder = new TerraformFolder();
    const older = productionWith({ userGroup: "group:gvfx-users", userGroupMembers: ["trader@example.com"], exitNodeTag: "tag:exit-frankfurt" }, { ports: { ...PRODUCTION.ports, postgres: 5433 } });
    folder.write("production/main.tf.json", mergeModule(PRODUCTION));
    folder.write("older/main.tf.json", mergeModule(older));
    folder.write("staging/main.tf.json", mergeModule(STAGING));
    const call = (source: string, json: string, hujson = json): Json => ({ source: `./${source}`, json, hujson });
    const cases = (prefix: string, lives: Readonly<Record<string, unknown>>): Record<string, Json> =>
      Object.fromEntries(Object.values(lives).map((live, i) => [`${prefix}${i}`, call("production", JSON.stringify(live))]));
    const modules: Record<string, Json> = {
      once: call("production", JSON.stringify(OPERATORS_OWN)),
      twice: call("production", "${module.once.policy}"),
      commented: call("production", "${module.once.policy}", "${module.once.policy} // reviewed\n"),
      production_staging: call("staging", "${module.once.policy}"),
      production_staging_production: call("production", "${module.production_staging.policy}"),
      staging: call("staging", JSON.stringify(OPERATORS_OWN)),
      staging_production: call("production", "${module.staging.policy}"),
      staging_production_staging: call("staging", "${module.staging_production.policy}"),
      older: call("older", JSON.stringify(OPERATORS_OWN)),
      upgraded: call("production", "${module.older.policy}"),
      ...cases("wide", WIDE),
      ...cases("harmless", HARMLESS),
    };
    folder.write("main.tf.json", {
      module: modules,
      output: Object.fromEntries(Object.keys(modules).flatMap((name) => [[name, { value: `\${module.${name}.policy}` }], [`${name}_wide`, { value: `\${module.${name}.wide}` }]])),
    });
    for (const args of [["init"], ["apply", "-auto-approve"]]) {
      const { status, output } = await folder.run(...args);
      if (status !== 0) throw new Error(output);
    }
    outputs = await folder.outputs();
  });
  afterAll(() => folder.remove());

  test("sections that are not merged stay as they are", () => {
    const merged = policy("once");
    const others = Object.keys(OPERATORS_OWN).filter((section) => !["grants", "tests", "groups", "tagOwners"].includes(section)) as (keyof typeof OPERATORS_OWN)[];
    expect(others).toEqual(["acls", "hosts", "ssh", "nodeAttrs", "autoApprovers", "postures", "somethingNew"]);
    for (const section of others) expect(merged[section]).toEqual(OPERATORS_OWN[section]);
  });

  test("others' grants, tests, groups and tag owners stay, those that begin like ours too", () => {
    const { grants, tests, groups, tagOwners } = policy("once");
    expect(grants.slice(0, 4)).toEqual([0, 1, 3, 4].map((i) => OPERATORS_OWN.grants[i]));
    expect(tests.slice(0, 2)).toEqual([0, 2].map((i) => OPERATORS_OWN.tests[i]));
    expect(groups["group:family"]).toEqual(["mum@example.com"]);
    expect(tagOwners).toMatchObject({ "tag:nas": ["autogroup:admin"], "tag:gvfx-other": ["autogroup:admin"] });
  });

  test("ours are there once, and replace what stood under our tags", () => {
    const ours = renderedPolicy(tailnetPolicy(PRODUCTION));
    const { grants, tests, groups, tagOwners } = policy("once");
    expect(grants.slice(4)).toEqual(ours.grants);
    expect(tests.slice(2)).toEqual(ours.tests);
    expect(groups).toMatchObject(ours.groups);
    expect(tagOwners).toMatchObject(ours.tagOwners);
  });

  test("merging twice changes nothing", () => {
    expect(outputs.twice).toBe(outputs.once);
  });

  test("what an earlier version granted to our tags is gone after the next one", () => {
    expect(policy("older").grants).toContainEqual({ src: ["tag:gvfx-app"], dst: ["tag:gvfx-db"], ip: ["tcp:5433", "tcp:9000"] });
    expect(JSON.stringify(policy("upgraded"))).not.toContain("5433");
  });

  test.each(["production_staging", "staging_production"])("%s has both environments and the operator's own", (name) => {
    for (const section of ["grants", "tests"] as const) {
      const both = [PRODUCTION, STAGING].flatMap((environment): readonly unknown[] => renderedPolicy(tailnetPolicy(environment))[section]);
      const kept = OPERATORS_OWN[section].filter((entry) => policy("once")[section].some((other) => isDeepStrictEqual(other, entry)));
      expect(policy(name)[section]).toHaveLength(both.length + kept.length);
      expect(policy(name)[section]).toEqual(expect.arrayContaining([...both, ...kept]));
    }
    expect(policy(name).tagOwners).toMatchObject({ ...tailnetPolicy(PRODUCTION).tagOwners, ...tailnetPolicy(STAGING).tagOwners });
    expect(policy(name).groups).toMatchObject({ ...tailnetPolicy(PRODUCTION).groups, ...tailnetPolicy(STAGING).groups });
  });

  test("the other environment's deploy leaves no change for the next plan", () => {
    expect(outputs.production_staging_production).toBe(outputs.production_staging);
    expect(outputs.staging_production_staging).toBe(outputs.staging_production);
  });

  test("a policy that needs no change keeps its author's text, comments included", () => {
    expect(outputs.commented).toBe(`${outputs.once as string} // reviewed\n`);
  });

  test.each(Object.keys(WIDE).map((name, i) => [name, i] as const))("a rule that opens our nodes is named: %s", (_name, i) => {
    expect(outputs[`wide${i}_wide`]).toHaveLength(1);
  });

  test.each(Object.keys(HARMLESS).map((name, i) => [name, i] as const))("a rule that does not is let be: %s", (_name, i) => {
    expect(outputs[`harmless${i}_wide`]).toEqual([]);
  });
});
