import { spawnSync } from "node:child_process";
import { renderedPolicy, tailnetPolicy } from "../../constructs/tailnet/policy";
import { PRODUCTION, productionWith, synthesize } from "./stack";
import { TailnetApiDouble, type DeviceDouble } from "../../lab/doubles/cloud/tailnet-api";
import { describeUnless, hasTerraform, TerraformFolder } from "../terraform/terraform";

const LIVE = `{
  // What the family uses.
  "grants": [{"src": ["autogroup:member"], "dst": ["tag:nas"], "ip": ["tcp:443"]},],
  "tagOwners": {"tag:nas": ["autogroup:admin"], "tag:printer": ["autogroup:admin"]},
}`;
const ALLOW_ALL = '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}';

const folder = new TerraformFolder();
folder.write("cdk.tf.json", synthesize(PRODUCTION));
const skipped = !hasTerraform
  ? "terraform is not on PATH"
  : spawnSync("terraform", [`-chdir=${folder.path}`, "init", "-input=false"], { stdio: "ignore", timeout: 30_000 }).status !== 0
    ? "terraform finds no tailscale provider"
    : undefined;
if (skipped) folder.remove();

function device(name: string, addresses: string[], tags?: string[], created = "2024-01-01T00:00:00Z"): DeviceDouble {
  return { nodeId: `n-${name}-${addresses[0]}`, name: `${name}.example-tailnet.ts.net`, hostname: name, addresses, tags, created, keyExpiryDisabled: false };
}

/** A tailnet with the two nodes; the witness joins as soon as its key is made. */
function tailnetDouble(policy: string): TailnetApiDouble {
  const api = new TailnetApiDouble(policy);
  api.devices.push(device("server-1", ["100.64.0.11", "fd7a:115c:a1e0::11"], ["tag:printer", "tag:gvfx-db"]), device("server-2", ["100.64.0.12"]));
  api.onKey = ({ tags }) => api.devices.push(device("witness", ["fd7a:115c:a1e0::13", "100.64.0.13"], [...tags], new Date().toISOString()));
  return api;
}

describeUnless(skipped, "applied by the real provider to a double of Tailscale's API", () => {
  let api: TailnetApiDouble;
  let baseUrl: string;
  const start = async (policy: string): Promise<void> => {
    api = tailnetDouble(policy);
    baseUrl = await api.start();
    folder.write("cdk.tf.json", synthesize(PRODUCTION, { baseUrl }));
  };
  const plan = (): Promise<{ status: number | null; output: string }> => folder.run("plan", "-detailed-exitcode", "-input=false");
  const apply = async (): Promise<string> => {
    const { status, output } = await folder.run("apply", "-auto-approve", "-input=false");
    expect(status === 0 ? "" : output).toBe("");
    return output;
  };

  beforeEach(() => folder.discardState());
  afterEach(() => api.stop());
  afterAll(() => folder.remove());

  test("one apply does it all, and the next plan is empty", async () => {
    await start(LIVE);
    const output = await apply();
    expect(output).not.toContain("tskey-auth-double");
    const policy = JSON.parse(api.policy) as Record<string, unknown[]>;
    const ours = renderedPolicy(tailnetPolicy(PRODUCTION));
    expect(policy.grants).toEqual([{ src: ["autogroup:member"], dst: ["tag:nas"], ip: ["tcp:443"] }, ...ours.grants]);
    expect(policy.tests).toEqual(ours.tests);
    expect(api.devices.map(({ hostname, tags, keyExpiryDisabled }) => ({ hostname, tags: tags?.toSorted(), keyExpiryDisabled }))).toEqual([
      { hostname: "server-1", tags: ["tag:gvfx-app", "tag:gvfx-db", "tag:gvfx-server", "tag:printer"], keyExpiryDisabled: true },
      { hostname: "server-2", tags: ["tag:gvfx-app", "tag:gvfx-server"], keyExpiryDisabled: true },
      { hostname: "witness", tags: ["tag:gvfx-server", "tag:gvfx-witness"], keyExpiryDisabled: false },
    ]);
    expect(api.splitDns).toEqual({ consul: ["100.64.0.11", "100.64.0.12"] });
    expect(await folder.resource("terraform_data.certificate")).toMatchObject({ triggers_replace: { address: "100.64.0.13" } });
    expect(await plan()).toMatchObject({ status: 0 });

    // A used key is gone from Tailscale: that replaces nothing.
    api.keys.clear();
    expect(await plan()).toMatchObject({ status: 0 });
  });

  test("the policy as it was found is kept, and a later hand edit of others' rules is neither undone nor reformatted", async () => {
    await start(LIVE);
    await apply();
    const edited = api.policy.replace('"tcp:443"', '"tcp:443", "tcp:445"').replace('{"', '{ // the NAS speaks SMB now\n"');
    api.policy = edited;
    const { status, output } = await plan();
    expect(`${status} ${/Plan: .*|No changes\./.exec(output)?.[0] ?? output}`).toBe("0 No changes.");
    expect(api.policy).toBe(edited);
    expect(JSON.stringify(await folder.resource("terraform_data.tailnet_policy-as-found"))).toContain("// What the family uses.");
  });

  test("a change to the witness's machine in place leaves its address, and what names it, alone", async () => {
    await start(LIVE);
    await apply();
    folder.write("cdk.tf.json", synthesize(PRODUCTION, { baseUrl, label: "second" }));
    const { output } = await plan();
    expect(/Plan: .*/.exec(output)?.[0]).toBe("Plan: 0 to add, 1 to change, 0 to destroy.");
  });

  test("destroy leaves the policy in place: a reset would allow everything", async () => {
    await start(LIVE);
    await apply();
    const before = api.policy;
    expect(await folder.run("destroy", "-auto-approve", "-input=false")).toMatchObject({ status: 0 });
    expect(api.policy).toBe(before);
  });

  test.each([
    ["a rule that opens the nodes is refused at plan", ALLOW_ALL, (): void => undefined, ["outside the platform's own", '{"dst":["*"],"ip":["*"],"src":["*"]}', "narrow each"]],
    ["a policy without rules, which allows everything, is refused at plan", '{"groups": {}}', (): void => undefined, ["neither a \"grants\" nor an \"acls\" section", "Then deploy again."]],
    ["a node with another address than the environment says is refused at plan", LIVE, (): void => void (api.devices[1] = device("server-2", ["100.64.0.99"])), ["is not 100.64.0.12 on the tailnet but 100.64.0.99", "nodes[].tailnetAddress"]],
  ] as const)("%s", async (_name, policy, alter, said) => {
    await start(policy);
    alter();
    const { status, output } = await plan();
    const words = output.replaceAll(/[│╷╵\s]+/g, " ");
    expect(status).toBe(1);
    for (const part of said) expect(words).toContain(part);
    expect(api.changes).toEqual([]);
  });

  test("a former witness of the same name is not taken for the new one", async () => {
    await start(LIVE);
    api.onKey = () => undefined;
    api.devices.push(device("witness", ["100.64.0.77"]));
    const { status, output } = await folder.run("apply", "-auto-approve", "-input=false");
    expect(status).toBe(1);
    expect(output.replaceAll(/[│╷╵\s]+/g, " ")).toContain("it is a former one, and certificates would name its address. Remove it in the admin console (Machines)");
  });

  test("a policy whose own tests fail is refused by Tailscale and nothing changes", async () => {
    await start(LIVE);
    const broken = synthesize(productionWith({}));
    const ours = broken.locals.tailnet_ours as { grants: unknown[] };
    folder.write("cdk.tf.json", JSON.parse(JSON.stringify(broken).replaceAll("http://127.0.0.1:1", baseUrl).replace(JSON.stringify(ours.grants), JSON.stringify(ours.grants.slice(1)))));
    const { status, output } = await folder.run("apply", "-auto-approve", "-input=false");
    expect(status).toBe(1);
    expect(output).toContain("test(s) failed");
    expect(api.policy).toBe(LIVE);
  });
});
