/**
 * Shell scripts that cut a machine off, or slow it down, inside its own network
 * namespace: nothing on the host is touched, so that it works in Docker
 * Desktop's virtual machine too. All rules are in a chain of our own, which is
 * how a heal removes exactly them.
 */
import type { Duration } from "../../../contracts/units";
import { CLUSTER_PORTS } from "../../../contracts/services";
import type { ContainerNetwork } from "../engine";

/** Cut off from the lab's network. */
export const PARTITION_CHAIN = "GVFX-PARTITION";
/** A Nomad server cut off from the other servers. */
export const QUORUM_CHAIN = "GVFX-QUORUM";

/** A machine whose agents of one cluster reach nobody, while all else goes on. */
export const CUT_CHAINS = { consul: "GVFX-CUT-CONSUL", nomad: "GVFX-CUT-NOMAD" } as const;
export type CutCluster = keyof typeof CUT_CHAINS;
/** RPC, gossip, HTTP and gRPC of Consul; HTTP, RPC and gossip of Nomad. */
const CUT_PORTS: Readonly<Record<CutCluster, readonly string[]>> = { consul: ["8300:8302", "8500:8503"], nomad: [`${CLUSTER_PORTS.nomadHttp}:${CLUSTER_PORTS.nomadSerf}`] };

/** Packets of tasks are forwarded, those of agents are the machine's own. */
const HOOKS = ["INPUT", "OUTPUT", "FORWARD"];
const NETEM_MISSING = "gvfx: no netem";

/** Drops everything to and from the network but the gateway, which is the operator's way in by published ports. A machine still reaches itself. */
export function partitionScript({ address, prefixLength, gateway }: ContainerNetwork): string {
  const subnet = `${address}/${prefixLength}`;
  return cut(PARTITION_CHAIN, subnet, [
    `-s ${gateway} -j RETURN`,
    `-d ${gateway} -j RETURN`,
    `-i "$device" -s ${subnet} -j DROP`,
    `-o "$device" -d ${subnet} -j DROP`,
  ]);
}

/** Drops what Nomad servers say to each other (RPC and gossip); everything else, their own clients included, goes on. */
export function quorumScript({ address, prefixLength }: ContainerNetwork, peers: readonly string[]): string {
  const ports = `${CLUSTER_PORTS.nomadRpc}:${CLUSTER_PORTS.nomadSerf}`;
  return cut(
    QUORUM_CHAIN,
    `${address}/${prefixLength}`,
    peers.flatMap((peer) => ["tcp", "udp"].flatMap((protocol) => ["sport", "dport"].flatMap((end) => [`-i "$device" -s ${peer} -p ${protocol} --${end} ${ports} -j DROP`, `-o "$device" -d ${peer} -p ${protocol} --${end} ${ports} -j DROP`]))),
  );
}

/** Drops what agents of a cluster, and whoever speaks to them, exchange with other machines; the machine's own agent is reached on the machine itself, and published ports by the operator. */
export function cutScript({ address, prefixLength, gateway }: ContainerNetwork, cluster: CutCluster): string {
  return cut(CUT_CHAINS[cluster], `${address}/${prefixLength}`, [
    `-s ${gateway} -j RETURN`,
    `-d ${gateway} -j RETURN`,
    ...CUT_PORTS[cluster].flatMap((ports) => ["tcp", "udp"].flatMap((protocol) => ["sport", "dport"].flatMap((end) => [`-i "$device" -p ${protocol} --${end} ${ports} -j DROP`, `-o "$device" -p ${protocol} --${end} ${ports} -j DROP`]))),
  ]);
}

function cut(chain: string, subnet: string, rules: readonly string[]): string {
  return [
    "set -eu",
    deviceOf(subnet),
    `iptables -w -N ${chain} 2>/dev/null || iptables -w -F ${chain}`,
    ...rules.map((rule) => `iptables -w -A ${chain} ${rule}`),
    ...HOOKS.map((hook) => `iptables -w -C ${hook} -j ${chain} 2>/dev/null || iptables -w -I ${hook} 1 -j ${chain}`),
  ].join("\n");
}

/** Takes a chain away; nothing to do when it is not there. */
export function uncutScript(chain: string): string {
  return [
    "set -eu",
    ...HOOKS.map((hook) => `while iptables -w -D ${hook} -j ${chain} 2>/dev/null; do :; done`),
    `if iptables -w -F ${chain} 2>/dev/null; then iptables -w -X ${chain}; fi`,
  ].join("\n");
}

/** Every packet that the machine sends waits that long; a question to it and its answer take that much longer. */
export function slowScript({ address, prefixLength }: ContainerNetwork, delay: Duration): string {
  return [
    "set -eu",
    deviceOf(`${address}/${prefixLength}`),
    `said=$(tc qdisc replace dev "$device" root netem delay ${delay.milliseconds}ms 2>&1) && exit 0`,
    `case $said in *"qdisc kind is unknown"*) echo '${NETEM_MISSING}' >&2 ;; *) echo "$said" >&2 ;; esac`,
    "exit 1",
  ].join("\n");
}

/** Takes the delay away; nothing to do when there is none. */
export function unslowScript({ address, prefixLength }: ContainerNetwork): string {
  return ["set -eu", deviceOf(`${address}/${prefixLength}`), `if tc qdisc show dev "$device" root | grep -q netem; then tc qdisc del dev "$device" root; fi`].join("\n");
}

/** Whether a slow script failed for want of a kernel module. */
export function lacksNetem(message: string): boolean {
  return message.includes(NETEM_MISSING);
}

/** The interface by which the machine is in the lab's network. */
function deviceOf(subnet: string): string {
  return [`device=$(ip -4 -o address show to ${subnet} | awk 'NR == 1 { print $2 }')`, `[ -n "$device" ] || { echo "no interface has an address in ${subnet}" >&2; exit 1; }`].join("\n");
}
