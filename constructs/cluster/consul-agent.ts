/** Configuration of a node's Consul agent: a client of the existing servers, and the node's DNS. */
import { CLUSTER_PORTS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import type { NodeTokens } from "../consul/consul-agent-tokens";
import type { Block } from "./nomad-agent";
import type { ClusterNode } from "./node";
import { consulPaths } from "./paths";

/** Everything but the secrets. The gossip key is added on the node, from its own file. */
export function consulAgentConfig(env: Environment, node: ClusterNode): Block {
  const { consul } = env;
  return {
    node_name: node.name,
    datacenter: consul.datacenter,
    domain: consul.domain,
    data_dir: consul.dataDir,
    server: false,
    log_level: "INFO",
    disable_update_check: true,
    disable_anonymous_signature: true,
    bind_addr: node.address,
    advertise_addr: node.address,
    retry_join: consul.servers,
    // Ten seconds: a node that starts before its network is complete is not gone for half a minute.
    retry_interval: "10s",
    // An agent that leaves takes its node's sessions with it, the worker's lease among them (measured); a restart does not.
    leave_on_terminate: false,
    // The default for clients is to leave on SIGINT; see above.
    skip_leave_on_interrupt: true,
    addresses: {
      // Containers reach the tailnet address and not loopback. Plain HTTP: the tailnet encrypts, tokens and default deny guard.
      http: `127.0.0.1 ${node.address}`,
      dns: `127.0.0.1 ${node.address}`,
    },
    // Split DNS of a tailnet speaks port 53 only.
    ports: { http: CLUSTER_PORTS.consulHttp, https: -1, dns: CLUSTER_PORTS.dns, grpc: -1, grpc_tls: -1, serf_lan: CLUSTER_PORTS.consulSerfLan },
    recursors: consul.recursors,
    ...tls(env),
    acl: {
      enabled: true,
      default_policy: "deny",
      // While the servers cannot be asked, what was allowed stays allowed: DNS outlives an outage.
      down_policy: "extend-cache",
    },
    telemetry: { prometheus_retention_time: "1m", disable_hostname: true },
  };
}

/** Servers whose API speaks TLS speak it among agents too. */
function tls(env: Environment): Block {
  if (!env.consul.address.startsWith("https:")) return {};
  return {
    tls: {
      defaults: { ca_file: consulPaths(env).ca, verify_outgoing: true },
      internal_rpc: { verify_server_hostname: true },
    },
    ...(env.consul.autoEncrypt ? { auto_encrypt: { tls: true } } : {}),
  };
}

/** Tokens for itself and for DNS; none as default, which would lend it to every request that brings none. */
export function consulAgentSecrets(tokens: Pick<NodeTokens, "agent" | "dns">): Block {
  return { acl: { tokens: { agent: tokens.agent, dns: tokens.dns } } };
}
