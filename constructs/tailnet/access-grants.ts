/**
 * Every path that the platform needs, and why. Least privilege by role: exact
 * protocols and ports, and no path between roles that do not talk.
 */
import { CLUSTER_PORTS as P, NOMAD_DYNAMIC_PORTS } from "../../contracts/services";
import type { AccessGrant, TailnetEnvironment, TailnetTags } from "./policy";

const tcp = (...ports: readonly (number | string)[]): string[] => unique(ports.map((port) => `tcp:${port}`));
const udp = (...ports: readonly (number | string)[]): string[] => unique(ports.map((port) => `udp:${port}`));
const unique = (values: readonly string[]): string[] => [...new Set(values)];

const DNS = [...tcp(P.dns), ...udp(P.dns)];
/** Allocations are published on ports that Nomad chooses. */
const ALLOCATIONS = `${NOMAD_DYNAMIC_PORTS.min}-${NOMAD_DYNAMIC_PORTS.max}`;

export function accessGrants(environment: TailnetEnvironment, tags: TailnetTags): AccessGrant[] {
  return [...peopleGrants(environment, tags), ...clusterGrants(environment, tags), ...appGrants(environment, tags), ...legacyGrants(environment, tags)];
}

/** SSH ports of the machines that carry the server tag. */
export function serverSshPorts({ nodes, witness }: TailnetEnvironment): number[] {
  return [...new Set([...nodes.map((node) => node.ssh.port), witness.ssh.port])];
}

function peopleGrants(environment: TailnetEnvironment, tags: TailnetTags): AccessGrant[] {
  const { tailnet, ports } = environment;
  return [
    { src: [tailnet.userGroup], dst: [tags.app], ip: [...tcp(ports.frontend, ports.api), ...DNS], purpose: "users open the app and its API, and resolve their names" },
    { src: [tailnet.operatorGroup], dst: [tags.server], ip: tcp(...serverSshPorts(environment), P.nomadHttp), purpose: "operators deliver node bundles over SSH and use Nomad's API on every server" },
    {
      src: [tailnet.operatorGroup],
      dst: [tags.app],
      ip: [...tcp(ports.frontend, ports.api, ports.rlService, ports.convex, ports.convexSite, ALLOCATIONS), ...DNS],
      purpose: "operators use every service, move Convex data and read the metrics of single allocations",
    },
    { src: [tailnet.operatorGroup], dst: [tailnet.consulTag], ip: tcp(P.consulHttp, P.consulHttps), purpose: "operators use Consul: roles, lease and cutover keys" },
    ...(tailnet.reviewTag ? [{ src: [tailnet.reviewTag], dst: [tags.server], ip: tcp(P.nomadHttp), purpose: "plans of pull requests read Nomad" }] : []),
    { src: [tailnet.operatorGroup], dst: [tailnet.vaultTag], ip: tcp(P.vault), purpose: "operators use Vault: secrets, roles and policies" },
  ];
}

function clusterGrants({ tailnet }: TailnetEnvironment, tags: TailnetTags): AccessGrant[] {
  const agents = [tags.app, tags.server];
  const gossip = [...tcp(P.consulSerfLan), ...udp(P.consulSerfLan)];
  return [
    { src: [tags.server], dst: [tags.server], ip: [...tcp(`${P.nomadHttp}-${P.nomadSerf}`), ...udp(P.nomadSerf)], purpose: "Nomad servers replicate, gossip and forward requests to the leader" },
    { src: [tags.app], dst: [tags.server], ip: tcp(P.nomadRpc), purpose: "Nomad clients heartbeat and fetch their work" },
    { src: agents, dst: agents, ip: gossip, purpose: "Consul agents gossip with each other" },
    { src: agents, dst: [tailnet.consulTag], ip: [...tcp(P.consulRpc, P.consulSerfLan, `${P.consulHttp}-${P.consulGrpcTls}`), ...udp(P.consulSerfLan)], purpose: "Consul agents reach their servers; the worker renews its lease" },
    { src: [tailnet.consulTag], dst: agents, ip: gossip, purpose: "Consul servers gossip with the agents" },
    { src: [tags.app], dst: [tailnet.vaultTag], ip: tcp(P.vault), purpose: "tasks read their secrets by workload identity" },
    { src: unique([tailnet.consulTag, tailnet.vaultTag]), dst: [tags.server], ip: tcp(P.nomadHttp), purpose: "Consul and Vault fetch the keys (JWKS) that verify workload identities" },
    { src: unique([tailnet.consulTag, tailnet.vaultTag]), dst: [tags.app], ip: DNS, purpose: "Consul and Vault resolve the health-checked name under which they fetch them" },
  ];
}

function appGrants({ tailnet, ports }: TailnetEnvironment, tags: TailnetTags): AccessGrant[] {
  return [
    {
      src: [tags.app],
      dst: [tags.app],
      ip: [...tcp(ports.frontend, ports.api, ports.rlService, ports.convex, ports.convexSite, ALLOCATIONS), ...DNS],
      purpose: "services call each other by name through the gateway, which reaches the allocations on either node",
    },
    { src: [tags.app], dst: [tags.db], ip: tcp(ports.postgres, ports.objectstore), purpose: "services keep their data in Postgres and MinIO" },
    ...(tailnet.exitNodeTag
      ? [
          {
            src: [tags.app],
            dst: ["autogroup:internet"],
            // Not narrowed to HTTPS: a node that uses an exit node sends everything by it, its DNS, its clock and its image pulls too.
            ip: ["*"],
            via: [tailnet.exitNodeTag],
            purpose: "the worker reaches the exchanges from the exit node's address",
          },
        ]
      : []),
  ];
}

/** Ports of the hand-started processes. */
export function legacyPorts({ legacy }: TailnetEnvironment): { readonly gateway: readonly number[]; readonly users: readonly number[]; readonly operators: readonly number[] } {
  const { frontend, api, rlService } = legacy.ports;
  const convex = new URL(legacy.convexUrl);
  const convexPort = Number(convex.port || (convex.protocol === "https:" ? 443 : 80));
  const gateway = [frontend, api, rlService];
  return { gateway, users: [frontend, api], operators: [...gateway, ...(convex.hostname === legacy.host.tailnetAddress ? [convexPort] : [])] };
}

/** Paths that exist only while the hand-started processes do. */
function legacyGrants(environment: TailnetEnvironment, tags: TailnetTags): AccessGrant[] {
  const { legacy, tailnet, ports, dataMove } = environment;
  if (legacy.retired) return [];
  const own = legacyPorts(environment);
  if (legacy.host.node !== undefined) {
    return [
      { src: [tags.app], dst: [tags.app], ip: tcp(...own.gateway), purpose: "the gateway on either node reaches the legacy processes until traffic is switched" },
      { src: [tailnet.userGroup], dst: [tags.app], ip: tcp(...own.users), purpose: "users keep the legacy app until it is retired" },
      { src: [tailnet.operatorGroup], dst: [tags.app], ip: tcp(...own.operators), purpose: "operators watch the legacy processes and export their data" },
    ];
  }
  return [
    { src: [tags.app], dst: [tags.legacy], ip: tcp(...own.gateway), purpose: "the gateway reaches the legacy processes until traffic is switched" },
    { src: [tailnet.userGroup], dst: [tags.legacy], ip: tcp(...own.users), purpose: "users keep the legacy app until it is retired" },
    { src: [tailnet.operatorGroup], dst: [tags.legacy], ip: tcp(legacy.host.ssh.port, ...own.operators), purpose: "operators start and stop the legacy processes and export their data" },
    { src: [tags.legacy], dst: [tags.app], ip: [...tcp(ports.convex, ports.convexSite), ...DNS], purpose: "the legacy processes use the moved Convex, by its name" },
    ...(dataMove.timescale ? [{ src: [tags.legacy], dst: [tags.db], ip: tcp(ports.postgres), purpose: "the legacy host copies its Postgres into the platform's, and uses it from then on" }] : []),
    { src: [tags.legacy], dst: [tailnet.consulTag], ip: tcp(P.consulHttp, P.consulHttps), purpose: "the legacy worker holds the lease while it owns trading" },
  ];
}
