import type { FileFacts } from "../../scripts/doctor/probe/facts";
import type { X509Certificate } from "node:crypto";
/** What is seen of a node, judged: both sides of every line. */
import { neededSpace, percentile99, spaceOutcome, syncOutcome, volumesOutcome } from "../../scripts/doctor/checks/node-disk";
import { agentCertificateOutcome, certificateOutcome, gossipKeyOutcome, registryCredentialsOutcome } from "../../scripts/doctor/checks/node-files";
import { clockCheck, dockerOutcome, loginOutcome, platformOutcome, programsOutcome, hostKeyOutcome } from "../../scripts/doctor/checks/node-system";
import type { Outcome } from "../../scripts/doctor/check";
import { disk, dataNode, env, facts, goodFacts, otherNode, withFile } from "./doubles/facts";

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

describe("the host key that Terraform compares", () => {
  const has = (...types: string[]) => facts({ files: new Map<string, FileFacts>(types.map((type) => [`/etc/ssh/ssh_host_${type}_key.pub`, { state: "present", mode: 0o644, owner: "root", isFolder: false, size: 1 }])) });
  const pinning = (hostKey: string) => ({ name: "server-1", host: "100.64.0.11", hostKey });
  test.each([
    ["ecdsa-sha2-nistp256 AAAA", ["ecdsa", "ed25519"], "pass"],
    ["ssh-ed25519 AAAA", ["ed25519"], "pass"],
    ["ssh-ed25519 AAAA", ["ecdsa", "ed25519"], "fail"],
    ["ssh-ed25519 AAAA", ["rsa", "ed25519"], "fail"],
    ["ssh-rsa AAAA", ["rsa", "ed25519"], "pass"],
    // Where sshd keeps its keys elsewhere, nothing is known.
    ["ssh-ed25519 AAAA", [], "pass"],
  ])("%s on a node with %p: %s", (hostKey, types, expected) => {
    const outcome = hostKeyOutcome(pinning(hostKey), has(...types));
    expect(verdict(outcome)).toBe(expected);
    if (expected === "fail") expect(outcome).toMatchObject({ detail: expect.stringMatching(/ed25519 is pinned, and Terraform would be shown/), mend: expect.stringMatching(/ssh 100\.64\.0\.11 cat \/etc\/ssh\/ssh_host_/) });
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

  test.each([
    ["60 days left", "open", "2026-03-02T00:00:00Z", "pass"],
    ["a second less", "open", "2026-03-01T23:59:59Z", "fail"],
    ["no certificate in the file", "open", undefined, "fail"],
    ["before foundation", "absent", undefined, "pass"],
    ["hidden", "hidden", undefined, "inconclusive"],
  ] as const)("certificate of Nomad's agent, %s", (_what, file, validTo, expected) => {
    const path = "/etc/nomad.d/tls/agent.pem";
    const certificates = new Map([[path, validTo === undefined ? [] : [{ validTo } as X509Certificate]]]);
    expect(verdict(agentCertificateOutcome(env, withFile(path, file === "open" ? {} : file, { certificates }), new Date("2026-01-01T00:00:00Z")))).toBe(expected);
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

  test("a range of addresses that has the registry's counts; planted: one that has it not does not", () => {
    const at = (host: string, insecureRegistries: readonly string[]) => verdict(dockerOutcome({ images: { ...env.images, registry: { ...env.images.registry, host } } }, facts({ docker: { state: "answers", version: "27.3.1", insecureRegistries } }), true));
    expect([at("100.127.0.41:5000", ["100.127.0.0/24"]), at("100.127.1.41:5000", ["100.127.0.0/24"]), at("registry.example.com", ["100.127.0.0/24"])]).toEqual(["pass", "fail", "fail"]);
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
