/** The whole command, against doubles of every service and two nodes on which the real probe script runs. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { allChecks, doctorCommand, type DoctorSurroundings } from "../../scripts/doctor/command";
import type { Verdict } from "../../scripts/doctor/check";
import { makeCertificates } from "./doubles/certificates";
import { doubledEnvironment } from "./doubles/environment";
import { FakeNetwork, fakeNodeState, OTHER_HOST_KEY, type FakeNodeState } from "./doubles/node";
import { startResolver, type Resolver } from "./doubles/resolver";
import { startDouble, type Double } from "./doubles/server";
import { consul, consulState, MINTED, registry, REGISTRY_USER, registryState, SECRETS, tailscale, tailscaleState, vault, vaultState, vultr, vultrState } from "./doubles/services";

const certificates = makeCertificates();
const files = mkdtempSync(join(tmpdir(), "gvfx-node-files-"));
const network = new FakeNetwork();
const asItShouldBe = () => ({ consul: consulState(), vault: vaultState(), registry: registryState(), tailscale: tailscaleState(), vultr: vultrState() });
let states = asItShouldBe();
const doubles: Double[] = [];
let resolver: Resolver;
let env: Environment;
let apis: { tailscale: string; vultr: string };
let routes: Record<string, number>;

function place(path: string, content: string, mode: number): void {
  mkdirSync(dirname(files + path), { recursive: true });
  writeFileSync(files + path, content);
  chmodSync(files + path, mode);
}

beforeAll(async () => {
  const tls = { cert: certificates.cert, key: certificates.key };
  const start = async (respond: Parameters<typeof startDouble>[0], secure = true): Promise<Double> => {
    const double = await startDouble(respond, secure ? tls : undefined);
    doubles.push(double);
    return double;
  };
  const consulDouble = await start((request) => consul(states.consul)(request));
  const vaultDouble = await start((request) => vault(states.vault)(request));
  const registryDouble: Double = await start((request) => registry(states.registry, () => registryDouble.url)(request));
  const tailscaleDouble = await start((request) => tailscale(states.tailscale)(request), false);
  const vultrDouble = await start((request) => vultr(states.vultr)(request), false);
  resolver = await startResolver(0);
  const host = new URL(registryDouble.url).host;
  env = doubledEnvironment({ consul: consulDouble.url, vault: vaultDouble.url, registry: host, files });
  apis = { tailscale: tailscaleDouble.url, vultr: vultrDouble.url };
  routes = { "100.100.100.100 53": resolver.port };
  for (const server of env.consul.servers) for (const port of [8300, 8301]) routes[`${server} ${port}`] = consulDouble.port;

  place("/etc/consul.d/ca.pem", certificates.ca, 0o644);
  place("/etc/nomad.d/vault-ca.pem", certificates.ca, 0o644);
  place("/etc/consul.d/gossip.key", `${Buffer.alloc(32, 7).toString("base64")}\n`, 0o600);
  place("/etc/nomad.d/registry.json", JSON.stringify({ auths: { [host]: { auth: "c2VjcmV0" } } }), 0o600);
  mkdirSync(`${files}/srv/gvfx`, { recursive: true });
  writeFileSync(`${files}/authority.pem`, certificates.ca);
});

afterAll(async () => {
  await Promise.all(doubles.map((double) => double.close()));
  await resolver.close();
  network.remove();
  rmSync(files, { recursive: true });
});

beforeEach(() => {
  states = asItShouldBe();
});

const credentials = () => ({
  CONSUL_HTTP_TOKEN: SECRETS.consul, CONSUL_CACERT: `${files}/authority.pem`,
  VAULT_TOKEN: SECRETS.vault, VAULT_CACERT: `${files}/authority.pem`,
  REGISTRY_USERNAME: REGISTRY_USER, REGISTRY_PASSWORD: SECRETS.registry, REGISTRY_CACERT: `${files}/authority.pem`,
  TAILSCALE_OAUTH_CLIENT_ID: "client", TAILSCALE_OAUTH_CLIENT_SECRET: SECRETS.oauth,
  VULTR_API_KEY: SECRETS.vultr,
});

function nodes(change: (state: FakeNodeState, number: number) => void = () => undefined): void {
  for (const number of [1, 2]) {
    const state = { ...fakeNodeState(number), routes };
    change(state, number);
    network.node(`server-${number}`, state);
  }
}

/** For runs that are about something else than what is on the nodes. */
const notLoggedIn = (state: FakeNodeState): void => { state.sshTrouble = "deploy@server: Permission denied (publickey)."; };

async function run(args: string[] = [], { variables, ...surroundings }: DoctorSurroundings = {}): Promise<{ text: string; status: number | undefined }> {
  let text = "";
  const before = process.exitCode;
  await doctorCommand({
    environment: () => env,
    variables: { PATH: network.path, HOME: files, ...(variables ?? credentials()) },
    apis,
    write: (part) => (text += part),
    terminal: false,
    ...surroundings,
  }).parseAsync(args, { from: "user" });
  const status = process.exitCode as number | undefined;
  process.exitCode = before;
  return { text, status };
}

interface JsonCheck { id: string; target: string; title: string; needs: string[]; verdict: Verdict; detail: string; mend?: string }
interface JsonReport { environment: string; verdict: Verdict; counts: Record<Verdict, number>; checks: JsonCheck[]; notChecked: { title: string; why: string; how: string }[] }

async function json(surroundings: DoctorSurroundings = {}): Promise<JsonReport & { status: number | undefined }> {
  const { text, status } = await run(["--json"], surroundings);
  return { ...(JSON.parse(text) as JsonReport), status };
}

const notPassed = (report: JsonReport): string[] => report.checks.filter((check) => check.verdict !== "pass").map((check) => `${check.id}: ${check.verdict}: ${check.detail}`);

/** Credentials, what the doubles hand out for them, and what the nodes' files hold. */
const PLANTED = [...Object.values(SECRETS), ...Object.values(MINTED), Buffer.alloc(32, 7).toString("base64"), "c2VjcmV0"];

describe("everything as the environment says", () => {
  test("each check passes, and the status is 0", async () => {
    nodes();
    const report = await json();
    expect(notPassed(report)).toEqual([]);
    expect(report).toMatchObject({ environment: "production", verdict: "pass", status: 0, counts: { fail: 0, inconclusive: 0, pass: allChecks(env).length } });
    expect(report.checks.map((check) => check.id)).toEqual(allChecks(env).map((check) => check.id));
    // The file that timed the disk is gone.
    expect(execFileSync("find", [files, "-name", ".gvfx-doctor*"], { encoding: "utf8" })).toBe("");
  });

  test("the text has a line for each check below its target, and says what is not checked", async () => {
    nodes();
    const { text, status } = await run();
    const lines = text.split("\n");
    for (const { title, target } of allChecks(env)) {
      const from = lines.indexOf(target);
      expect(from).toBeGreaterThan(0);
      expect(lines.slice(from).find((line) => line.startsWith("  ✓ pass") && line.includes(title))).toBeDefined();
    }
    expect(text).not.toContain("mend:");
    for (const secret of PLANTED) expect(text).not.toContain(secret);
    expect(text).toMatch(/– not checked\s+names below \.consul on the servers of Consul and Vault/);
    expect(text).toContain("getent hosts http.nomad.service.consul");
    expect(status).toBe(0);
  });
});

describe("no secret is printed", () => {
  test.each([
    ["when everything is refused", () => {
      states.consul.tokenKnown = false;
      states.vault.tokenKnown = false;
      states.vultr.keyAccepted = false;
      states.registry.repositories = [];
      states.tailscale.denied = ["devices", "acl", "dns"];
    }],
    ["when a service repeats it", () => {
      states.tailscale.fault = { message: `policy refused for ${SECRETS.oauth}` };
      states.consul.datacenters = [SECRETS.consul];
    }],
  ])("%s", async (_when, change) => {
    change();
    nodes(notLoggedIn);
    const outputs = [(await run()).text, (await run(["--json"])).text];
    for (const secret of PLANTED) for (const output of outputs) expect(output).not.toContain(secret);
  });

  test("what a service repeats is shown as taken out", async () => {
    states.consul.datacenters = [SECRETS.consul];
    nodes(notLoggedIn);
    const { text } = await run();
    expect(text).toContain("there is (secret), not dc1");
  });

  test("ssh is given the operator's environment without the credentials", async () => {
    nodes(notLoggedIn);
    await run();
    const environment = readFileSync(join(network.folder, "environment"), "utf8");
    expect(environment).toContain(`HOME=${files}`);
    expect(environment).toContain("VAULT_CACERT=");
    for (const secret of Object.values(SECRETS)) expect(environment).not.toContain(secret);
  });
});

test("status 3 without credentials: what needs them is inconclusive, names the variable, and nothing of it passes", async () => {
  nodes();
  const { CONSUL_CACERT, VAULT_CACERT, REGISTRY_CACERT } = credentials();
  const report = await json({ variables: { CONSUL_CACERT, VAULT_CACERT, REGISTRY_CACERT } });
  expect(report.status).toBe(3);
  expect(report.counts.fail).toBe(0);
  const unseen = report.checks.filter((check) => check.verdict === "inconclusive");
  expect(unseen.map((check) => check.id)).toEqual([...allChecks(env)].filter((check) => check.needs.some((need) => /TOKEN|KEY|PASSWORD/.test(need))).map((check) => check.id));
  for (const check of unseen) expect(check.mend).toMatch(/export [A-Z_]+=/);
});

describe("nodes that cannot be logged in to", () => {
  test("another host key fails with how to compare it, everything else of the node is inconclusive, and the status is 1", async () => {
    nodes((state, number) => { if (number === 1) state.hostKey = OTHER_HOST_KEY; });
    const report = await json();
    const [ssh, ...rest] = report.checks.filter((check) => check.target === "server-1");
    expect(ssh).toMatchObject({ id: "server-1.ssh", verdict: "fail" });
    expect(ssh.detail).toContain("server-1 shows SHA256:9Mc+/f4oH2EIUjAWSozQKnMN9oaybEPImJn3bYpwT2U, not SHA256:AKaVJcgr3wRvYceTUvHt7XhDCP+Z1BPsZ/cikNISHX0");
    expect(ssh.mend).toContain("cat /etc/ssh/ssh_host_ecdsa_key.pub");
    expect(rest.length).toBeGreaterThan(10);
    expect(new Set(rest.map((check) => check.verdict))).toEqual(new Set(["inconclusive"]));
    expect(notPassed(report).filter((line) => !line.startsWith("server-1."))).toEqual([]);
    expect(report.status).toBe(1);
  });

  test("the text mends neighbours that are mended alike once", async () => {
    nodes(notLoggedIn);
    const { text } = await run();
    expect(text).toMatch(/✗ fail\s+answers SSH with its own key\s+does not let deploy in: deploy@server: Permission denied \(publickey\)\.\n\s+mend: ssh-add the key that may log in/);
    expect(text.match(/mend: Mend server-1\.ssh first/g)).toHaveLength(1);
  });

  test("an end of the run leaves what is not done inconclusive, and ends the logins", async () => {
    nodes((state) => { state.sshDelaySeconds = 30; });
    const started = Date.now();
    const report = await json({ limit: Duration.ms(700) });
    expect(Date.now() - started).toBeLessThan(5_000);
    expect(report.checks.filter((check) => check.target === "server-1").map((check) => check.verdict)).toEqual(expect.arrayContaining(["inconclusive"]));
    expect(report.checks.some((check) => check.target === "server-1" && check.verdict === "pass")).toBe(false);
    expect(report.checks.filter((check) => check.target === "Consul").every((check) => check.verdict === "pass")).toBe(true);
    expect(report.status).toBe(3);
  });

  test("an interrupt reports what was seen, with the status of one", async () => {
    nodes((state) => { state.sshDelaySeconds = 30; });
    const listeners = process.listenerCount("SIGINT");
    setTimeout(() => process.emit("SIGINT"), 700);
    const report = await json();
    expect(report.status).toBe(130);
    expect(report.counts.pass).toBeGreaterThan(20);
    expect(process.listenerCount("SIGINT")).toBe(listeners);
  });
});

test("a variable that names no file says so before anything is asked", async () => {
  await expect(run([], { variables: { CONSUL_CACERT: "/nowhere/ca.pem" } })).rejects.toThrow(/^CONSUL_CACERT names \/nowhere\/ca\.pem, which cannot be read/);
});
