import { mayReach, policyErrors } from "../../constructs/tailnet/policy-errors";
import { appNodeTags, hasTailnet, renderedPolicy, tailnetPolicy, type AccessGrant, type AccessTest, type TailnetPolicy } from "../../constructs/tailnet/policy";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { PRODUCTION, productionWith, STAGING, tailnetEnvironment } from "./stack";

const POLICY = tailnetPolicy(PRODUCTION);
const USERS = "group:gvfx-users";
const OPERATORS = "group:gvfx-operators";
const [SERVER, APP, DB, WITNESS, LEGACY, STRANGER] = ["server", "app", "db", "witness", "legacy", "stranger"].map((role) => `tag:gvfx-${role}`);

/** What a device reaches on another, as Tailscale sees it: over all tags of both. */
function deviceReaches(from: readonly string[], to: readonly string[], proto: "tcp" | "udp", port: number): boolean {
  return from.some((src) => to.some((dst) => mayReach(POLICY, src, dst, proto, port)));
}
const DATA_NODE = [SERVER, APP, DB];
const OTHER_NODE = [SERVER, APP];
const WITNESS_NODE = [SERVER, WITNESS];

describe("who reaches what", () => {
  test.each([
    ["a user", [USERS], DATA_NODE, "tcp", [53, 3000, 8787]],
    ["a user", [USERS], OTHER_NODE, "udp", [53]],
    ["an operator", [OPERATORS], DATA_NODE, "tcp", [22, 53, 3000, 3210, 3211, 4646, 8787, 9101, 20000, 32000]],
    ["an operator", [OPERATORS], WITNESS_NODE, "tcp", [22, 4646]],
    ["an operator", [OPERATORS], ["tag:consul"], "tcp", [8500, 8501]],
    ["an operator", [OPERATORS], ["tag:vault"], "tcp", [8200]],
    ["an operator", [OPERATORS], [LEGACY], "tcp", [22, 3000, 3210, 8787, 9101]],
    ["a node", OTHER_NODE, DATA_NODE, "tcp", [53, 3000, 3210, 3211, 4646, 4647, 4648, 5432, 8301, 8787, 9000, 9101, 20000, 32000]],
    ["a node", OTHER_NODE, DATA_NODE, "udp", [53, 4648, 8301]],
    ["a node", OTHER_NODE, WITNESS_NODE, "tcp", [4646, 4647, 4648, 8301]],
    ["a node", OTHER_NODE, ["tag:consul"], "tcp", [8300, 8301, 8500, 8501, 8502, 8503]],
    ["a node", OTHER_NODE, ["tag:vault"], "tcp", [8200]],
    ["a node", OTHER_NODE, [LEGACY], "tcp", [3000, 8787, 9101]],
    ["the witness", WITNESS_NODE, DATA_NODE, "tcp", [4646, 4647, 4648, 8301]],
    ["the witness", WITNESS_NODE, ["tag:consul"], "tcp", [8300, 8301, 8500, 8501, 8502, 8503]],
    ["Consul", ["tag:consul"], DATA_NODE, "tcp", [53, 4646, 8301]],
    ["Vault", ["tag:vault"], DATA_NODE, "tcp", [53, 4646]],
    ["Vault", ["tag:vault"], WITNESS_NODE, "tcp", [4646]],
    ["the legacy host", [LEGACY], DATA_NODE, "tcp", [53, 3210, 3211]],
    ["the legacy host", [LEGACY], ["tag:consul"], "tcp", [8500, 8501]],
    ["the legacy host", [LEGACY], WITNESS_NODE, "tcp", []],
    ["another device", [STRANGER], DATA_NODE, "tcp", []],
    ["another device", [STRANGER], WITNESS_NODE, "tcp", []],
    ["a pure client", [APP], [SERVER], "tcp", [4647, 8301]],
    ["a pure client", [APP], [SERVER], "udp", [8301]],
  ] as const)("%s %j reaches %j over %s on %j and nothing else", (_who, from, to, proto, ports) => {
    const asked = [22, 53, 80, 443, 3000, 3210, 3211, 4646, 4647, 4648, 5432, 8200, 8300, 8301, 8302, 8500, 8501, 8502, 8503, 8600, 8787, 9000, 9101, 19999, 20000, 32000, 32001];
    expect(asked.filter((port) => deviceReaches(from, to, proto, port))).toEqual(ports);
  });

  test("the worker leaves by the exit node, and only where the environment names one", () => {
    const exit = tailnetPolicy(productionWith({ exitNodeTag: "tag:exit-frankfurt" })).grants.filter((grant) => grant.dst.includes("autogroup:internet"));
    expect(exit).toEqual([expect.objectContaining({ src: [APP], ip: ["*"], via: ["tag:exit-frankfurt"] })]);
    expect(JSON.stringify(POLICY.grants)).not.toContain("autogroup:internet");
  });

  test("legacy paths end with legacy, and its tag stays the platform's", () => {
    const retired = tailnetPolicy(productionWith({}, { legacy: { ...production.legacy, retired: true } }));
    expect(JSON.stringify([retired.grants, retired.tests])).not.toContain(LEGACY);
    expect(retired.ownedTags).toContain(LEGACY);
    expect(retired.tagOwners).toHaveProperty([LEGACY]);
  });

  test("on a node, the legacy processes are reached on their own ports", () => {
    const host = { ...production.legacy.host, node: "server-1", tailnetAddress: "100.64.0.11" };
    const onNode = tailnetPolicy(productionWith({}, { legacy: { ...production.legacy, host, ports: { frontend: 13000, api: 18787, rlService: 19101 }, convexUrl: "http://100.64.0.11:13210" } }));
    expect(policyErrors(onNode)).toEqual([]);
    expect(onNode.tagOwners).not.toHaveProperty([LEGACY]);
    expect([13000, 18787, 19101].every((port) => mayReach(onNode, APP, APP, "tcp", port))).toBe(true);
    expect([13000, 18787, 19101, 13210].map((port) => mayReach(onNode, USERS, APP, "tcp", port))).toEqual([true, true, false, false]);
    expect(mayReach(onNode, OPERATORS, APP, "tcp", 13210)).toBe(true);
  });
});

describe("what Tailscale is asked to check", () => {
  const refused = (src: string): string[] => POLICY.tests.filter((test) => test.src === src && test.proto === "tcp").flatMap((test) => test.deny ?? []);
  test.each([
    ["a user", USERS, [`${DB}:5432`, `${DB}:9000`, `${APP}:3210`, `${SERVER}:4646`, `${SERVER}:22`, "tag:vault:8200", "tag:consul:8501"]],
    ["a client", APP, [`${SERVER}:4646`, `${SERVER}:4648`, `${SERVER}:22`]],
    ["the legacy host", LEGACY, [`${SERVER}:4646`, `${SERVER}:4648`, `${DB}:5432`, "tag:vault:8200"]],
    ["the witness", WITNESS, [`${APP}:3000`, `${APP}:8787`, `${APP}:9101`, `${APP}:3210`, `${DB}:5432`]],
    ["any other device", STRANGER, [`${APP}:3000`, `${APP}:8787`, `${APP}:3210`, `${DB}:5432`, `${SERVER}:4646`, `${SERVER}:22`, `${WITNESS}:22`, `${LEGACY}:22`]],
  ])("%s is refused", (_who, src, targets) => expect(refused(src)).toEqual(expect.arrayContaining(targets)));

  test("each entry is one that Tailscale takes, about the platform's tags or about others', not both", () => {
    for (const { src, proto, accept = [], deny = [] } of POLICY.tests) {
      expect(src).toMatch(/^(tag|group):[a-z-]+$/);
      expect(["tcp", "udp"]).toContain(proto);
      const targets = [...accept, ...deny];
      expect(targets.length).toBeGreaterThan(0);
      for (const target of targets) expect(target).toMatch(/^tag:[a-z-]+:\d+$/);
      expect(new Set(targets.map((target) => target.startsWith("tag:gvfx-"))).size).toBe(1);
    }
  });

  test("with autogroup:member, which Tailscale's tests do not know, a member who does not operate is asked for", () => {
    const policy = tailnetPolicy(productionWith({ userGroup: "autogroup:member", userGroupMembers: ["operator@example.com", "trader@example.com"] }));
    expect(policyErrors(policy)).toEqual([]);
    expect(policy.groups).toEqual({ [OPERATORS]: ["operator@example.com"] });
    expect(policy.tests.filter(({ src }) => src === "trader@example.com").flatMap(({ deny = [] }) => deny)).toContain(`${DB}:5432`);
    expect(policy.tests.filter(({ src, accept }) => accept && !/^(tag|group):/.test(src))).toEqual([]);
    expect(JSON.stringify(policy.tests)).not.toContain("autogroup:");
  });
});

describe("ownership", () => {
  test("is by an exact list, which no other environment shares", () => {
    expect(POLICY.ownedTags).toEqual([SERVER, APP, DB, WITNESS, LEGACY, STRANGER]);
    expect(tailnetPolicy(STAGING).ownedTags.filter((tag) => POLICY.ownedTags.includes(tag))).toEqual([]);
  });
  test("of tags: operators, and the OAuth client that mints keys for them", () => {
    expect(Object.values(POLICY.tagOwners)).toEqual(Array(6).fill([OPERATORS]));
    expect(tailnetPolicy(productionWith({ oauthClientTag: "tag:automation" })).tagOwners[WITNESS]).toEqual([OPERATORS, "tag:automation"]);
  });
  test("of groups: those whose members the environment lists", () => {
    expect(POLICY.groups).toEqual({ [USERS]: ["trader@example.com"], [OPERATORS]: ["operator@example.com"] });
    expect(tailnetPolicy(productionWith({ userGroupMembers: [] })).groups).toEqual({ [OPERATORS]: ["operator@example.com"] });
  });
  test("only the data node carries the data tag", () => {
    expect(PRODUCTION.nodes.map((node) => appNodeTags(PRODUCTION, node))).toEqual([DATA_NODE, OTHER_NODE]);
  });
});

test("purposes are for people: every grant has one and the policy file none", () => {
  expect(POLICY.grants.filter(({ purpose }) => purpose.length < 15)).toEqual([]);
  expect(JSON.stringify(renderedPolicy(POLICY))).not.toContain("purpose");
});

test("an environment without a tailnet has no policy", () => {
  const withoutVultr = { ...production, witness: { name: "witness", tailnetAddress: "100.64.0.13", ssh: production.nodes[0].ssh }, vultr: { enabled: false as const, reason: "a machine of our own" }, tailnet: { enabled: false as const, reason: "a network of our own" } };
  expect(hasTailnet(parseEnvironment("lab", withoutVultr))).toBe(false);
});

test.each([
  ["production", PRODUCTION],
  ["staging", STAGING],
  ["an exit node", productionWith({ exitNodeTag: "tag:exit-frankfurt" })],
  ["one tag for Consul and Vault", productionWith({ consulTag: "tag:control", vaultTag: "tag:control" })],
  ["a group without listed members", productionWith({ userGroupMembers: [] })],
  ["all members as users, none listed", productionWith({ userGroup: "autogroup:member", userGroupMembers: [] })],
  ["SSH on another port", tailnetEnvironment({ ...production, nodes: production.nodes.map((node) => ({ ...node, ssh: { ...node.ssh, port: 2222 } })) })],
  ["legacy retired", productionWith({}, { legacy: { ...production.legacy, retired: true } })],
])("the policy is sound with %s", (_name, environment) => expect(policyErrors(tailnetPolicy(environment))).toEqual([]));

describe("planted defects", () => {
  const grant = (change: Partial<AccessGrant>): TailnetPolicy => ({ ...POLICY, grants: [...POLICY.grants, { src: [USERS], dst: [APP], ip: ["tcp:3000"], purpose: "planted", ...change }] });
  const asks = (test: Partial<AccessTest>): TailnetPolicy => ({ ...POLICY, tests: [...POLICY.tests, { src: USERS, proto: "tcp", ...test }] });
  test.each([
    ["source *", grant({ src: ["*"] }), "has source *"],
    ["the internet as source", grant({ src: ["autogroup:internet"] }), "has source autogroup:internet"],
    ["shared users as source", grant({ src: ["autogroup:shared"] }), "has source autogroup:shared"],
    ["everything outside as source", grant({ src: ["autogroup:danger-all"] }), "has source autogroup:danger-all"],
    ["a range as source", grant({ src: ["100.64.0.0/10"] }), "has source 100.64.0.0/10"],
    ["destination *", grant({ dst: ["*"] }), "has destination *"],
    ["the internet by any way", grant({ dst: ["autogroup:internet"] }), "has destination autogroup:internet"],
    ["every port", grant({ ip: ["*"] }), 'admits "*"'],
    ["every port of a protocol", grant({ ip: ["tcp:*"] }), 'admits "tcp:*"'],
    ["a port of every protocol", grant({ ip: ["3000"] }), 'admits "3000"'],
    ["a grant of two owners", grant({ dst: [APP, "tag:vault"] }), "split it"],
    ["a user to Postgres", grant({ dst: [DB], ip: ["tcp:5432"] }), `${USERS} must not reach ${DB}:5432`],
    ["a user to Postgres, by another tag of its node", grant({ ip: ["tcp:5432"] }), `a grant to ${APP} lets it (on server-1)`],
    ["a range over a port that is refused", grant({ ip: ["tcp:3000-4000"] }), `${USERS} must not reach ${APP}:3210`],
    ["a grant that no test asks about", grant({ src: [STRANGER], dst: [WITNESS], ip: ["tcp:7777"] }), `no tailnet test asks whether ${STRANGER} reaches ${WITNESS} on tcp:7777`],
    ["a path that is lost", { ...POLICY, grants: POLICY.grants.filter(({ dst }) => !dst.includes(DB)) }, `${APP} must reach ${DB}:5432`],
    ["a test that is lost", { ...POLICY, tests: POLICY.tests.filter(({ src, accept }) => src !== OPERATORS || !accept) }, `no tailnet test asks whether ${OPERATORS} reaches`],
    ["a test of an autogroup", asks({ src: "autogroup:member", deny: [`${APP}:22`] }), "asks for autogroup:member"],
    ["a test of a range", asks({ deny: ["100.64.0.0/10:22"] }), "one host and one port"],
    ["a test of several ports", asks({ deny: [`${APP}:20-30`] }), "one host and one port"],
    ["a test of the internet", asks({ deny: ["autogroup:internet:443"] }), "one host and one port"],
    ["a test of nothing", asks({}), "asserts nothing"],
    ["a test of two owners", asks({ deny: [`${DB}:22`, "tag:vault:22"] }), "split it"],
    ["a user who operates", { ...POLICY, groups: { [USERS]: ["a@example.com"], [OPERATORS]: ["a@example.com"] } }, "list a person once"],
    ["Postgres among the ports of allocations", tailnetPolicy(productionWith({}, { ports: { ...production.ports, postgres: 25_432 } })), `${OPERATORS} must not reach ${DB}:25432`],
  ] as const)("%s", (_name, policy, expected) => {
    const errors = policyErrors(policy);
    expect(errors.filter((error) => error.includes(expected))).not.toEqual([]);
  });
});
