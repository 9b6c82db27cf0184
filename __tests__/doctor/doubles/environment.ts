/** Production, with its addresses leading to doubles. */
import { parseEnvironment } from "../../../environments/parse";
import { production } from "../../../environments/production";
import type { Environment } from "../../../environments/schema";
import { NODE_HOST_KEY } from "./node";

export function productionEnvironment(): Environment {
  return parseEnvironment("production", production);
}

export interface Addresses {
  readonly consul?: string;
  readonly vault?: string;
  readonly registry?: string;
  /** Folder in which the nodes keep their files. */
  readonly files?: string;
}

/** Nodes are reached by their names, which the double of ssh knows. */
export function doubledEnvironment({ consul, vault, registry, files }: Addresses = {}): Environment {
  const env = productionEnvironment();
  const at = (path: string): string => (files === undefined ? path : files + path);
  const host = registry ?? env.images.registry.host;
  return {
    ...env,
    nodes: env.nodes.map((node) => ({ ...node, volumesRoot: at(node.volumesRoot), ssh: { ...node.ssh, host: node.name, hostKey: NODE_HOST_KEY } })),
    nomad: { ...env.nomad, dataDir: at(env.nomad.dataDir) },
    consul: { ...env.consul, address: consul ?? env.consul.address, caFile: at(env.consul.caFile), gossipKeyFile: at(env.consul.gossipKeyFile), dataDir: at(env.consul.dataDir) },
    vault: { ...env.vault, address: vault ?? env.vault.address, caFile: at("/etc/nomad.d/vault-ca.pem"), ...(vault ? { servers: ["127.0.0.1"] } : {}) },
    images: {
      ...env.images,
      registry: { host, credentials: { delivery: "node-file", path: at("/etc/nomad.d/registry.json") } },
      backend: `${host}/tv-goldviewfx-backend`,
      frontend: `${host}/tv-goldviewfx-frontend`,
      rlService: `${host}/tv-goldviewfx-rl-service`,
    },
  };
}
