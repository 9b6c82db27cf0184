/** What a node shows that is as it should be; tests change one thing. */
import type { DiskFacts, FileFacts, NodeFacts } from "../../../scripts/doctor/probe/facts";
import { probedNodes, requiredEndpoints, type ProbedNode } from "../../../scripts/doctor/probe/plan";
import { productionEnvironment } from "./environment";
import { NODE_HOST_KEY } from "./node";

export const env = productionEnvironment();
export const [dataNode, otherNode] = probedNodes(env).map((node) => ({ ...node, hostKey: NODE_HOST_KEY })) as [ProbedNode, ProbedNode];
export const witnessNode: ProbedNode = { ...otherNode, name: "witness", role: "witness", address: "100.64.0.13" };

const GIB = 2 ** 30;
const secret: Extract<FileFacts, { state: "present" }> = { state: "present", mode: 0o600, owner: "root", isFolder: false, size: 45 };
const open: typeof secret = { ...secret, mode: 0o644 };

/** A DNS header: id, flags, one question, answers. */
export function dnsHeader(code: number, answers: number): number[] {
  return [0x67, 0x76, 0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0];
}

export function disk(path: string, freeGiB: number, filesystem = path): DiskFacts {
  return { path, existing: path, filesystem, freeBytes: freeGiB * GIB, freeInodes: 0.9 };
}

export const goodFacts: NodeFacts = {
  clock: { milliseconds: 3, uncertainty: 2 },
  system: "Linux",
  architecture: "x86_64",
  login: "deploy",
  root: true,
  synchronized: true,
  missingTools: [],
  addresses: ["127.0.0.1", "192.0.2.7", dataNode.address],
  programs: { nomad: undefined, consul: undefined },
  docker: { state: "answers", version: "27.3.1", insecureRegistries: [] },
  dockerRoot: "/var/lib/docker",
  tailscale: { version: "1.90.6", self: { name: "server-1.example-tailnet.ts.net", addresses: [dataNode.address], keyExpiry: undefined, online: true } },
  listeners: [],
  files: new Map<string, FileFacts>([["/etc/consul.d/gossip.key", secret], ["/etc/consul.d/ca.pem", open], ["/etc/nomad.d/vault-ca.pem", open], ["/etc/nomad.d/registry.json", secret], ["/srv/gvfx", { ...open, mode: 0o755, isFolder: true }]]),
  certificates: new Map(),
  gossipKeyBytes: 32,
  registryListed: true,
  credentialHelper: undefined,
  reach: new Map(requiredEndpoints(env, dataNode).map(({ endpoint }) => [`${endpoint.host}:${endpoint.port}`, "open"] as const)),
  recursors: new Map([["100.100.100.100", dnsHeader(0, 1)]]),
  disks: [disk("/var/lib/nomad", 100), disk("/var/lib/consul", 100), disk("/var/lib/docker", 100), disk("/srv/gvfx", 100)],
  syncs: new Map([["/var/lib/nomad", { folder: "/var/lib/nomad", seconds: Array<number>(100).fill(0.001) }]]),
};

export function facts(change: Partial<NodeFacts>): NodeFacts {
  return { ...goodFacts, ...change };
}

/** The facts with one file's changed. */
export function withFile(path: string, file: Partial<Extract<FileFacts, { state: "present" }>> | "absent" | "hidden", change: Partial<NodeFacts> = {}): NodeFacts {
  const now = goodFacts.files.get(path) ?? open;
  const present = now.state === "present" ? now : open;
  const changed: FileFacts = file === "absent" ? { state: "absent" } : file === "hidden" ? { state: "hidden" } : { ...present, ...file };
  return facts({ ...change, files: new Map([...goodFacts.files, [path, changed]]) });
}
