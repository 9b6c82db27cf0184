/**
 * What must be reachable and what must not, as Tailscale itself checks it each time
 * anybody changes the policy. Written out by hand: tests derived from the grants
 * would agree with any mistake in them.
 *
 * Tests name tags, never addresses: before the first deploy the nodes carry no tag
 * yet, and a test that depends on a device would refuse the policy that tags need.
 * A test entry asks about the platform's tags or about others', never both at once,
 * so that merge.ts can tell whose it is.
 */
import { CLUSTER_PORTS as P, NOMAD_DYNAMIC_PORTS as DYNAMIC } from "../../contracts/services";
import { legacyPorts, serverSshPorts } from "./access-grants";
import type { AccessTest, TailnetEnvironment, TailnetTags } from "./policy";

const at = (tag: string, ...ports: readonly number[]): string[] => [...new Set(ports)].map((port) => `${tag}:${port}`);
const accept = (src: string, proto: "tcp" | "udp", ...targets: readonly string[]): AccessTest => ({ src, proto, accept: targets });
const deny = (src: string, proto: "tcp" | "udp", ...targets: readonly string[]): AccessTest => ({ src, proto, deny: targets });

export function accessTests(environment: TailnetEnvironment, tags: TailnetTags): AccessTest[] {
  return [...peopleTests(environment, tags), ...clusterTests(environment, tags), ...refusedTests(environment, tags), ...legacyTests(environment, tags)];
}

/**
 * Who speaks for the users: their group. Tailscale's tests know no autogroup, so with
 * `autogroup:member` it is a member that does not operate too; without one there is nobody to ask for.
 */
function userOf({ tailnet: { userGroup, userGroupMembers, operators } }: TailnetEnvironment): string | undefined {
  return userGroup.startsWith("group:") ? userGroup : userGroupMembers.find((member) => !operators.includes(member));
}

function peopleTests(environment: TailnetEnvironment, tags: TailnetTags): AccessTest[] {
  const { tailnet, ports } = environment;
  const user = userOf(environment);
  const operator = tailnet.operatorGroup;
  const ssh = serverSshPorts(environment);
  const data = at(tags.db, ports.postgres, ports.objectstore);
  const userTests = user === undefined ? [] : [
    deny(user, "tcp", ...data, ...at(tags.app, ports.convex, ports.convexSite, ports.rlService, DYNAMIC.min, DYNAMIC.max, P.consulSerfLan), ...at(tags.server, ...ssh, P.nomadHttp, P.nomadRpc, P.nomadSerf), ...at(tags.witness, ...ssh, P.nomadHttp)),
    deny(user, "udp", ...at(tags.server, P.nomadSerf), ...at(tags.app, P.consulSerfLan)),
    deny(user, "tcp", ...at(tailnet.vaultTag, P.vault), ...at(tailnet.consulTag, P.consulRpc, P.consulHttp, P.consulHttps)),
  ];
  // An owner or administrator is not seen as a member by Tailscale's tests, so that only a group can be asked for what is reachable.
  const userReach = user?.startsWith("group:") ? [accept(user, "tcp", ...at(tags.app, ports.frontend, ports.api, P.dns)), accept(user, "udp", ...at(tags.app, P.dns))] : [];
  return [
    ...userReach,
    ...userTests,
    accept(operator, "tcp", ...at(tags.server, ...ssh, P.nomadHttp), ...at(tags.app, ports.frontend, ports.api, ports.rlService, ports.convex, ports.convexSite, DYNAMIC.min, DYNAMIC.max, P.dns)),
    accept(operator, "udp", ...at(tags.app, P.dns)),
    accept(operator, "tcp", ...at(tailnet.consulTag, P.consulHttp, P.consulHttps), ...at(tailnet.vaultTag, P.vault)),
    deny(operator, "tcp", ...data, ...at(tags.server, P.nomadRpc, P.nomadSerf)),
  ];
}

function clusterTests({ tailnet, ports }: TailnetEnvironment, tags: TailnetTags): AccessTest[] {
  const consulPorts = [P.consulRpc, P.consulSerfLan, P.consulHttp, P.consulHttps, P.consulGrpc, P.consulGrpcTls];
  const gossip = [...at(tags.app, P.consulSerfLan), ...at(tags.server, P.consulSerfLan)];
  return [
    accept(tags.server, "tcp", ...at(tags.server, P.nomadHttp, P.nomadRpc, P.nomadSerf), ...gossip),
    accept(tags.server, "udp", ...at(tags.server, P.nomadSerf), ...gossip),
    accept(tags.app, "tcp", ...at(tags.server, P.nomadRpc), ...at(tags.app, ports.frontend, ports.api, ports.rlService, ports.convex, ports.convexSite, DYNAMIC.min, DYNAMIC.max, P.dns), ...at(tags.db, ports.postgres, ports.objectstore), ...gossip),
    accept(tags.app, "udp", ...at(tags.app, P.dns), ...gossip),
    accept(tags.app, "tcp", ...at(tailnet.consulTag, ...consulPorts), ...at(tailnet.vaultTag, P.vault)),
    accept(tags.app, "udp", ...at(tailnet.consulTag, P.consulSerfLan)),
    accept(tags.server, "tcp", ...at(tailnet.consulTag, ...consulPorts)),
    accept(tags.server, "udp", ...at(tailnet.consulTag, P.consulSerfLan)),
    accept(tailnet.consulTag, "tcp", ...at(tags.server, P.nomadHttp), ...at(tags.app, P.dns), ...gossip),
    accept(tailnet.consulTag, "udp", ...at(tags.app, P.dns), ...gossip),
    accept(tailnet.vaultTag, "tcp", ...at(tags.server, P.nomadHttp), ...at(tags.app, P.dns)),
    accept(tailnet.vaultTag, "udp", ...at(tags.app, P.dns)),
  ];
}

function refusedTests(environment: TailnetEnvironment, tags: TailnetTags): AccessTest[] {
  const { tailnet, ports } = environment;
  const ssh = serverSshPorts(environment);
  const data = at(tags.db, ports.postgres, ports.objectstore);
  const app = at(tags.app, ports.frontend, ports.api, ports.rlService, ports.convex, ports.convexSite, DYNAMIC.min, DYNAMIC.max);
  const server = at(tags.server, ...ssh, P.nomadHttp, P.nomadRpc, P.nomadSerf);
  return [
    // A client needs one port of a server, and never its gossip or its API.
    deny(tags.app, "tcp", ...at(tags.server, ...ssh, P.nomadHttp, P.nomadSerf)),
    deny(tags.app, "udp", ...at(tags.server, P.nomadSerf)),
    // The witness is both: neither of its tags gives it a way to the app or to secrets.
    ...[tags.witness, tags.server].flatMap((src) => [deny(src, "tcp", ...app, ...data), deny(src, "tcp", ...at(tailnet.vaultTag, P.vault))]),
    // Consul and Vault verify identities; they are no clients of the app.
    ...[...new Set([tailnet.consulTag, tailnet.vaultTag])].map((src) => deny(src, "tcp", ...app, ...data, ...at(tags.server, ...ssh, P.nomadRpc, P.nomadSerf))),
    // What plans a pull request runs what somebody wrote yesterday: it asks Nomad, by a token that reads, and reaches nothing else.
    ...(tailnet.reviewTag ? [accept(tailnet.reviewTag, "tcp", ...at(tags.server, P.nomadHttp)), deny(tailnet.reviewTag, "tcp", ...app, ...data, ...at(tags.server, ...ssh, P.nomadRpc, P.nomadSerf)), deny(tailnet.reviewTag, "tcp", ...at(tailnet.vaultTag, P.vault), ...at(tailnet.consulTag, P.consulRpc, P.consulHttp, P.consulHttps))] : []),
    // Any other device of the tailnet, and with it every rule for "*" or for all tagged devices.
    deny(tags.stranger, "tcp", ...app, ...data, ...server, ...at(tags.witness, ...ssh, P.nomadHttp), ...at(tags.app, ...ssh, P.dns, P.consulSerfLan)),
    deny(tags.stranger, "udp", ...at(tags.app, P.dns, P.consulSerfLan), ...at(tags.server, P.nomadSerf)),
  ];
}

function legacyTests(environment: TailnetEnvironment, tags: TailnetTags): AccessTest[] {
  const { legacy, tailnet, ports } = environment;
  if (legacy.retired) return [];
  const own = legacyPorts(environment);
  const user = userOf(environment);
  const group = user?.startsWith("group:") ? user : undefined;
  if (legacy.host.node !== undefined) {
    return [
      accept(tags.app, "tcp", ...at(tags.app, ...own.gateway)),
      ...(group ? [accept(group, "tcp", ...at(tags.app, ...own.users))] : []),
      accept(tailnet.operatorGroup, "tcp", ...at(tags.app, ...own.operators)),
    ];
  }
  return [
    accept(tags.app, "tcp", ...at(tags.legacy, ...own.gateway)),
    deny(tags.app, "tcp", ...at(tags.legacy, legacy.host.ssh.port)),
    ...(group ? [accept(group, "tcp", ...at(tags.legacy, ...own.users))] : []),
    ...(user ? [deny(user, "tcp", ...at(tags.legacy, legacy.host.ssh.port, ...own.operators.filter((port) => !own.users.includes(port))))] : []),
    accept(tailnet.operatorGroup, "tcp", ...at(tags.legacy, legacy.host.ssh.port, ...own.operators)),
    accept(tags.legacy, "tcp", ...at(tags.app, ports.convex, ports.convexSite, P.dns)),
    accept(tags.legacy, "udp", ...at(tags.app, P.dns)),
    accept(tags.legacy, "tcp", ...at(tailnet.consulTag, P.consulHttp, P.consulHttps)),
    deny(tags.legacy, "tcp", ...at(tags.server, ...serverSshPorts(environment), P.nomadHttp, P.nomadRpc, P.nomadSerf), ...at(tags.db, ports.postgres, ports.objectstore), ...at(tags.app, ports.rlService, DYNAMIC.min, DYNAMIC.max)),
    deny(tags.legacy, "udp", ...at(tags.server, P.nomadSerf)),
    deny(tags.legacy, "tcp", ...at(tailnet.vaultTag, P.vault)),
    deny(tags.stranger, "tcp", ...at(tags.legacy, legacy.host.ssh.port, ...own.operators)),
  ];
}
