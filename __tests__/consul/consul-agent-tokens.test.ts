import { ConsulProvider } from "@cdktf/provider-consul/lib/provider";
import { Testing, TerraformStack } from "cdktf";
import { ConsulAgentTokens } from "../../constructs/consul/consul-agent-tokens";
import { LegacyLease } from "../../constructs/consul/legacy-lease";
import { all, named, production, synthesize } from "../access/identities";
import { labelled, readPolicy } from "../access/policy-reader";
import { policiesOf, rights } from "./rule-holders";

const { resource, data } = synthesize(production);
const NODES = ["server-1", "server-2", "witness"];
const policy = (name: string) => readPolicy(named(resource, "consul_acl_policy", name).rules as string);

test.each(NODES)("%s has three tokens, each with one policy, and each secret is read back", (node) => {
  for (const holder of ["agent", "dns", "nomad"]) {
    const [id, token] = Object.entries(resource.consul_acl_token).find(([key]) => key.startsWith(`agents_${node}-${holder}-token`))!;
    expect(token.policies).toEqual([expect.stringContaining(`agents_${node}-${holder}-policy`)]);
    named(data, "consul_acl_token_secret_id", `\${consul_acl_token.${id}.accessor_id}`, "accessor_id");
  }
});

test.each(NODES)("the Consul agent of %s writes its own node only", (node) => {
  expect(labelled(policy(`${node}-agent`), "node", "policy")).toEqual({ [node]: "write" });
  expect(labelled(policy(`${node}-agent`), "service_prefix", "policy")).toEqual({ "": "read" });
});

test.each(NODES)("DNS on %s reads nodes and services, and nothing more", (node) => {
  expect(rights({ dns: policiesOf(resource)[`${node}-dns`] })).toEqual([
    { holder: "dns", type: "node_prefix", label: "", access: "read" },
    { holder: "dns", type: "service_prefix", label: "", access: "read" },
  ]);
});

test.each(NODES)("the Nomad agent of %s asks its own Consul agent only", (node) => {
  expect(labelled(policy(`${node}-nomad`), "agent", "policy")).toEqual({ [node]: "read" });
  expect(labelled(policy(`${node}-nomad`), "node", "policy")).toEqual({ [node]: "read" });
});

test("the witness registers a server and no allocation's service", () => {
  expect(Object.keys(labelled(policy("witness-nomad"), "service", "policy"))).toEqual(["nomad"]);
  expect(Object.keys(labelled(policy("server-1-nomad"), "service", "policy"))).toEqual(expect.arrayContaining(["nomad", "nomad-client", "gvfx-api-alloc", "gvfx-worker"]));
});

test("no token has an end, and none is shared between nodes", () => {
  for (const token of all(resource, "consul_acl_token")) expect(token).not.toHaveProperty("expiration_time");
  const used = all(resource, "consul_acl_token").flatMap((token) => token.policies as string[]);
  expect(new Set(used).size).toBe(used.length);
});

describe("tokensFor", () => {
  const stack = new TerraformStack(Testing.app(), "tokens");
  new ConsulProvider(stack, "consul");
  const tokens = new ConsulAgentTokens(stack, "agents", { appNodes: ["server-1"], witness: "witness" });

  test("a node's three tokens are three", () => {
    const { agent, dns, nomad } = tokens.tokensFor("witness");
    expect(new Set([agent, dns, nomad]).size).toBe(3);
  });

  test("a node that there is not", () => {
    expect(() => tokens.tokensFor("server-9")).toThrow('there are no Consul tokens for node "server-9": its agents could not register; use one of server-1, witness');
  });
});

describe("legacy's lease token", () => {
  const lease = (retired: boolean) => {
    const stack = new TerraformStack(Testing.app(), "lease");
    new ConsulProvider(stack, "consul");
    return { secretId: new LegacyLease(stack, "legacy-lease", { namespace: "gvfx", leaseNodes: ["server-1"], retired }).secretId, json: JSON.parse(Testing.synth(stack, true)) as { resource?: object } };
  };

  test("exists until legacy is retired", () => {
    expect(lease(false).secretId).toBeDefined();
    expect(Object.keys(lease(false).json.resource!)).toEqual(["consul_acl_policy", "consul_acl_token"]);
    expect(lease(true)).toMatchObject({ secretId: undefined });
    expect(lease(true).json.resource).toBeUndefined();
  });
});
