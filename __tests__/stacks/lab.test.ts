import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, type TerraformStack } from "cdktf";
import { loadEnvironment } from "../../environments/load";
import { lab as labInput } from "../../environments/lab";
import { parseEnvironment } from "../../environments/parse";
import { UNPINNED_IMAGES } from "../../contracts/images";
import { declareStacks, synthesizeGuarded } from "../../synth";
import type { TerraformJson } from "./synthesized";

interface DockerContainer {
  readonly name: string;
  readonly privileged?: boolean;
  readonly ports?: readonly { readonly ip: string; readonly external: number }[];
  readonly networks_advanced: readonly { readonly ipv4_address: string }[];
  readonly capabilities?: { readonly add: readonly string[] };
  readonly upload: readonly { readonly file: string; readonly permissions: string }[];
}

const environment = loadEnvironment("lab");
const app = new App({ outdir: mkdtempSync(join(tmpdir(), "gvfx-lab-")), stackTraces: false });
declareStacks(app, environment, UNPINNED_IMAGES);
synthesizeGuarded(app);
const read = (id: string) => JSON.parse(readFileSync(join(app.outdir, "stacks", id, "cdk.tf.json"), "utf8")) as TerraformJson;
const [lab, foundation] = [read("lab"), read("foundation")];
const containers = Object.values(lab.resource?.docker_container ?? {}) as unknown as DockerContainer[];

afterAll(() => rmSync(app.outdir, { recursive: true }));

test("every machine of the design is there, at an address of the tailnet's range", () => {
  expect(containers.map((c) => c.name.replace("gvfx-lab-", "")).sort()).toEqual(["consul-1", "consul-2", "consul-3", "device", "exchange", "legacy", "openbao", "registry", "server-1", "server-2", "witness"]);
  for (const container of containers) expect(container.networks_advanced[0].ipv4_address).toMatch(/^100\.127\.0\.\d+$/);
});

test("no container is privileged; only the nodes have capabilities", () => {
  expect(containers.filter((c) => c.privileged)).toEqual([]);
  expect(containers.filter((c) => c.capabilities).map((c) => c.name).sort()).toEqual(["gvfx-lab-server-1", "gvfx-lab-server-2", "gvfx-lab-witness"]);
});

test("ports are published on loopback only, each once", () => {
  const published = containers.flatMap((c) => c.ports ?? []);
  expect(published).toHaveLength(environment.lab!.published.length);
  expect(new Set(published.map((p) => p.ip))).toEqual(new Set(["127.0.0.1"]));
  expect(new Set(published.map((p) => p.external)).size).toBe(published.length);
});

test("keys that are uploaded are readable by their owner only", () => {
  const keys = containers.flatMap((c) => c.upload ?? []).filter(({ file }) => /key|gossip|server\.(json|hcl)$/.test(file));
  expect(keys.length).toBeGreaterThan(10);
  expect(new Set(keys.map((k) => k.permissions))).toEqual(new Set(["0600"]));
});

test("foundation comes after the machines, logs in with the lab's key, and pins each node's host key", () => {
  expect((app.node.findChild("foundation") as TerraformStack).dependencies).toContain(app.node.findChild("lab"));
  const text = JSON.stringify(foundation);
  for (const machine of ["server-1", "server-2", "witness"]) expect(text).toContain(`"host_key":"\${local.host-key-${machine}}"`);
  expect(text).toContain('"private_key":"${local.lab-ssh-key}"');
  expect(text).not.toContain('"agent":"true"');
});

test("of foundation, only Vultr and the tailnet are turned off", () => {
  const types = Object.keys(foundation.resource ?? {});
  expect(types.filter((type) => /^(vultr|tailscale)_/.test(type))).toEqual([]);
  expect(types).toEqual(expect.arrayContaining(["nomad_acl_policy", "vault_jwt_auth_backend_role", "consul_acl_auth_method", "tls_locally_signed_cert", "terraform_data"]));
  expect(environment.vultr).toMatchObject({ enabled: false, reason: expect.stringContaining("container") });
  expect(environment.tailnet).toMatchObject({ enabled: false, reason: expect.stringContaining("container network") });
});

test.each([
  ["protect", { protect: true }, /protect: is true in a lab/],
  ["an address outside the tailnet's range", { lab: { ...labInput.lab!, network: { name: "gvfx-lab", subnet: "10.0.0.0/24" } } }, /must be inside 100\.64\.0\.0\/10/],
  ["no host keys and no lab", { lab: undefined }, /nodes\[0\]\.ssh\.hostKey: is missing/],
  ["alerts in the clear outside the tailnet", { alerts: { ...labInput.alerts, destination: "http://192.0.2.1/alerts" } }, /alerts\.destination.*carries a token/],
])("planted defect: %s", (_what, change, message) => {
  expect(() => parseEnvironment("lab", { ...labInput, ...change })).toThrow(message);
});
