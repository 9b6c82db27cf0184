/** The cutover stack against a real Consul: evidence opens its gates, and keys that run time changed are left alone. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { edited } from "../environments/edit";
import { pinned } from "../jobs/worked-example";
import { synthesizeStacks } from "../stacks/synthesized";
import { describeUnless, hasTerraform, TerraformFolder } from "./terraform";

const has = (program: string) => spawnSync(program, ["version"], { stdio: "ignore" }).status === 0;
const folder = new TerraformFolder();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The switches and the evidence of the stack; what needs Nomad or another stack's state is left out. */
function write(consul: string, edits: Readonly<Record<string, unknown>>): void {
  const { cutover } = synthesizeStacks(parseEnvironment("planted", edited(production, { protect: false, "consul.address": consul, ...edits })), pinned);
  const kept = new Set(["consul_keys", "terraform_data"]);
  const provider = { consul: cutover.provider!.consul, nomad: [{ address: "http://127.0.0.1:1" }] };
  const guardian = { nomad_job: cutover.resource!.nomad_job };
  const resource = { ...Object.fromEntries(Object.entries(cutover.resource!).filter(([type]) => kept.has(type))), ...("cutover.guardianMode" in edits ? guardian : {}) };
  folder.write("cdk.tf.json", { terraform: { required_providers: cutover.terraform!.required_providers }, provider, resource, data: { consul_keys: cutover.data!.consul_keys } });
}

const ready = !hasTerraform ? "terraform is not on PATH" : !has("consul") ? "consul is not on PATH" : undefined;
if (!ready) write("http://127.0.0.1:1", {});
const skipped = ready ?? (spawnSync("terraform", [`-chdir=${folder.path}`, "init", "-input=false"], { stdio: "ignore", timeout: 30_000 }).status === 0 ? undefined : "terraform finds no providers");

describeUnless(skipped, "cutover", () => {
  let agent: ChildProcess;
  let address: string;
  const put = async (key: string, value: string) => expect((await fetch(`${address}/v1/kv/${key}`, { method: "PUT", body: value })).ok).toBe(true);
  const get = async (key: string) => (await fetch(`${address}/v1/kv/${key}?raw`)).text();

  beforeAll(async () => {
    const ports = await Promise.all(Array.from({ length: 4 }, freePort));
    agent = spawn("consul", ["agent", "-dev", "-bind=127.0.0.1", `-http-port=${ports[0]}`, "-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1", `-serf-lan-port=${ports[1]}`, `-serf-wan-port=${ports[2]}`, `-server-port=${ports[3]}`, "-datacenter=dc1"], { stdio: "ignore" });
    address = `http://127.0.0.1:${ports[0]}`;
    for (let tries = 0; tries < 100; tries++) {
      if ((await fetch(`${address}/v1/status/leader`).then((r) => r.text()).catch(() => "")).length > 2) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error("the Consul agent of the test has no leader after 20 s");
  });
  afterAll(() => {
    agent.kill();
    folder.remove();
  });

  test("the first deploy leaves everything with legacy; what run time changed, no deploy takes back", async () => {
    write(address, {});
    expect((await folder.run("apply", "-input=false", "-auto-approve")).status).toBe(0);
    expect(await Promise.all(["worker-owner", "traffic", "sections"].map((key) => get(`gvfx/${key}`)))).toEqual(["legacy", "legacy", "closed"]);
    await put("gvfx/worker-owner", "nomad");
    expect(await folder.run("plan", "-input=false", "-detailed-exitcode")).toMatchObject({ status: 0 });
    expect((await folder.run("apply", "-input=false", "-auto-approve")).status).toBe(0);
    expect(await get("gvfx/worker-owner")).toBe("nomad");
  });

  test("keys that are there when the state is lost are taken over as they are", async () => {
    folder.discardState();
    expect((await folder.run("apply", "-input=false", "-auto-approve")).status).toBe(0);
    expect(await get("gvfx/worker-owner")).toBe("nomad");
  });

  test.each([
    ["retiring legacy", { "legacy.retired": true }, "watch", /Retiring legacy \(legacy\.retired\)[\s\S]*gate[\s\S]"watch"/],
    ["letting the guardian act", { "cutover.guardianMode": "act" }, "data-move", /Letting the guardian act[\s\S]*gate[\s\S]"data-move"/],
  ] as const)("%s waits for the evidence of its gate", async (_name, edits, gate, refusal) => {
    write(address, edits);
    for (const verdict of [undefined, "fail", "inconclusive"]) {
      if (verdict) await put(`gvfx/evidence/${gate}`, verdict);
      const plan = await folder.run("plan", "-input=false");
      expect(plan.status).toBe(1);
      expect(plan.output).toMatch(refusal);
    }
    await put(`gvfx/evidence/${gate}`, "pass");
    expect(await folder.run("plan", "-input=false")).toMatchObject({ status: 0 });
  });

  test("destroy takes the switches along", async () => {
    write(address, {});
    expect((await folder.run("destroy", "-input=false", "-auto-approve")).status).toBe(0);
    expect((await fetch(`${address}/v1/kv/gvfx/traffic`)).status).toBe(404);
  });
});
