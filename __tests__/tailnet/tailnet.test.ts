import { production } from "../../environments/production";
import { only, PRODUCTION, productionWith, STAGING, synthesize } from "./stack";

const { resource, data, locals } = synthesize(PRODUCTION);
const OWNED = ["server", "app", "db", "witness", "legacy", "stranger"].map((role) => `tag:gvfx-${role}`);
const POLICY_ADDRESS = `tailscale_acl.${Object.keys(resource.tailscale_acl)[0]}`;

test("the policy is merged, never reset, and its first state is kept", () => {
  expect(only(resource, "tailscale_acl")).toMatchObject({ acl: "${local.tailnet_policy}", overwrite_existing_content: true, reset_acl_on_destroy: false });
  const found = Object.entries(resource.terraform_data).find(([id]) => id.startsWith("tailnet_policy-as-found"))!;
  expect(found[1]).toMatchObject({ input: { hujson: expect.stringContaining("data.tailscale_acl.") }, lifecycle: { ignore_changes: ["input"] } });
  expect(only(resource, "tailscale_acl").depends_on).toEqual([`terraform_data.${found[0]}`]);
});

test("a deploy is refused while others' rules open the nodes, with the rules named", () => {
  const { precondition } = only(resource, "tailscale_acl").lifecycle as { precondition: { condition: string; error_message: string }[] };
  expect(precondition.map(({ condition }) => condition)).toEqual(["${can(local.tailnet_sections.acls) || can(local.tailnet_sections.grants)}", "${length(local.tailnet_wide_rules) == 0}"]);
  expect(precondition[1].error_message).toContain("local.tailnet_wide_rules");
});

test("ownership is by the exact list of tags, and nodes are known by address too", () => {
  expect(locals.tailnet_ours).toMatchObject({ tags: OWNED, peers: ["tag:consul", "tag:vault"], addresses: ["100.64.0.11", "100.64.0.12"] });
  expect(JSON.stringify(locals)).not.toMatch(/startswith\((key|target|entry)/);
});

test("every node is tagged after the policy that declares its tags, and its key stops expiring after that", () => {
  for (const [id, tags] of Object.entries(resource.tailscale_device_tags)) {
    expect(tags.depends_on).toEqual([POLICY_ADDRESS]);
    expect(tags.device_id).toMatch(/^\$\{data\.tailscale_device\.tailnet_device-server-[12]_\w+\.node_id\}$/);
    const key = Object.values(resource.tailscale_device_key).find(({ depends_on }) => (depends_on as string[]).includes(`tailscale_device_tags.${id}`));
    expect(key).toMatchObject({ key_expiry_disabled: true, device_id: tags.device_id });
  }
  expect(Object.keys(resource.tailscale_device_tags)).toHaveLength(2);
});

test("nodes are looked up at plan: waiting for the policy would take their tags off and on again", () => {
  const nodes = Object.entries(data.tailscale_device).filter(([id]) => id.startsWith("tailnet_"));
  expect(nodes.map(([, device]) => device.name)).toEqual(["server-1.example-tailnet.ts.net", "server-2.example-tailnet.ts.net"]);
  for (const [, device] of nodes) expect(device).not.toHaveProperty("depends_on");
});

test("names of the Consul domain are asked of both nodes", () => {
  expect(only(resource, "tailscale_dns_split_nameservers")).toMatchObject({ domain: "consul", nameservers: ["100.64.0.11", "100.64.0.12"] });
  expect(only(synthesize(STAGING).resource, "tailscale_dns_split_nameservers")).toMatchObject({ domain: "staging.consul" });
});

test("the witness joins once, with a key of its two tags that ends soon and is never made again", () => {
  expect(only(resource, "tailscale_tailnet_key")).toEqual({
    depends_on: [POLICY_ADDRESS],
    description: "production witness",
    ephemeral: false,
    expiry: 3600,
    preauthorized: true,
    recreate_if_invalid: "never",
    reusable: false,
    tags: ["tag:gvfx-server", "tag:gvfx-witness"],
  });
});

test("the witness is waited for after its machine, and its address is taken anew with the machine only", () => {
  const witness = Object.entries(data.tailscale_device).find(([id]) => id.startsWith("witness_"))![1];
  expect(witness).toMatchObject({ hostname: "witness", wait_for: "15m", depends_on: ["terraform_data.machine"] });
  const [id, address] = Object.entries(resource.terraform_data).find(([name]) => name.startsWith("witness_address"))!;
  expect(address).toMatchObject({ triggers_replace: { machine: "${terraform_data.machine.id}" }, lifecycle: { ignore_changes: ["input"] } });
  expect(resource.terraform_data.certificate).toEqual({ triggers_replace: { address: `\${terraform_data.${id}.output.address}` } });
});

test("a policy that contradicts itself fails synth", () => {
  expect(() => synthesize(productionWith({}, { ports: { ...production.ports, postgres: 25_432 } }))).toThrow(/must not reach tag:gvfx-db:25432 over tcp, and a grant to tag:gvfx-app lets it \(on server-1\)/);
});

test("synth, validations included, runs no program: Terraform need not be there", () => {
  const path = process.env.PATH;
  process.env.PATH = "/nonexistent";
  try {
    expect(synthesize(PRODUCTION).resource).toEqual(resource);
  } finally {
    process.env.PATH = path;
  }
});

test("synth is deterministic and knows no machine", () => {
  expect(JSON.stringify(synthesize(PRODUCTION))).toBe(JSON.stringify(synthesize(PRODUCTION)));
  expect(JSON.stringify({ resource, data, locals })).not.toContain(process.cwd());
});
