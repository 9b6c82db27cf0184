/** What is seen around a node, judged: ports, legacy beside it, network, and SSH that fails. */
import { SshFailure, type SshFailureReason } from "../../scripts/clients/ssh";
import { addressOutcome, keyExpiryOutcome, reachOutcome, recursorsOutcome } from "../../scripts/doctor/checks/node-network";
import { legacyOutcome, portsOutcome, portUses } from "../../scripts/doctor/checks/node-ports";
import { nodeChecks, sshTrouble } from "../../scripts/doctor/checks/nodes";
import type { Outcome } from "../../scripts/doctor/check";
import type { Listener, ReachState } from "../../scripts/doctor/probe/facts";
import { UNREAL_NAME } from "../../scripts/doctor/probe/plan";
import { dataNode, dnsHeader, env, facts, goodFacts, otherNode, witnessNode } from "./doubles/facts";

const verdict = (outcome: Outcome | undefined): string | undefined => outcome?.verdict;
const mend = (outcome: Outcome | undefined): string => (outcome && outcome.verdict !== "pass" ? outcome.mend : "");

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
  ["host-key", "fail", /ssh_host_ecdsa_key\.pub/],
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
