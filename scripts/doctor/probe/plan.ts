/** Which nodes are looked at, and what for. */
import { nomadPaths } from "../../../constructs/cluster/paths";
import { CLUSTER_PORTS } from "../../../contracts/services";
import type { AppNode, Environment } from "../../../environments/schema";
import type { SshTarget } from "../../clients/ssh";

/** A node that exists and can be logged in to. */
export interface ProbedNode extends SshTarget {
  readonly role: "app" | "witness";
  /** Tailnet address that the node must have. */
  readonly address: string;
  /** Full name in the tailnet; the environment does not know the witness's. */
  readonly tailnetName?: string;
  readonly holdsData: boolean;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What the probe script looks at on one node. */
export interface ProbePlan {
  /** Paths whose filesystems are measured; they may not exist yet. */
  readonly diskPaths: readonly string[];
  /** Folders whose disk is timed. */
  readonly syncPaths: readonly string[];
  /** Files whose mode and owner are looked at. */
  readonly files: readonly string[];
  /** PEM files of authorities: public. */
  readonly certificates: readonly string[];
  readonly gossipKeyFile: string;
  readonly registryFile?: { readonly path: string; readonly host: string };
  readonly credentialHelper?: string;
  readonly tools: readonly string[];
  readonly docker: boolean;
  readonly endpoints: readonly Endpoint[];
  /** Resolvers that are asked for a name. */
  readonly recursors: readonly Endpoint[];
  /** Name that a recursor is asked for. */
  readonly resolvedName: string;
}

/** What the rollout uses on a node (constructs/cluster/apply); without one of them it stops half-way through a first deploy. */
const ROLLOUT_TOOLS = ["curl", "unzip", "sha256sum", "cmp", "systemctl"] as const;

/** The app nodes, and the witness where it exists before the first deploy. */
export function probedNodes(env: Environment): ProbedNode[] {
  const { witness } = env;
  return [
    ...env.nodes.map((node): ProbedNode => ({
      name: node.name,
      role: "app",
      address: node.tailnetAddress,
      tailnetName: node.tailnetName,
      holdsData: node.name === env.dataPlane.node,
      user: node.ssh.user,
      host: node.ssh.host ?? node.tailnetAddress,
      port: node.ssh.port,
      hostKey: pinned(node),
    })),
    ...(witness.tailnetAddress && witness.ssh.hostKey
      ? [{ name: witness.name, role: "witness" as const, address: witness.tailnetAddress, holdsData: false, user: witness.ssh.user, host: witness.ssh.host ?? witness.tailnetAddress, port: witness.ssh.port, hostKey: witness.ssh.hostKey }]
      : []),
  ];
}

function pinned({ name, ssh }: AppNode): string {
  if (!ssh.hostKey) throw new Error(`${name} has no host key, so that nothing can tell it from another machine: the lab that makes it is not up; start it with: npm run lab`);
  return ssh.hostKey;
}

/** Folder of the node's volumes: the data on one app node, its backups on the other. */
export function volumesRoot(env: Environment, node: ProbedNode): string | undefined {
  return node.role === "app" ? env.nodes.find(({ name }) => name === node.name)?.volumesRoot : undefined;
}

/** Whether the Consul servers' certificates are checked, for which the nodes need the authority. */
export function consulSpeaksTls(env: Environment): boolean {
  return env.consul.address.startsWith("https:");
}

export function endpointOf(url: string): Endpoint {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname, port: Number(port || (protocol === "https:" ? 443 : 80)) };
}

/** Where a registry is reached. */
export function registryEndpoint(env: Environment): Endpoint {
  return endpointOf(`https://${env.images.registry.host}`);
}

/** Where an app node has to get to by TCP; Consul's gossip is asked by TCP, which it speaks besides UDP. */
export function requiredEndpoints(env: Environment, node: ProbedNode): { readonly endpoint: Endpoint; readonly purpose: string }[] {
  const consul = env.consul.servers.flatMap((host) => [
    { endpoint: { host, port: CLUSTER_PORTS.consulRpc }, purpose: "Consul server, RPC" },
    { endpoint: { host, port: CLUSTER_PORTS.consulSerfLan }, purpose: "Consul server, gossip" },
  ]);
  if (node.role === "witness") return consul;
  return [...consul, { endpoint: endpointOf(env.vault.address), purpose: "Vault" }, { endpoint: registryEndpoint(env), purpose: "the registry" }];
}

/** Asked of a recursor where the environment has addresses only; that it answers at all is all there is to see then. */
export const UNREAL_NAME = "gvfx.invalid";

/** A name that nodes must resolve anyhow, to download or pull what they run. */
function resolvedName({ versions, images }: Environment): string {
  const hosts = [endpointOf(versions.nomad.url).host, endpointOf(versions.consul.url).host, images.registry.host.replace(/:\d+$/, "")];
  return hosts.find((host) => host.includes(".") && !/^[\d.]+$/.test(host)) ?? UNREAL_NAME;
}

/** Public host keys in the order in which Terraform's SSH prefers them (golang.org/x/crypto/ssh, as every Go program). */
export const HOST_KEY_FILES = ["ecdsa", "rsa", "ed25519"].map((type) => `/etc/ssh/ssh_host_${type}_key.pub`);

export function probePlan(env: Environment, node: ProbedNode): ProbePlan {
  const isApp = node.role === "app";
  const volumes = volumesRoot(env, node);
  const { registry } = env.images;
  const authorities = [...(consulSpeaksTls(env) ? [env.consul.caFile] : []), ...(isApp && env.vault.caFile ? [env.vault.caFile] : [])];
  const registryFile = isApp && registry.credentials.delivery === "node-file" ? { path: registry.credentials.path, host: registry.host } : undefined;
  return {
    diskPaths: [env.nomad.dataDir, env.consul.dataDir, ...(volumes ? [volumes] : [])],
    // Backups are written in the background: nothing waits for their disk.
    syncPaths: [env.nomad.dataDir, ...(volumes && node.holdsData ? [volumes] : [])],
    files: [env.consul.gossipKeyFile, ...authorities, nomadPaths(env).certificate, ...HOST_KEY_FILES, ...(registryFile ? [registryFile.path] : []), ...(volumes ? [volumes] : [])],
    certificates: [...authorities, nomadPaths(env).certificate],
    gossipKeyFile: env.consul.gossipKeyFile,
    ...(registryFile ? { registryFile } : {}),
    ...(isApp && registry.credentials.delivery === "credential-helper" ? { credentialHelper: registry.credentials.helper } : {}),
    tools: ROLLOUT_TOOLS,
    docker: isApp,
    endpoints: requiredEndpoints(env, node).map(({ endpoint }) => endpoint),
    recursors: env.consul.recursors.map((host) => ({ host, port: CLUSTER_PORTS.dns })),
    resolvedName: resolvedName(env),
  };
}
