/** The script that brings one node to its bundle. It runs on the node, as root, with /bin/sh. */
import { NOMAD_SERVER_SERVICE } from "../../../contracts/identity";
import { CLUSTER_PORTS } from "../../../contracts/services";
import { Duration } from "../../../contracts/units";
import { hostVolume, VOLUME_JOBS } from "../../../contracts/volumes";
import type { Environment } from "../../../environments/schema";
import { volumeFolder } from "../nomad-agent";
import type { ClusterNode } from "../node";
import { consulPaths, nomadPaths, PROGRAM_CACHE, PROGRAMS, ROLLOUT_STATE, STAGING } from "../paths";
import { CONSUL_USER } from "../units";
import { BUNDLE_FILES } from "./files";
import { INSTALL_PROGRAMS } from "./install";
import { MAIN } from "./main";
import { QUORUM } from "./quorum";

export type ApplyMode = "start" | "turn";

export interface ApplyTimings {
  /** For how long the other servers may be unhealthy before a restart is refused. @default 3 min: a server that has just joined becomes a voter after about one (measured) */
  readonly peerWait: Duration;
  /** For how long the cluster may take to be whole after a restart. @default 6 min: a machine that takes another's name waits for more than two until gossip gives it up (measured) */
  readonly settleWait: Duration;
  /** For how long an agent may take from its start to its first answer. @default 90 s: fingerprints, Docker's among them, come first */
  readonly answerWait: Duration;
  /** For how long it must then be whole. @default 10 s: autopilot's own server_stabilization_time, before which a server is not a voter again */
  readonly stable: Duration;
  /** For how long the Consul agent may know no leader, and Nomad not be healthy in it. @default 1 min: six tries to join, six rounds of the check */
  readonly consulWait: Duration;
  /** Between two looks. @default 2 s: three requests each, nothing to a server */
  readonly poll: Duration;
}

export const APPLY_TIMINGS: ApplyTimings = {
  peerWait: Duration.minutes(3),
  settleWait: Duration.minutes(6),
  answerWait: Duration.seconds(90),
  stable: Duration.seconds(10),
  consulWait: Duration.minutes(1),
  poll: Duration.seconds(2),
};

/** A shell word, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function list(name: string, lines: readonly string[]): string {
  return lines.length === 0 ? `${name}() { :; }` : `${name}() {\n  cat <<'END'\n${lines.join("\n")}\nEND\n}`;
}

/** First lines; Terraform joins them, the settings and the body. */
export function applyHead(mode: ApplyMode): string {
  return `#!/bin/sh\nset -eu\nmode=${mode}`;
}

/**
 * What one node's run differs by.
 * @param nodes the whole cluster
 * @param root prefix of every path on the node; for tests, which have no node. @default ""
 */
export function applySettings(env: Environment, node: ClusterNode, nodes: readonly ClusterNode[], timings: ApplyTimings = APPLY_TIMINGS, root = ""): string {
  const nomad = nomadPaths(env);
  const consul = consulPaths(env);
  const settings: Readonly<Record<string, string>> = {
    node: node.name,
    address: node.address,
    servers: `${nodes.length}`,
    staging: `${root ? `${root}/` : ""}${STAGING}`,
    programs: root + PROGRAMS,
    cache: root + PROGRAM_CACHE,
    state: root + ROLLOUT_STATE,
    ca_file: root + nomad.ca,
    nomad_data: root + env.nomad.dataDir,
    nomad_version: env.versions.nomad.version,
    nomad_url: env.versions.nomad.url,
    nomad_sha256: env.versions.nomad.sha256,
    consul_user: CONSUL_USER,
    consul_data: root + env.consul.dataDir,
    consul_version: env.versions.consul.version,
    consul_url: env.versions.consul.url,
    consul_sha256: env.versions.consul.sha256,
    gossip_key_file: root + env.consul.gossipKeyFile,
    gossip_config: root + consul.gossip,
    consul_ca_file: env.consul.address.startsWith("https:") ? root + env.consul.caFile : "",
    consul_ca_copy: root + consul.ca,
    http_port: `${CLUSTER_PORTS.nomadHttp}`,
    rpc_port: `${CLUSTER_PORTS.nomadRpc}`,
    nomad_service: NOMAD_SERVER_SERVICE,
    nomad_secrets: root + nomad.secrets,
    consul_http_port: `${CLUSTER_PORTS.consulHttp}`,
    peer_wait: `${timings.peerWait.seconds}`,
    settle_wait: `${timings.settleWait.seconds}`,
    answer_wait: `${timings.answerWait.seconds}`,
    consul_wait: `${timings.consulWait.seconds}`,
    stable: `${timings.stable.seconds}`,
    poll: `${timings.poll.seconds}`,
  };
  const volumes = node.role === "app" ? VOLUME_JOBS.map((job) => root + volumeFolder(node.spec.volumesRoot, hostVolume(job))) : [];
  return [
    ...Object.entries(settings).map(([name, value]) => `${name}=${quoted(value)}`),
    list("others", nodes.filter((n) => n.name !== node.name).map((n) => `${n.name} ${n.address}`)),
    list("volumes", volumes),
  ].join("\n");
}

const PRELUDE = String.raw`
# What is unpacked here is keys.
umask 077
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s: %s\n' "$node" "$*"; }
fail() {
  printf '%s: ERROR: %s\n' "$node" "$*" >&2
  exit 1
}

if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || fail "$(id -un) may not use sudo without a password, so nothing was changed: the agents are services of the system. On the node, as root: echo '$(id -un) ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/gvfx; chmod 0440 /etc/sudoers.d/gvfx. Then deploy again: cdktf deploy foundation"
  exec sudo -n /bin/sh "$0"
fi

work=$(mktemp -d)
bundle=$staging/bundle
trap 'rm -rf "$work" "$bundle" "$staging"-folder-*.sh' EXIT
trap 'exit 1' HUP INT TERM
`;

/** The same on every node. */
export const APPLY_BODY = [PRELUDE, INSTALL_PROGRAMS, BUNDLE_FILES, QUORUM, MAIN].join("");
