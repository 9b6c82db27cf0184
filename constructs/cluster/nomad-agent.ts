/** Configuration of a node's Nomad agent, as the JSON that `nomad agent -config` reads. */
import { consulAuthMethod, CONSUL_AUDIENCE, VAULT_AUDIENCE } from "../../contracts/identity";
import { MAX_KILL_TIMEOUT } from "../../contracts/singleton";
import { CLUSTER_PORTS, HOST_NETWORK, NODE_CLASS, TAILNET_CIDR } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import { hostVolume, VOLUME_JOBS } from "../../contracts/volumes";
import type { Environment } from "../../environments/schema";
import { nomadPaths } from "./paths";
import type { AppClusterNode, ClusterNode } from "./node";

/** A block of agent configuration. */
export type Block = Readonly<Record<string, unknown>>;

/** A node that takes over in a failover must not wait for a registry that may be gone too; three minutes is the default. */
const IMAGE_DELAY = Duration.days(30);
/** Identities are exchanged for a token at once and renewed by Nomad; an hour bounds what a leaked one is worth. */
const IDENTITY_TTL = Duration.hours(1);
/** Often enough that three machines started by one deploy find each other within it. */
const RETRY_JOIN_INTERVAL = Duration.seconds(5);

/**
 * Everything but the secrets, which `nomadAgentSecrets` holds. JSON, whose reader
 * takes a labelled block as a list of one-key objects; a plugin's nested blocks
 * are lists too, or their keys are refused.
 * @param nodes the whole cluster; its servers are listed literally, so that joining needs neither DNS nor Consul
 */
export function nomadAgentConfig(env: Environment, node: ClusterNode, nodes: readonly ClusterNode[]): Block {
  const { nomad } = env;
  const paths = nomadPaths(env);
  return {
    name: node.name,
    region: nomad.region,
    datacenter: nomad.datacenter,
    data_dir: nomad.dataDir,
    log_level: "INFO",
    // Nothing is asked of or told to the world outside the tailnet.
    disable_update_check: true,
    bind_addr: node.address,
    // Loopback too: the operator on the node needs no certificate name but localhost.
    addresses: { http: `${node.address} 127.0.0.1` },
    advertise: { http: node.address, rpc: node.address, serf: node.address },
    // A stopped agent is a node that will come back. Leaving would take a voter out of the quorum at every restart.
    leave_on_interrupt: false,
    leave_on_terminate: false,
    acl: { enabled: true },
    tls: {
      http: true,
      rpc: true,
      ca_file: paths.ca,
      cert_file: paths.certificate,
      key_file: paths.key,
      verify_server_hostname: true,
      // Vault and Consul fetch JWKS without a client certificate; tokens guard the HTTP API.
      verify_https_client: false,
    },
    // A server that falls silent is noticed within both times together, by default after 40 s: clients would not reach another within the
    // grace, and their healthy nodes be down (inequality silent-server). HashiCorp advises the default; Raft's own lease of 0.5 s is stricter.
    rpc: { keep_alive_interval: `${nomad.rpcKeepAliveInterval}`, connection_write_timeout: `${nomad.rpcConnectionWriteTimeout}` },
    server: serverBlock(env, nodes),
    // Three voters stay three in the Raft configuration while one is away: a restart never shrinks the cluster to two. Read when the cluster is formed, never after.
    autopilot: { min_quorum: nodes.length },
    client: node.role === "app" ? clientBlock(node) : { enabled: false },
    ...(node.role === "app" ? { plugin: [{ docker: [{ config: [dockerPlugin(env)] }] }] } : {}),
    consul: consulBlock(env),
    vault: vaultBlock(env, node),
    // The rollout reads from it whether a server may be lost.
    telemetry: { prometheus_metrics: true, publish_allocation_metrics: true, publish_node_metrics: true, disable_hostname: true },
  };
}

/** What must not be in the readable file: the token under which the agent registers itself in Consul. */
export function nomadAgentSecrets(secrets: { readonly consulToken: string }): Block {
  return { consul: { token: secrets.consulToken } };
}

/**
 * Serf's keyring, as an agent reads it at its start (command/agent/keyring.go): it encrypts with the first key, and
 * understands all of them. `server.encrypt` would be looked at only while there is no such file, and be in the way after.
 */
export function serfKeyring(keys: readonly string[]): string {
  return `${JSON.stringify(keys)}\n`;
}

function serverBlock({ nomad }: Environment, nodes: readonly ClusterNode[]): Block {
  return {
    enabled: true,
    bootstrap_expect: nodes.length,
    server_join: { retry_join: nodes.map((n) => n.address), retry_interval: `${RETRY_JOIN_INTERVAL}` },
    // A node is down once or twice minHeartbeatTtl, and heartbeatGrace, after its last heartbeat (inequality detection).
    min_heartbeat_ttl: `${nomad.minHeartbeatTtl}`,
    heartbeat_grace: `${nomad.heartbeatGrace}`,
    // A new leader gives every node this long; by default five minutes, in which a lost worker is not replaced (inequality
    // detection-leader). With 15 s, ten minutes without a quorum ended with the worker started anew: its healthy node had
    // not yet tried again (lab; inequality failover-retry).
    failover_heartbeat_ttl: `${nomad.failoverHeartbeatTtl}`,
  };
}

function clientBlock(node: AppClusterNode): Block {
  const { reserved, volumesRoot } = node.spec;
  return {
    enabled: true,
    node_class: NODE_CLASS.app,
    // A port without a host network would be published on the interface of the default route: here that is the tailnet's as well.
    network_interface: `{{ GetAllInterfaces | include "network" "${TAILNET_CIDR}" | attr "name" }}`,
    host_network: [{ [HOST_NETWORK]: { cidr: TAILNET_CIDR } }],
    meta: { tailnet_address: node.address, node: node.name },
    reserved: { cpu: reserved.cpuMhz, memory: reserved.memory.mib, disk: reserved.disk.mib },
    max_kill_timeout: `${MAX_KILL_TIMEOUT}`,
    options: {
      // Tailnet nodes have no metadata service; the probes for one would leave the tailnet, and each start would wait for them.
      "fingerprint.denylist": "env_aws,env_azure,env_digitalocean,env_gce",
      // Containers only: exec runs beside the keys, and would inherit the agent's protection from the OOM killer.
      "driver.allowlist": "docker",
    },
    // Without limit: by default a template gives up after about five minutes of an outage of Consul, Vault or Nomad, and its task is killed.
    template: { consul_retry: { attempts: 0 }, vault_retry: { attempts: 0 }, nomad_retry: { attempts: 0 } },
    host_volume: VOLUME_JOBS.map((job) => ({ [hostVolume(job)]: { path: volumeFolder(volumesRoot, hostVolume(job)) } })),
  };
}

/** Folder of a host volume on its node. */
export function volumeFolder(root: string, volume: string): string {
  return `${root}/${volume}`;
}

function dockerPlugin({ images }: Environment): Block {
  const { credentials } = images.registry;
  return {
    // Jobs mount named host volumes only, never a path of the node.
    volumes: { enabled: false },
    gc: { image_delay: `${IMAGE_DELAY}` },
    ...(credentials.delivery === "node-file" ? { auth: { config: credentials.path } } : {}),
    ...(credentials.delivery === "credential-helper" ? { auth: { helper: credentials.helper } } : {}),
  };
}

function consulBlock({ nomad }: Environment): Block {
  const identity = { aud: [CONSUL_AUDIENCE], ttl: `${IDENTITY_TTL}` };
  return {
    address: `127.0.0.1:${CLUSTER_PORTS.consulHttp}`,
    auto_advertise: true,
    // Two HTTP addresses are bound; the check, and JWKS readers, use the one that others reach.
    checks_use_advertise: true,
    // The servers are listed; a second cluster in the same Consul must not be joined by name.
    server_auto_join: false,
    client_auto_join: false,
    service_auth_method: consulAuthMethod(nomad.namespace),
    task_auth_method: consulAuthMethod(nomad.namespace),
    service_identity: identity,
    task_identity: identity,
  };
}

function vaultBlock({ vault }: Environment, node: ClusterNode): Block {
  return {
    enabled: true,
    jwt_auth_backend_path: vault.authPath,
    default_identity: { aud: [VAULT_AUDIENCE], ttl: `${IDENTITY_TTL}` },
    address: vault.address,
    // Clients log in to Vault; a server-only node has no need of the authority's file.
    ...(node.role === "app" && vault.caFile !== undefined ? { ca_file: vault.caFile } : {}),
  };
}
