/** Node: are the ports free that agents and jobs will listen on, and have the hand-started processes left them? */
import { CLUSTER_PORTS } from "../../../contracts/services";
import type { Environment } from "../../../environments/schema";
import { fail, inconclusive, pass, type Outcome } from "../check";
import type { Listener, NodeFacts } from "../probe/facts";
import { endpointOf, type ProbedNode } from "../probe/plan";

interface PortUse {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** Addresses that will be listened on. */
  readonly addresses: readonly string[];
  readonly by: string;
  /** Programs that hold it once the platform runs. */
  readonly programs: readonly string[];
}

const NOMAD = ["nomad"];
const CONSUL = ["consul"];
/** Published ports belong to Docker's proxy; where Nomad runs they are its jobs'. */
const CONTAINER = ["docker-proxy"];

export function portUses(env: Environment, node: ProbedNode): PortUse[] {
  const tailnet = [node.address];
  const both = ["127.0.0.1", node.address];
  const P = CLUSTER_PORTS;
  const agents: PortUse[] = [
    { protocol: "tcp", port: P.nomadHttp, addresses: both, by: "Nomad's API", programs: NOMAD },
    { protocol: "tcp", port: P.nomadRpc, addresses: tailnet, by: "Nomad's RPC", programs: NOMAD },
    ...(["tcp", "udp"] as const).map((protocol) => ({ protocol, port: P.nomadSerf, addresses: tailnet, by: "Nomad's gossip", programs: NOMAD })),
    ...(["tcp", "udp"] as const).map((protocol) => ({ protocol, port: P.consulSerfLan, addresses: tailnet, by: "Consul's gossip", programs: CONSUL })),
    { protocol: "tcp", port: P.consulHttp, addresses: both, by: "Consul's API", programs: CONSUL },
    ...(["tcp", "udp"] as const).map((protocol) => ({ protocol, port: P.dns, addresses: both, by: "Consul's DNS", programs: CONSUL })),
  ];
  if (node.role === "witness") return agents;
  const { ports } = env;
  const published: Readonly<Record<string, number>> = { frontend: ports.frontend, api: ports.api, "rl-service": ports.rlService, ...(node.holdsData ? { postgres: ports.postgres, objectstore: ports.objectstore, convex: ports.convex, "convex-site": ports.convexSite } : {}) };
  return [...agents, ...Object.entries(published).map(([by, port]) => ({ protocol: "tcp" as const, port, addresses: tailnet, by, programs: CONTAINER }))];
}

/** A resolver's stub on 127.0.0.53 is in nobody's way; one on every address is. */
function collides(use: PortUse, listener: Listener): boolean {
  return listener.protocol === use.protocol && listener.port === use.port && (listener.address === "*" || use.addresses.includes(listener.address));
}

export function portsOutcome(env: Environment, node: ProbedNode, { listeners, root }: NodeFacts): Outcome {
  if (!listeners) return inconclusive("what listens could not be seen", `On ${node.name}: apt-get install -y iproute2`);
  const nomadRuns = listeners.some((l) => l.program === "nomad" && l.port === CLUSTER_PORTS.nomadHttp);
  const uses = portUses(env, node);
  const own: string[] = [];
  const taken: { readonly use: PortUse; readonly listener: Listener }[] = [];
  for (const use of uses) {
    for (const listener of listeners.filter((l) => collides(use, l))) {
      const expected = use.programs.includes(listener.program ?? "") && (use.programs !== CONTAINER || nomadRuns);
      if (expected) own.push(`${use.port}`);
      else taken.push({ use, listener });
    }
  }
  if (taken.length > 0) {
    const seen = taken.map(({ use, listener }) => `${use.protocol} ${use.port} (${use.by}) is held by ${listener.program ?? "a program that only root sees"} on ${listener.address}`);
    const dns = taken.some(({ use }) => use.port === CLUSTER_PORTS.dns);
    const programs = `On ${node.name}: ss -lntup 'sport = :${taken[0].use.port}', then stop and disable what listens`;
    const detail = [...new Set(seen)].join("; ");
    if (!root && taken.every(({ listener }) => listener.program === undefined)) return inconclusive(`${detail}: perhaps the platform's own`, "Give the login sudo without a password (see the check login), then run gvfx doctor again");
    return fail(detail, dns ? `${programs}; a resolver keeps to loopback by DNSStubListener=yes of systemd-resolved, or listen-address=127.0.0.54 and bind-interfaces of dnsmasq` : programs);
  }
  const free = new Set(uses.map((use) => use.port)).size - new Set(own).size;
  return pass(own.length === 0 ? `all ${free} are free` : `${free} are free, ${[...new Set(own)].join(", ")} held by the platform itself`);
}

/**
 * Ports of the hand-started processes that the gateway and the jobs need on this
 * node. The gateway takes traffic for legacy first, so that both run for a while.
 * @returns undefined when legacy is not on this node
 */
export function legacyOutcome(env: Environment, node: ProbedNode): Outcome | undefined {
  const { legacy, ports } = env;
  if (legacy.host.node !== node.name || legacy.retired) return undefined;
  const convex = endpointOf(legacy.convexUrl);
  const held: Readonly<Record<string, number>> = { ...legacy.ports, ...(convex.host === node.address ? { convex: convex.port } : {}) };
  const wanted = new Map<number, string>([[ports.frontend, "frontend"], [ports.api, "api"], [ports.rlService, "rl-service"], ...(node.holdsData ? ([[ports.convex, "convex"], [ports.convexSite, "convex-site"], [ports.postgres, "postgres"], [ports.objectstore, "objectstore"]] as const) : [])]);
  const both = Object.entries(held).filter(([, port]) => wanted.has(port)).map(([name, port]) => `${port} (legacy ${name}, and the platform's ${wanted.get(port)})`);
  if (both.length === 0) return pass(`legacy listens on ${Object.values(held).join(", ")}`);
  return fail(`legacy and the platform both want ${both.join(", ")}`, `On ${node.name} give the legacy processes other ports (PORT, RL_SERVICE_PORT and the frontend's), restart them, and write those into legacy.ports (and legacy.convexUrl) of the environment file`);
}
