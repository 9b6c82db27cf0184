/** Who calls whom: read from the jobs themselves, so that the drawing cannot say what the jobs do not do. */
import { SECRETS } from "../../../contracts/secrets";
import { CLUSTER_PORTS, JOBS, type JobName } from "../../../contracts/services";
import type { JobSpec } from "../../../constructs/nomad/spec";
import { hasTailnet, legacyHasOwnHost, tailnetPolicy, tailnetTags } from "../../../constructs/tailnet/policy";
import type { Environment } from "../../../environments/schema";

export type PartyKind = "people" | "job" | "cluster" | "outside";

/** Somebody or something that calls or is called. */
export interface Party {
  readonly id: string;
  readonly kind: PartyKind;
  readonly label: string;
  readonly detail: string;
}

export interface Flow {
  readonly from: string;
  readonly to: string;
  /** Ports or ranges that are called; empty: chosen by Nomad. */
  readonly ports: readonly string[];
  /** What for. */
  readonly what: string;
}

/** Parties that are no job. */
export const PARTIES = { users: "users", operators: "operators", nomad: "nomad", consul: "consul", vault: "vault", exchanges: "exchanges", legacy: "legacy" } as const;

/** Parties besides the jobs, in the order in which they are drawn. */
export function otherParties(env: Environment): Party[] {
  const { tailnet, legacy } = env;
  // Each app node and the witness.
  const voters = env.nodes.length + 1;
  const existing = (servers: number): string => `${servers} existing server${servers === 1 ? "" : "s"}`;
  return [
    ...(tailnet.enabled
      ? [
          { id: PARTIES.users, kind: "people" as const, label: "Users", detail: tailnet.userGroup },
          { id: PARTIES.operators, kind: "people" as const, label: "Operators", detail: tailnet.operatorGroup },
        ]
      : []),
    { id: PARTIES.nomad, kind: "cluster", label: "Nomad servers", detail: `quorum ${Math.floor(voters / 2) + 1} of ${voters}` },
    { id: PARTIES.consul, kind: "outside", label: "Consul", detail: existing(env.consul.servers.length) },
    { id: PARTIES.vault, kind: "outside", label: "Vault", detail: existing(env.vault.servers.length) },
    { id: PARTIES.exchanges, kind: "outside", label: "Exchanges", detail: tailnet.enabled && tailnet.exitNodeTag ? `by ${tailnet.exitNodeTag}` : "straight from the nodes" },
    ...(legacy.retired ? [] : [{ id: PARTIES.legacy, kind: "outside" as const, label: "Legacy processes", detail: legacy.host.node === undefined ? legacy.host.tailnetAddress : `on ${legacy.host.node}` }]),
  ];
}

/** Every flow, each pair of parties once. */
export function flows(env: Environment, specs: readonly JobSpec[]): Flow[] {
  return merged([...peopleFlows(env, specs), ...specs.flatMap((spec) => jobFlows(env, spec, specs))]);
}

function merged(all: readonly Flow[]): Flow[] {
  const byPair = new Map<string, Flow>();
  for (const flow of all) {
    const key = `${flow.from} ${flow.to}`;
    const known = byPair.get(key);
    byPair.set(key, known ? { ...known, ports: [...new Set([...known.ports, ...flow.ports])], what: known.what === flow.what ? known.what : `${known.what}; ${flow.what}` } : flow);
  }
  return [...byPair.values()];
}

/** Calls by name (host:port, or host and port= as libpq has them), by address and through the platform's identities. */
function jobFlows(env: Environment, spec: JobSpec, specs: readonly JobSpec[]): Flow[] {
  const text = spec.group.tasks.flatMap((task) => [...Object.values(task.env ?? {}), ...(task.templates ?? []).map((template) => template.data)]).join("\n");
  const from = spec.id;
  const found: Flow[] = [];
  const domain = env.consul.domain.replace(/\./g, "\\.");
  for (const [, , name, port] of text.matchAll(new RegExp(`(^|[^a-z0-9-])_?(gvfx-[a-z-]+)(?:\\._tcp)?\\.service\\.${domain}(?:(?::| port=)(\\d+))?`, "gm"))) {
    const target = specs.find((other) => other.group.services.some((service) => service.name === name));
    if (!target || target.id === from) continue;
    found.push({ from, to: target.id, ports: port ? [port] : [], what: `as ${name}` });
  }
  for (const [, port] of text.matchAll(new RegExp(`\\b${env.legacy.host.tailnetAddress.replace(/\./g, "\\.")}:(\\d+)`, "g"))) {
    if (!env.legacy.retired) found.push({ from, to: PARTIES.legacy, ports: [port], what: "until traffic is switched" });
  }
  return [...found, ...secretFlows(env, from, specs), ...clusterFlows(spec)];
}

/** What a job may read says whom it calls. */
function secretFlows(env: Environment, from: JobName, specs: readonly JobSpec[]): Flow[] {
  const reads = (field: string): boolean => SECRETS.some((secret) => secret.field === field && secret.readers.includes(from));
  return [
    ...(reads("TIMESCALE_URL") && specs.some((spec) => spec.id === JOBS.postgres) ? [{ from, to: JOBS.postgres, ports: [String(env.ports.postgres)], what: "by TIMESCALE_URL, a secret" }] : []),
    ...(reads("BINGX_API_KEY") ? [{ from, to: PARTIES.exchanges, ports: ["443"], what: "with its exchange keys" }] : []),
  ];
}

function clusterFlows({ id, group: { tasks } }: JobSpec): Flow[] {
  return [
    ...(tasks.some((task) => task.vaultRole) ? [{ from: id, to: PARTIES.vault, ports: [String(CLUSTER_PORTS.vault)], what: "reads its secrets by workload identity" }] : []),
    ...(tasks.some((task) => task.readsConsul) ? [{ from: id, to: PARTIES.consul, ports: [], what: "reads Consul through its node's agent" }] : []),
  ];
}

/** What the tailnet grants to people, by the party that listens on the granted port. */
function peopleFlows(env: Environment, specs: readonly JobSpec[]): Flow[] {
  if (!hasTailnet(env)) return [];
  const { tailnet, legacy } = env;
  const tags = tailnetTags(env);
  const legacyTag = legacyHasOwnHost(env) ? tags.legacy : tags.app;
  const listeners = [
    ...specs.map((spec) => ({ to: spec.id as string, tags: [tags.app, tags.db], ports: spec.group.ports.flatMap((p) => (p.static === undefined ? [] : [Number(p.static)])) })),
    { to: PARTIES.nomad, tags: [tags.server], ports: [CLUSTER_PORTS.nomadHttp] },
    { to: PARTIES.consul, tags: [tailnet.consulTag], ports: [CLUSTER_PORTS.consulHttp, CLUSTER_PORTS.consulHttps] },
    { to: PARTIES.vault, tags: [tailnet.vaultTag], ports: [CLUSTER_PORTS.vault] },
    ...(legacy.retired ? [] : [{ to: PARTIES.legacy, tags: [legacyTag], ports: [...Object.values(legacy.ports)] }]),
  ];
  const people = [{ id: PARTIES.users, group: tailnet.userGroup }, { id: PARTIES.operators, group: tailnet.operatorGroup }];
  return people.flatMap(({ id, group }) =>
    listeners.flatMap((listener) => {
      const granted = tailnetPolicy(env)
        .grants.filter((grant) => grant.src.includes(group) && grant.dst.some((dst) => listener.tags.includes(dst)))
        .flatMap((grant) => grant.ip);
      const ports = listener.ports.filter((port) => granted.includes(`tcp:${port}`)).map(String);
      return ports.length ? [{ from: id, to: listener.to, ports, what: "as the tailnet grants" }] : [];
    }),
  );
}
