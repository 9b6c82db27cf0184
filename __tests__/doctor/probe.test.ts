/** The real probe script, run by sh through a double of ssh, on a node whose tools are doubles. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fingerprint, runScript, sshArguments, SshFailure } from "../../scripts/clients/ssh";
import { PROBE_BODY } from "../../scripts/doctor/probe/body";
import type { NodeFacts } from "../../scripts/doctor/probe/facts";
import { parseFacts, UnreadableFacts } from "../../scripts/doctor/probe/parse-facts";
import { probedNodes, probePlan, type ProbePlan, type ProbedNode } from "../../scripts/doctor/probe/plan";
import { clockSample, probeNode } from "../../scripts/doctor/probe/probe";
import { BEGIN, END, probeScript, SYNC_SAMPLES } from "../../scripts/doctor/probe/script";
import { doubledEnvironment, productionEnvironment } from "./doubles/environment";
import { FakeNetwork, fakeNodeState, NODE_HOST_KEY, OTHER_HOST_KEY, type FakeNodeState } from "./doubles/node";
import { startResolver } from "./doubles/resolver";
import { startDouble } from "./doubles/server";

const files = mkdtempSync(join(tmpdir(), "gvfx-probe-"));
const network = new FakeNetwork();
const env = doubledEnvironment({ files });
const node = probedNodes(env)[0];
const quiet: ProbePlan = { ...probePlan(env, node), endpoints: [], recursors: [], syncPaths: [] };

afterAll(() => {
  network.remove();
  rmSync(files, { recursive: true });
});

function probe(change: (state: FakeNodeState) => void = () => undefined, plan: Partial<ProbePlan> = {}): Promise<NodeFacts> {
  const state = fakeNodeState(1);
  change(state);
  network.node("server-1", state);
  return probeNode(node, { ...quiet, ...plan }, { variables: { PATH: network.path } });
}

test("is a script that sh and bash can read", () => {
  for (const shell of ["sh", "bash"]) execFileSync(shell, ["-n"], { input: probeScript(probePlan(env, node)) });
  expect(PROBE_BODY).not.toContain("${");
});

test("quotes whatever an environment says", async () => {
  const name = `${files}/it's $(touch ${files}/planted) \`touch ${files}/planted\``;
  const facts = await probe(undefined, { files: [name] });
  expect(facts.files.get(name)).toEqual({ state: "absent" });
  expect(readdirSync(files)).not.toContain("planted");
});

test("says what the node is", async () => {
  const facts = await probe((state) => { state.nomad = "2.0.5"; state.consul = "1.21.4"; });
  expect(facts).toMatchObject({ system: "Linux", architecture: "x86_64", login: "deploy", root: true, synchronized: true, missingTools: [], programs: { nomad: "2.0.5", consul: "1.21.4" }, docker: { state: "answers", version: "27.3.1" }, dockerRoot: "/var/lib/docker", addresses: ["127.0.0.1", "100.64.0.11"] });
  expect(facts.tailscale).toEqual({ version: "1.90.6", self: { name: "server-1.example-tailnet.ts.net", addresses: ["100.64.0.11"], keyExpiry: undefined, online: true } });
  expect(facts.listeners).toContainEqual({ protocol: "udp", address: "127.0.0.53", port: 53, program: "systemd-resolve" });
  expect(facts.listeners).toContainEqual({ protocol: "tcp", address: "*", port: 22, program: "sshd" });
});

test("says what is wrong with it", async () => {
  const facts = await probe((state) => Object.assign(state, { root: false, synchronized: "no", docker: "silent", keyExpiry: "2027-01-01T00:00:00Z", architecture: "aarch64" } satisfies Partial<FakeNodeState>));
  expect(facts).toMatchObject({ root: false, login: "deploy", synchronized: false, architecture: "aarch64", docker: { state: "silent", complaint: "Cannot connect to the Docker daemon" }, programs: { nomad: undefined, consul: undefined } });
  expect(facts.tailscale?.self?.keyExpiry).toEqual(new Date("2027-01-01T00:00:00Z"));
});

test.each([0, 800, -3_000])("reads a clock that is %d ms away, less the travel time", async (offset) => {
  const { clock } = await probe((state) => { state.clockOffsetMs = offset; });
  expect(Math.abs((clock?.milliseconds ?? Infinity) - offset)).toBeLessThanOrEqual((clock?.uncertainty ?? 0) + 1);
  expect(clock?.uncertainty).toBeLessThan(400);
});

test("takes half of the travel time out, and whole seconds for what they are", () => {
  expect(clockSample("1795543741123456789", 1_795_543_741_000, 1_795_543_741_100)).toEqual({ milliseconds: expect.closeTo(73.46, 1), uncertainty: 50 });
  expect(clockSample("1795543741%N", 1_795_543_741_000, 1_795_543_741_100)).toEqual({ milliseconds: 450, uncertainty: 550 });
  expect(clockSample("", 0, 0)).toBeUndefined();
});

test("times each of a hundred synchronous writes, in the nearest folder that exists, and removes what it wrote", async () => {
  const facts = await probe((state) => { state.writes = undefined; }, { syncPaths: [`${files}/var/lib/nomad`] });
  const { folder, seconds } = facts.syncs.get(`${files}/var/lib/nomad`)!;
  expect(folder).toBe(files);
  expect(seconds.length).toBeGreaterThan(0);
  expect(seconds.length).toBeLessThanOrEqual(SYNC_SAMPLES);
  expect(seconds.every((s) => s > 0 && s < 10)).toBe(true);
  expect(readdirSync(files).filter((name) => name.includes("doctor"))).toEqual([]);
});

test("times a disk once, whatever lies on it", async () => {
  const facts = await probe((state) => { state.writes = [0.002, 0.03]; }, { syncPaths: [env.nomad.dataDir, `${files}/srv`] });
  expect([...facts.syncs.keys()]).toEqual([env.nomad.dataDir]);
  expect(facts.syncs.get(env.nomad.dataDir)?.seconds).toEqual(Array.from({ length: SYNC_SAMPLES }, (_, i) => [0.002, 0.03][i % 2]));
});

test("measures disks, Docker's own among them", async () => {
  const { disks } = await probe((state) => { state.freeGiB = 12; });
  expect(disks.map(({ path, filesystem, freeBytes, freeInodes }) => ({ path, filesystem, freeBytes, freeInodes }))).toEqual(
    [env.nomad.dataDir, env.consul.dataDir, `${files}/srv/gvfx`, "/var/lib/docker"].map((path) => ({ path, filesystem: "/dev/sda1 on /", freeBytes: 12 * 2 ** 30, freeInodes: 0.9 })),
  );
});

test("looks at files by mode and owner, and lets no secret out", async () => {
  const key = Buffer.alloc(32, 9).toString("base64");
  mkdirSync(`${files}/etc/consul.d`, { recursive: true });
  mkdirSync(`${files}/etc/nomad.d`, { recursive: true });
  writeFileSync(env.consul.gossipKeyFile, `${key}\n`, { mode: 0o640 });
  writeFileSync(`${files}/etc/nomad.d/registry.json`, '{"auths":{"registry.example.com":{"auth":"cGxhbnRlZA=="}}}', { mode: 0o600 });
  network.node("server-1", fakeNodeState(1));
  const lines = await runScript(node, probeScript(quiet), { variables: { PATH: network.path }, onLine: (line, answer) => { if (line === "@clock?") answer(""); } });
  const facts = parseFacts(lines, undefined);
  expect(facts.files.get(env.consul.gossipKeyFile)).toMatchObject({ state: "present", mode: 0o640, isFolder: false, size: 45 });
  expect(facts.files.get(env.consul.caFile)).toEqual({ state: "absent" });
  expect(facts).toMatchObject({ gossipKeyBytes: 32, registryListed: true });
  expect(lines.join("\n")).not.toContain(key);
  expect(lines.join("\n")).not.toContain("cGxhbnRlZA");
});

test("tells an open port from a closed one and a name that is none, and asks a resolver", async () => {
  const open = await startDouble(() => ({}));
  const closed = await startDouble(() => ({}));
  await closed.close();
  const good = await startResolver(0);
  const bad = await startResolver(2);
  const facts = await probe((state) => { state.routes = { "100.64.0.21 8300": open.port, "100.64.0.22 53": good.port, "100.64.0.23 53": bad.port }; }, {
    endpoints: [{ host: "100.64.0.21", port: 8300 }, { host: "127.0.0.1", port: closed.port }, { host: "no-such-name.invalid", port: 443 }],
    recursors: ["100.64.0.22", "100.64.0.23"].map((host) => ({ host, port: 53 })),
  });
  await Promise.all([open.close(), good.close(), bad.close()]);
  expect(facts.reach).toEqual(new Map([["100.64.0.21:8300", "open"], [`127.0.0.1:${closed.port}`, "refused"], ["no-such-name.invalid:443", "unresolved"]]));
  expect(facts.recursors?.get("100.64.0.22")?.slice(0, 4)).toEqual([0x67, 0x76, 0x81, 0x80]);
  expect(facts.recursors?.get("100.64.0.23")?.[3]).toBe(0x82);
});

test("facts are read between its own first and last line alone", () => {
  expect(parseFacts(["Welcome!", "system=Fake", BEGIN, "system=Linux", END, "bye"], undefined).system).toBe("Linux");
  expect(() => parseFacts(["system=Linux"], undefined)).toThrow(UnreadableFacts);
  expect(() => parseFacts([BEGIN, "system=Linux"], undefined)).toThrow(UnreadableFacts);
});

test.each([
  ['tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=1,fd=4))', { address: "[::]", port: 22, program: "sshd" }],
  ["tcp LISTEN 0 128 *:4646 *:*", { address: "*", port: 4646, program: undefined }],
  ["udp UNCONN 0 0 :::53 :::*", { address: "*", port: 53 }],
  ['tcp LISTEN 0 128 100.64.0.11%tailscale0:53 0.0.0.0:* users:(("consul",pid=1,fd=4),("consul",pid=1,fd=5))', { address: "100.64.0.11", port: 53, program: "consul" }],
])("a line of ss: %s", (line, expected) => {
  expect(parseFacts([BEGIN, "listening=known", `listener=${line}`, END], undefined).listeners).toEqual([expect.objectContaining(expected)]);
});

describe("ssh", () => {
  test("pins the key by the node's name, and shares no connection that was checked otherwise", () => {
    const args = sshArguments(node, "/tmp/known");
    expect(args).toEqual(expect.arrayContaining(["StrictHostKeyChecking=yes", "HostKeyAlias=server-1", "UserKnownHostsFile=/tmp/known", "GlobalKnownHostsFile=/dev/null", "HostKeyAlgorithms=ecdsa-sha2-nistp256", "BatchMode=yes", "ControlPath=none", "ConnectTimeout=5"]));
    expect(sshArguments({ ...node, hostKey: "ssh-rsa AAAA" }, "/tmp/known")).toContain("HostKeyAlgorithms=rsa-sha2-512,rsa-sha2-256");
    expect(args.slice(-3, -1)).toEqual(["--", "server-1"]);
  });

  test("leaves no file behind, whether the login works or not", async () => {
    const knownHosts = (): string => readFileSync(join(network.folder, "known"), "utf8");
    network.node("server-1", { ...fakeNodeState(1), hostKey: OTHER_HOST_KEY });
    const failure = await runScript(node, "echo ran", { variables: { PATH: network.path } }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SshFailure);
    expect(failure).toMatchObject({ reason: "host-key", message: expect.stringContaining(fingerprint(NODE_HOST_KEY)) });
    expect(existsSync(knownHosts())).toBe(false);
    network.node("server-1", fakeNodeState(1));
    expect(await runScript(node, "echo ran", { variables: { PATH: network.path } })).toEqual(["ran"]);
    expect(knownHosts()).toMatch(/known_hosts$/);
    expect(existsSync(knownHosts())).toBe(false);
  });

  test.each([
    ["ssh: connect to host 100.64.0.11 port 22: Connection timed out", "unreachable"],
    ["ssh: Could not resolve hostname server-1: Name or service not known", "unreachable"],
    ["deploy@100.64.0.11: Permission denied (publickey).", "denied"],
    ["No ED25519 host key is known for server-1 and you have requested strict checking.\nHost key verification failed.", "host-key"],
    ["Unable to negotiate with 100.64.0.11 port 22: no matching host key type found. Their offer: ssh-rsa", "host-key"],
    ["Bad configuration option: foo", "other"],
  ])("%s", async (sshTrouble, reason) => {
    network.node("server-1", { ...fakeNodeState(1), sshTrouble });
    await expect(runScript(node, "true", { variables: { PATH: network.path } })).rejects.toMatchObject({ reason });
  });

  test("a machine without ssh says so", async () => {
    await expect(runScript(node, "true", { variables: { PATH: files } })).rejects.toMatchObject({ reason: "no-ssh" });
  });
});

test("the witness is looked at where it exists, and for what it has", () => {
  const production = productionEnvironment();
  expect(probedNodes(production).map((n) => n.name)).toEqual(["server-1", "server-2"]);
  const existing = { ...production, witness: { ...production.witness, tailnetAddress: "100.64.0.13", ssh: { ...production.witness.ssh, hostKey: NODE_HOST_KEY } } };
  const witness = probedNodes(existing)[2] as ProbedNode;
  expect(witness).toMatchObject({ name: "witness", role: "witness", address: "100.64.0.13", holdsData: false });
  const plan = probePlan(existing, witness);
  expect(plan).toMatchObject({ docker: false, certificates: ["/etc/consul.d/ca.pem", "/etc/nomad.d/tls/agent.pem"], syncPaths: ["/var/lib/nomad"] });
  expect(plan.registryFile).toBeUndefined();
  expect(plan.endpoints.map(({ port }) => port)).toEqual([8300, 8301, 8300, 8301, 8300, 8301]);
});
