/** The three nodes of the cluster, in one place: who they are, where they are, and how they are reached. */
import type { Port } from "../../contracts/units";
import type { AppNode, Environment } from "../../environments/schema";

/** Where and how the operator's machine speaks SSH with a node. */
export interface NodeSsh {
  readonly user: string;
  readonly host: string;
  readonly port: Port;
  /** Public host key, `ssh-ed25519 AAAA…`. A node that answers with another one is not spoken to. */
  readonly hostKey: string;
}

interface Node {
  readonly name: string;
  /** Tailnet address: literal, or a Terraform expression while Vultr has yet to make the machine. */
  readonly address: string;
  readonly ssh: NodeSsh;
}

/** Server and client in one agent. */
export interface AppClusterNode extends Node {
  readonly role: "app";
  readonly spec: AppNode;
  /** Holds the volumes of the stateful jobs. */
  readonly holdsData: boolean;
}

/** Server only: it votes, and runs nothing. */
export interface WitnessClusterNode extends Node {
  readonly role: "witness";
}

export type ClusterNode = AppClusterNode | WitnessClusterNode;

/** What is known of the witness only once Vultr has made it. */
export interface MadeWitness {
  readonly address: string;
  readonly hostKey: string;
}

/**
 * The nodes, app nodes first.
 * @param made address and host key of the witness that this stack makes; left out when the environment names an existing one
 * @param labHostKeys host keys by node, where the lab makes the machines
 * @throws Error when neither says where the witness is, or a node has no host key
 */
export function clusterNodes(env: Environment, made?: MadeWitness, labHostKeys: Readonly<Record<string, string>> = {}): readonly ClusterNode[] {
  const address = made?.address ?? env.witness.tailnetAddress;
  const hostKey = made?.hostKey ?? env.witness.ssh.hostKey ?? labHostKeys[env.witness.name];
  if (address === undefined || hostKey === undefined) {
    throw new Error(`the witness "${env.witness.name}" has no ${address === undefined ? "tailnet address" : "host key"}: the cluster would be two servers, which stop when one is lost; pass what the Witness construct made, or name an existing machine in the environment (witness.tailnetAddress, witness.ssh.hostKey)`);
  }
  return [
    ...env.nodes.map((spec): AppClusterNode => ({
      role: "app",
      name: spec.name,
      address: spec.tailnetAddress,
      ssh: { user: spec.ssh.user, host: spec.ssh.host ?? spec.tailnetAddress, port: spec.ssh.port, hostKey: pinnedKey(spec, labHostKeys) },
      spec,
      holdsData: spec.name === env.dataPlane.node,
    })),
    { role: "witness", name: env.witness.name, address, ssh: { user: env.witness.ssh.user, host: env.witness.ssh.host ?? address, port: env.witness.ssh.port, hostKey } },
  ];
}

function pinnedKey({ name, ssh }: AppNode, labHostKeys: Readonly<Record<string, string>>): string {
  const key = ssh.hostKey ?? labHostKeys[name];
  if (key === undefined) throw new Error(`${name} has no SSH host key, so whoever answers at ${ssh.host ?? "its address"} would be given the cluster's keys; set ssh.hostKey to the node's /etc/ssh/ssh_host_ecdsa_key.pub`);
  return key;
}

/**
 * The order in which running nodes take a change. The witness first: it carries
 * no work, so that a bad change shows there; the data node last, since it is
 * the one that cannot be replaced.
 */
export function rolloutOrder(nodes: readonly ClusterNode[]): readonly ClusterNode[] {
  const rank = (node: ClusterNode): number => (node.role === "witness" ? 0 : node.holdsData ? 2 : 1);
  return [...nodes].sort((a, b) => rank(a) - rank(b));
}
