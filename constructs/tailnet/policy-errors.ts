/**
 * What is wrong with a policy before anybody posts it. Tailscale evaluates tests tag
 * by tag; here they are also asked device by device, since a device that carries
 * several tags is reached by whoever reaches any of them.
 */
import type { AccessGrant, AccessTest, TailnetPolicy } from "./policy";

/** Sources and destinations that would admit devices nobody thought of. */
const UNBOUNDED = new Set(["*", "autogroup:internet", "autogroup:shared", "autogroup:danger-all", "autogroup:tagged"]);
const CONNECTION = /^(tcp|udp):(\d{1,5})(?:-(\d{1,5}))?$/;
const TARGET = /^(?<host>[^\s/*]+):(?<port>\d{1,5})$/;

/** Everything that is wrong with a policy; empty when it may be deployed. */
export function policyErrors(policy: TailnetPolicy): string[] {
  const malformed = [...policy.grants.flatMap((grant) => grantErrors(grant, policy)), ...policy.tests.flatMap((test) => testErrors(test, policy))];
  // Reachability is worth stating only of rules that are well-formed.
  return malformed.length > 0 ? malformed : [...policy.tests.flatMap((test) => expectationErrors(test, policy)), ...untestedGrants(policy), ...sharedMembers(policy)];
}

/** Whether any grant lets `src` open a connection to a port of `dst`, one of a device's tags. */
export function mayReach(policy: Pick<TailnetPolicy, "grants">, src: string, dst: string, proto: "tcp" | "udp", port: number): boolean {
  return policy.grants.some((grant) => grant.src.includes(src) && grant.dst.includes(dst) && grant.ip.some((entry) => admits(entry, proto, port)));
}

function admits(entry: string, proto: string, port: number): boolean {
  const match = CONNECTION.exec(entry);
  return match !== null && match[1] === proto && Number(match[2]) <= port && port <= Number(match[3] ?? match[2]);
}

function grantErrors(grant: AccessGrant, { tagOwners }: TailnetPolicy): string[] {
  const name = `tailnet grant ${grant.src.join(", ")} -> ${grant.dst.join(", ")} ("${grant.purpose}")`;
  const leaves = grant.via !== undefined && grant.via.length > 0;
  const errors = [
    ...grant.src.filter(isUnbounded).map((src) => `${name} has source ${src}: it would admit devices outside the platform; name a group or a tag`),
    ...grant.dst.filter((dst) => isUnbounded(dst) && !(leaves && dst === "autogroup:internet")).map((dst) => `${name} has destination ${dst}: it would open more than the platform's nodes; name a tag (autogroup:internet only with the exit node it leaves by)`),
    ...grant.ip.filter((entry) => !CONNECTION.test(entry) && !(leaves && entry === "*")).map((entry) => `${name} admits "${entry}": more than the path needs; write protocol and port, for example "tcp:4647"`),
  ];
  const ours = grant.dst.every((dst) => dst in tagOwners) || grant.dst.every((dst) => !(dst in tagOwners));
  return ours ? errors : [...errors, `${name} mixes the platform's tags with others: the merge could not tell whose grant it is; split it`];
}

function isUnbounded(selector: string): boolean {
  return UNBOUNDED.has(selector) || selector.includes("/");
}

function testErrors({ src, proto, accept = [], deny = [] }: AccessTest, { tagOwners }: TailnetPolicy): string[] {
  const name = `tailnet test of ${src} over ${proto}`;
  const targets = [...accept, ...deny];
  const errors = [
    ...(isUnbounded(src) || src.startsWith("autogroup:") ? [`${name} asks for ${src}: Tailscale's tests know no wildcard, range or autogroup; ask for a tag, a group or a user`] : []),
    ...(targets.length === 0 ? [`${name} asserts nothing; give it accept or deny`] : []),
    ...targets.filter((target) => !TARGET.test(target) || target.startsWith("autogroup:")).map((target) => `${name} asks for "${target}": Tailscale's tests take one host and one port; write for example "tag:gvfx-app:3000"`),
  ];
  const ours = targets.filter((target) => hostOf(target) in tagOwners).length;
  return ours === 0 || ours === targets.length ? errors : [...errors, `${name} mixes the platform's tags with others: the merge could not tell whose test it is; split it`];
}

function expectationErrors(test: AccessTest, policy: TailnetPolicy): string[] {
  const asked = (target: string): { tag: string; port: number } => ({ tag: hostOf(target), port: portOf(target) });
  const missing = (test.accept ?? []).filter((target) => {
    const { tag, port } = asked(target);
    return !mayReach(policy, test.src, tag, test.proto, port);
  });
  const open = (test.deny ?? []).flatMap((target) => {
    const { tag, port } = asked(target);
    const carriers = policy.devices.filter((device) => device.tags.includes(tag));
    const ways = carriers.length > 0 ? carriers.flatMap(({ name, tags }) => tags.map((way) => ({ way, name }))) : [{ way: tag, name: tag }];
    const through = ways.find(({ way }) => mayReach(policy, test.src, way, test.proto, port));
    return through ? [{ target, through }] : [];
  });
  return [
    ...missing.map((target) => `${test.src} must reach ${target} over ${test.proto}, and no grant lets it: something would not work; add the path to constructs/tailnet/access-grants.ts, or take the test away`),
    ...open.map(({ target, through }) => `${test.src} must not reach ${target} over ${test.proto}, and a grant to ${through.way} lets it (on ${through.name}): a device is open to whoever reaches any of its tags; narrow the grant, or move the port out of its range`),
  ];
}

function hostOf(target: string): string {
  return TARGET.exec(target)?.groups?.host ?? target;
}

function portOf(target: string): number {
  return Number(TARGET.exec(target)?.groups?.port);
}

/** Grants that no test asks about; autogroups and exit nodes are beyond what Tailscale's tests can ask. */
function untestedGrants({ grants, tests }: TailnetPolicy): string[] {
  return grants
    .filter((grant) => grant.via === undefined)
    .flatMap((grant) => grant.src.filter((src) => !src.startsWith("autogroup:")).flatMap((src) => grant.dst.flatMap((dst) => grant.ip.map((entry) => ({ src, dst, entry })))))
    .filter(({ src, dst, entry }) => !tests.some((test) => test.src === src && (test.accept ?? []).some((target) => hostOf(target) === dst && admits(entry, test.proto, portOf(target)))))
    .map(({ src, dst, entry }) => `no tailnet test asks whether ${src} reaches ${dst} on ${entry}: losing that path would go unnoticed; add it to constructs/tailnet/access-tests.ts`);
}

/** Whoever is in two groups has the rights of both, so that what one may not reach cannot be tested. */
function sharedMembers({ groups }: TailnetPolicy): string[] {
  const entries = Object.entries(groups);
  return entries.flatMap(([group, members], i) =>
    entries.slice(i + 1).flatMap(([other, others]) =>
      members.filter((member) => others.includes(member)).map((member) => `${member} is in ${group} and in ${other}: tests of what users may not reach would fail; operators reach all that users do, so list a person once`),
    ),
  );
}
