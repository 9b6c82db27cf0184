/** What is seen of a node, judged: both sides of every line. */
import { SshFailure, type SshFailureReason } from "../../scripts/clients/ssh";
import { neededSpace, percentile99, spaceOutcome, syncOutcome, volumesOutcome } from "../../scripts/doctor/checks/node-disk";
import { certificateOutcome, gossipKeyOutcome, registryCredentialsOutcome } from "../../scripts/doctor/checks/node-files";
import { addressOutcome, keyExpiryOutcome, reachOutcome, recursorsOutcome } from "../../scripts/doctor/checks/node-network";
import { legacyOutcome, portsOutcome, portUses } from "../../scripts/doctor/checks/node-ports";
import { clockCheck, dockerOutcome, loginOutcome, platformOutcome, programsOutcome } from "../../scripts/doctor/checks/node-system";
import { nodeChecks, sshTrouble } from "../../scripts/doctor/checks/nodes";
import type { Outcome } from "../../scripts/doctor/check";
import type { Listener, ReachState } from "../../scripts/doctor/probe/facts";
import { UNREAL_NAME } from "../../scripts/doctor/probe/plan";
import { disk, dataNode, dnsHeader, env, facts, goodFacts, otherNode, withFile, witnessNode } from "./doubles/facts";

const verdict = (outcome: Outcome | undefined): string | undefined => outcome?.verdict;
const mend = (outcome: Outcome | undefined): string => (outcome && outcome.verdict !== "pass" ? outcome.mend : "");

describe("clock", () => {
  test.each([
    [500, 0, "pass"],
    [-500, 0, "pass"],
    [501, 0, "fail"],
    [-501, 0, "fail"],
    [490, 10, "pass"],
    [491, 10, "inconclusive"],
    [510, 10, "inconclusive"],
    [511, 10, "fail"],
  ])("%d ms away, to %d ms: %s", (milliseconds, uncertainty, expected) => {
    expect(verdict(clockCheck(dataNode, facts({ clock: { milliseconds, uncertainty } })))).toBe(expected);
  });

  test("one that nothing keeps will drift, however right it is now", () => {
    expect(verdict(clockCheck(dataNode, facts({ synchronized: false })))).toBe("fail");
    expect(verdict(clockCheck(dataNode, facts({ synchronized: undefined })))).toBe("pass");
  });

  test("one that could not be read decides nothing", () => {
    expect(verdict(clockCheck(dataNode, facts({ clock: undefined })))).toBe("inconclusive");
  });
});

describe("synchronous writes", () => {
  const timed = (seconds: number[]) => facts({ syncs: new Map([["/var/lib/nomad", { folder: "/var/lib", seconds }]]) });

  test("the 99th percentile is that of nearest rank", () => {
    expect(percentile99(Array.from({ length: 100 }, (_, i) => i + 1))).toBe(99);
    expect(percentile99([3, 1, 2])).toBe(3);
  });

  test.each([
    ["all at 10 ms", "pass", Array<number>(100).fill(0.01)],
    ["all just above", "fail", Array<number>(100).fill(0.0101)],
    ["one slow in a hundred", "pass", [...Array<number>(99).fill(0.001), 0.5]],
    ["two slow in a hundred", "fail", [...Array<number>(98).fill(0.001), 0.5, 0.5]],
    ["20 within the limit", "pass", Array<number>(20).fill(0.001)],
    ["19, because the disk is too slow for more", "fail", Array<number>(19).fill(0.001)],
    ["none, because none was let", "inconclusive", []],
  ])("%s: %s", (_what, expected, seconds) => {
    expect(verdict(syncOutcome(dataNode, timed(seconds)))).toBe(expected);
  });

  test("a disk that was not timed decides nothing", () => {
    expect(verdict(syncOutcome(dataNode, facts({ syncs: new Map() })))).toBe("inconclusive");
  });
});

describe("disk space", () => {
  const needed = neededSpace(env, dataNode, "/var/lib/docker");
  const gib = (path: string): number => (needed.get(path)?.bytes ?? 0) / 2 ** 30;

  test("needs what the node reserves besides Nomad's own, and volumes on both app nodes: the data, and its backups", () => {
    expect(Object.fromEntries([...needed].map(([path, size]) => [path, `${size}`]))).toEqual({ "/var/lib/nomad": "15GiB", "/var/lib/consul": "1GiB", "/var/lib/docker": "20GiB", "/srv/gvfx": "20GiB" });
    expect(Object.fromEntries([...neededSpace(env, otherNode, undefined)].map(([path, size]) => [path, `${size}`]))).toEqual({ "/var/lib/nomad": "15GiB", "/var/lib/consul": "1GiB", "/srv/gvfx": "40GiB" });
  });

  test.each(["/var/lib/nomad", "/var/lib/consul", "/var/lib/docker", "/srv/gvfx"])("%s on a disk of its own: exactly enough, and a byte less", (path) => {
    const rest = goodFacts.disks.filter((d) => d.path !== path);
    expect(verdict(spaceOutcome(env, dataNode, facts({ disks: [...rest, disk(path, gib(path))] })))).toBe("pass");
    expect(verdict(spaceOutcome(env, dataNode, facts({ disks: [...rest, disk(path, gib(path) - 2 ** -30)] })))).toBe("fail");
  });

  test("paths on one disk need their sum", () => {
    const shared = (free: number) => facts({ disks: [...needed.keys()].map((path) => disk(path, free, "/dev/sda1 on /")) });
    expect(verdict(spaceOutcome(env, dataNode, shared(56)))).toBe("pass");
    expect(spaceOutcome(env, dataNode, shared(55.9))).toMatchObject({ verdict: "fail", detail: "55.9 GiB free for /var/lib/nomad, /var/lib/consul, /var/lib/docker, /srv/gvfx, which need 56.0 GiB (/dev/sda1 on /)" });
  });

  test.each([[0.1, "pass"], [0.099, "fail"], [undefined, "pass"]])("inodes %p free: %s", (freeInodes, expected) => {
    expect(verdict(spaceOutcome(env, dataNode, facts({ disks: goodFacts.disks.map((d) => ({ ...d, freeInodes })) })))).toBe(expected);
  });

  test("a disk that was not measured decides nothing", () => {
    expect(spaceOutcome(env, dataNode, facts({ disks: goodFacts.disks.slice(1) }))).toMatchObject({ verdict: "inconclusive", detail: "the disk of /var/lib/nomad could not be measured" });
  });

  test.each([["absent", "fail"], ["hidden", "inconclusive"], [{ isFolder: false }, "fail"], [{}, "pass"]] as const)("folder of the volumes %j: %s", (file, expected) => {
    for (const node of [dataNode, otherNode]) expect(verdict(volumesOutcome(node, "/srv/gvfx", withFile("/srv/gvfx", file)))).toBe(expected);
  });
});

describe("ports", () => {
  const listening = (...listeners: Listener[]) => facts({ listeners });
  const on = (port: number, address = "*", program: string | undefined = "python3", protocol: "tcp" | "udp" = "tcp"): Listener => ({ protocol, address, port, program });

  test("every port of agents, gateway and data is asked for, the last on the data node alone", () => {
    expect(portUses(env, dataNode).map((use) => `${use.protocol} ${use.port}`)).toEqual(["tcp 4646", "tcp 4647", "tcp 4648", "udp 4648", "tcp 8301", "udp 8301", "tcp 8500", "tcp 53", "udp 53", "tcp 3000", "tcp 8787", "tcp 9101", "tcp 5432", "tcp 9000", "tcp 3210", "tcp 3211"]);
    expect(portUses(env, otherNode).map((use) => use.port)).not.toContain(5432);
    expect(portUses(env, witnessNode).map((use) => use.port)).not.toContain(3000);
  });

  test.each(portUses(env, dataNode).map((use) => [`${use.protocol} ${use.port}`, use] as const))("%s taken on every address: fail, naming who", (_name, use) => {
    expect(portsOutcome(env, dataNode, listening(on(use.port, "*", "python3", use.protocol)))).toMatchObject({ verdict: "fail", detail: expect.stringContaining(`${use.protocol} ${use.port} (${use.by}) is held by python3 on *`), mend: expect.stringContaining(`ss -lntup 'sport = :${use.port}'`) });
  });

  test.each([
    ["a resolver's stub", "pass", on(53, "127.0.0.53", "systemd-resolve", "udp")],
    ["a resolver on loopback itself", "fail", on(53, "127.0.0.1", "dnsmasq", "udp")],
    ["a resolver on every address", "fail", on(53, "*", "dnsmasq", "udp")],
    ["another protocol", "pass", on(4646, "*", "python3", "udp")],
    ["another address", "pass", on(4647, "192.0.2.7")],
    ["the tailnet address", "fail", on(4647, dataNode.address)],
    ["loopback where only the tailnet is used", "pass", on(5432, "127.0.0.1", "postgres")],
    ["loopback where it is used too", "fail", on(8500, "127.0.0.1")],
    ["IPv6 alone", "pass", on(4646, "[::]")],
    ["Nomad itself", "pass", on(4646, dataNode.address, "nomad")],
    ["Consul itself", "pass", on(53, dataNode.address, "consul", "udp")],
    ["a container of somebody else", "fail", on(8787, "*", "docker-proxy")],
  ])("%s: %s", (_what, expected, listener) => {
    expect(verdict(portsOutcome(env, dataNode, listening(listener)))).toBe(expected);
  });

  test("a container's port is the platform's own where Nomad runs", () => {
    expect(portsOutcome(env, dataNode, listening(on(8787, dataNode.address, "docker-proxy"), on(4646, dataNode.address, "nomad")))).toMatchObject({ verdict: "pass", detail: expect.stringMatching(/4646, 8787 held by the platform itself$/) });
  });

  test("without root's eyes a taken port is nobody's yet", () => {
    const taken = on(4646, dataNode.address);
    expect(verdict(portsOutcome(env, dataNode, facts({ root: false, listeners: [{ ...taken, program: undefined }] })))).toBe("inconclusive");
    expect(verdict(portsOutcome(env, dataNode, facts({ root: true, listeners: [{ ...taken, program: undefined }] })))).toBe("fail");
    expect(verdict(portsOutcome(env, dataNode, facts({ listeners: undefined })))).toBe("inconclusive");
  });
});

describe("legacy on a node", () => {
  const here = (ports: Partial<typeof env.legacy.ports> = {}, rest: Partial<typeof env.legacy> = {}) => ({ ...env, legacy: { ...env.legacy, host: { ...env.legacy.host, node: "server-1", tailnetAddress: dataNode.address }, ports: { ...env.legacy.ports, ...ports }, ...rest } });
  const moved = { frontend: 13000, api: 18787, rlService: 19101 } as unknown as typeof env.legacy.ports;

  test("must leave the gateway's ports first", () => {
    expect(legacyOutcome(here(), dataNode)).toMatchObject({ verdict: "fail", detail: expect.stringContaining("3000 (legacy frontend, and the platform's frontend), 8787"), mend: expect.stringContaining("legacy.ports") });
    expect(verdict(legacyOutcome(here(moved), dataNode))).toBe("pass");
  });

  test("a Convex of its own holds a port too, on the data node", () => {
    expect(legacyOutcome(here(moved, { convexUrl: `http://${dataNode.address}:3210` }), dataNode)).toMatchObject({ verdict: "fail", detail: expect.stringContaining("3210 (legacy convex") });
    expect(verdict(legacyOutcome(here(moved, { convexUrl: `http://${dataNode.address}:13210` }), dataNode))).toBe("pass");
  });

  test("is no check where legacy is elsewhere or gone", () => {
    expect(legacyOutcome(env, dataNode)).toBeUndefined();
    expect(legacyOutcome(here(), otherNode)).toBeUndefined();
    expect(legacyOutcome(here({}, { retired: true }), dataNode)).toBeUndefined();
    expect(nodeChecks(here()).map((check) => check.id).filter((id) => id.endsWith("legacy-ports"))).toEqual(["server-1.legacy-ports"]);
  });
});

describe("files that the operator places", () => {
  const gossip = "/etc/consul.d/gossip.key";
  test.each([
    ["mode 0600", {}, 32, "pass"],
    ["mode 0400", { mode: 0o400 }, 32, "pass"],
    ["readable by its group", { mode: 0o640 }, 32, "fail"],
    ["readable by all", { mode: 0o604 }, 32, "fail"],
    ["absent", "absent", undefined, "fail"],
    ["hidden", "hidden", undefined, "inconclusive"],
    ["a folder", { isFolder: true }, undefined, "fail"],
    ["a key of 16 bytes", {}, 16, "pass"],
    ["17 bytes", {}, 17, "fail"],
    ["no base64", {}, 0, "fail"],
    ["not readable", {}, undefined, "inconclusive"],
  ] as const)("gossip key, %s", (_what, file, gossipKeyBytes, expected) => {
    expect(verdict(gossipKeyOutcome(env, withFile(gossip, file, { gossipKeyBytes })))).toBe(expected);
  });

  const registryFile = "/etc/nomad.d/registry.json";
  test.each([
    ["mode 0600, with an entry", {}, true, "pass"],
    ["mode 0644", { mode: 0o644 }, true, "fail"],
    ["without an entry", {}, false, "fail"],
    ["absent", "absent", undefined, "fail"],
    ["not readable", {}, undefined, "inconclusive"],
  ] as const)("registry credentials, %s", (_what, file, registryListed, expected) => {
    expect(verdict(registryCredentialsOutcome(env, dataNode, withFile(registryFile, file, { registryListed })))).toBe(expected);
  });

  test.each([["/usr/local/bin/docker-credential-ecr-login", "pass"], ["", "fail"], [undefined, "fail"]])("credential helper %p: %s", (credentialHelper, expected) => {
    const helped = { ...env, images: { ...env.images, registry: { host: "registry.example.com", credentials: { delivery: "credential-helper" as const, helper: "ecr-login" } } } };
    expect(verdict(registryCredentialsOutcome(helped, dataNode, facts({ credentialHelper })))).toBe(expected);
  });

  const now = new Date("2026-01-01T00:00:00Z");
  test.each([
    ["30 days left", "pass", ["2026-01-31T00:00:00Z"]],
    ["a second less", "fail", ["2026-01-30T23:59:59Z"]],
    ["a former one beside it", "pass", ["2025-06-01T00:00:00Z", "2030-01-01T00:00:00Z"]],
    ["none in the file", "fail", []],
  ])("authority, %s: %s", (_what, expected, ends) => {
    expect(verdict(certificateOutcome("/ca.pem", ends.map((validTo) => ({ validTo })), "mend", now))).toBe(expected);
  });
});

describe("platform and programs", () => {
  test.each([
    ["x86_64 for amd64", "pass", {}],
    ["aarch64", "fail", { architecture: "aarch64" }],
    ["Darwin", "fail", { system: "Darwin" }],
    ["without unzip", "fail", { missingTools: ["unzip"] }],
  ])("%s: %s", (_what, expected, change) => {
    expect(verdict(platformOutcome(env, facts(change)))).toBe(expected);
  });

  test.each([
    [undefined, undefined, "pass"],
    ["2.0.5", "1.21.4", "pass"],
    ["1.9.0", "1.21.3", "pass"],
    ["2.0.6", undefined, "fail"],
    [undefined, "1.21.5", "fail"],
  ])("nomad %p and consul %p on the node: %s", (nomad, consul, expected) => {
    expect(verdict(programsOutcome(env, facts({ programs: { nomad, consul } })))).toBe(expected);
  });

  test.each([
    ["20.10.0", false, [], "pass"],
    ["20.10.24+dfsg1", false, [], "pass"],
    ["19.03.15", false, [], "fail"],
    ["27.3.1", true, [], "fail"],
    ["27.3.1", true, ["registry.example.com"], "pass"],
  ])("engine %s, registry without TLS %p, told so %p: %s", (version, plainHttp, insecureRegistries, expected) => {
    expect(verdict(dockerOutcome(env, facts({ docker: { state: "answers", version, insecureRegistries } }), plainHttp))).toBe(expected);
  });

  test("an engine that is not there, or does not answer", () => {
    expect(verdict(dockerOutcome(env, facts({ docker: { state: "absent" } }), false))).toBe("fail");
    expect(verdict(dockerOutcome(env, facts({ docker: { state: "silent", complaint: "no daemon" } }), false))).toBe("fail");
    expect(verdict(dockerOutcome(env, facts({ root: false, docker: { state: "silent", complaint: "permission denied" } }), false))).toBe("inconclusive");
  });

  test("the login becomes root, or the deploy would stop", () => {
    expect(verdict(loginOutcome(dataNode, goodFacts))).toBe("pass");
    expect(mend(loginOutcome(dataNode, facts({ root: false })))).toContain("deploy ALL=(ALL) NOPASSWD: ALL");
  });
});

describe("network", () => {
  test("the address and the name are the environment's", () => {
    expect(verdict(addressOutcome(dataNode, goodFacts))).toBe("pass");
    expect(verdict(addressOutcome(dataNode, facts({ addresses: ["100.64.0.99"] })))).toBe("fail");
    expect(verdict(addressOutcome(dataNode, facts({ addresses: [] })))).toBe("inconclusive");
    expect(verdict(addressOutcome({ ...dataNode, tailnetName: "other.example-tailnet.ts.net" }, goodFacts))).toBe("fail");
  });

  test("a key that ends fails, however far away the end is", () => {
    const self = goodFacts.tailscale?.self;
    const ending = facts({ tailscale: { version: "1.90.6", self: self && { ...self, keyExpiry: new Date("2099-01-01T00:00:00Z") } } });
    expect(verdict(keyExpiryOutcome(dataNode, goodFacts))).toBe("pass");
    expect(keyExpiryOutcome(dataNode, ending)).toMatchObject({ verdict: "fail", mend: expect.stringContaining("Disable key expiry") });
    expect(verdict(keyExpiryOutcome(dataNode, facts({ tailscale: { version: "1.90.6", self: self && { ...self, online: false } } })))).toBe("fail");
    expect(verdict(keyExpiryOutcome(dataNode, facts({ tailscale: { version: "1.90.6", self: undefined } })))).toBe("fail");
    expect(verdict(keyExpiryOutcome(dataNode, facts({ tailscale: undefined })))).toBe("fail");
  });

  const reaching = (at: string, state: ReachState) => facts({ reach: new Map([...(goodFacts.reach ?? []), [at, state]]) });
  test.each([
    ["100.64.0.21:8300", "open", "pass"],
    ["100.64.0.21:8300", "refused", "fail"],
    ["100.64.0.21:8300", "silent", "inconclusive"],
    ["100.64.0.21:8200", "silent", "inconclusive"],
    ["registry.example.com:443", "silent", "fail"],
    ["registry.example.com:443", "unresolved", "fail"],
    ["100.64.0.22:8301", "unrouted", "fail"],
  ] as const)("%s %s: %s", (at, state, expected) => {
    expect(verdict(reachOutcome(env, dataNode, reaching(at, state)))).toBe(expected);
  });

  test("without a tailnet there is no policy to wait for", () => {
    const lab = { ...env, tailnet: { enabled: false as const, reason: "a container network" } };
    expect(verdict(reachOutcome(lab, dataNode, reaching("100.64.0.21:8300", "silent")))).toBe("fail");
    expect(verdict(reachOutcome(env, dataNode, facts({ reach: undefined })))).toBe("inconclusive");
  });

  test.each([
    ["an answer", "pass", dnsHeader(0, 1), "releases.hashicorp.com"],
    ["no answer records", "fail", dnsHeader(0, 0), "releases.hashicorp.com"],
    ["SERVFAIL", "fail", dnsHeader(2, 0), "releases.hashicorp.com"],
    ["REFUSED", "fail", dnsHeader(5, 0), "releases.hashicorp.com"],
    ["no such name, where none was meant", "pass", dnsHeader(3, 0), UNREAL_NAME],
    ["no such name", "fail", dnsHeader(3, 0), "releases.hashicorp.com"],
    ["silence", "fail", [], "releases.hashicorp.com"],
    ["another's answer", "fail", [0, 0, ...dnsHeader(0, 1).slice(2)], "releases.hashicorp.com"],
  ])("a resolver's %s: %s", (_what, expected, bytes, name) => {
    expect(verdict(recursorsOutcome(dataNode, facts({ recursors: new Map([["100.100.100.100", bytes]]) }), name))).toBe(expected);
  });

  test("resolvers that could not be asked decide nothing", () => {
    expect(verdict(recursorsOutcome(dataNode, facts({ recursors: undefined }), "releases.hashicorp.com"))).toBe("inconclusive");
  });
});

test.each<[SshFailureReason, string, RegExp]>([
  ["host-key", "fail", /ssh_host_ed25519_key\.pub/],
  ["denied", "fail", /ssh-copy-id -p 22 deploy@100\.64\.0\.11/],
  ["unreachable", "fail", /tailscale status/],
  ["no-ssh", "inconclusive", /openssh-client/],
  ["interrupted", "inconclusive", /again/],
  ["other", "fail", /ssh -p 22 deploy@100\.64\.0\.11/],
])("ssh that ends by %s is %s, with a way to mend it", (reason, expected, way) => {
  const outcome = sshTrouble(dataNode, new SshFailure(reason, "what ssh said"));
  expect(verdict(outcome)).toBe(expected);
  expect(mend(outcome)).toMatch(way);
});
