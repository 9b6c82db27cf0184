/** The machines. */
import type { Environment } from "../../../environments/schema";

export interface NodeModel {
  readonly name: string;
  /** Tailnet address; undefined: read back when the machine exists. */
  readonly address: string | undefined;
  readonly role: "app" | "witness";
  /** Holds the volumes. */
  readonly data: boolean;
  /** What runs on it besides jobs. */
  readonly runs: string;
  readonly machine: string;
}

export function nodeModels(env: Environment): NodeModel[] {
  return [
    ...env.nodes.map((node) => ({
      name: node.name,
      address: node.tailnetAddress,
      role: "app" as const,
      data: node.name === env.dataPlane.node,
      runs: "Nomad server and client, Consul agent, Docker",
      machine: "exists already",
    })),
    {
      name: env.witness.name,
      address: env.witness.tailnetAddress,
      role: "witness",
      data: false,
      runs: "Nomad server, Consul agent; no jobs",
      machine: env.vultr.enabled ? `Vultr ${env.vultr.plan} in ${env.vultr.region}` : "exists already",
    },
  ];
}
