/** Each job as an operator asks about it: how many, where, how it is checked, how it is replaced. */
import type { ImageLock } from "../../../contracts/images";
import { secretPathsFor } from "../../../contracts/secrets";
import { JOB_KEYS, type JobKey, type JobName } from "../../../contracts/services";
import { JOB_BUILDERS, PROTECTED_JOBS } from "../../../constructs/jobs/catalog";
import { runsAtTimes, type GroupSpec, type JobSpec, type Probe } from "../../../constructs/nomad/spec";
import type { Environment } from "../../../environments/schema";

export interface JobModel {
  readonly id: JobName;
  /** Stack that deploys it. */
  readonly stack: string;
  readonly kind: GroupSpec["kind"];
  /** Copies that run at once. */
  readonly count: number;
  /** Nodes on which it may run. */
  readonly nodes: readonly string[];
  readonly copies: string;
  readonly placement: string;
  /** Its health checks, each once. */
  readonly health: readonly string[];
  /** How often they are made; empty: differently, or there are none. */
  readonly checkedEvery: string;
  readonly update: string;
  /** When a new version counts as good, and what happens otherwise; empty: it is the next run. */
  readonly updateLimit: string;
  readonly failure: string;
  readonly ports: readonly PortModel[];
  /** Host volume with its data, on its only node. */
  readonly volume: string | undefined;
  readonly resources: string;
  /** Terraform refuses to destroy it. */
  readonly kept: boolean;
  /** Vault paths that it may read, below the mount. */
  readonly secretPaths: readonly string[];
  readonly why: string;
}

export interface PortModel {
  readonly label: string;
  /** Port inside the container. */
  readonly to: number;
  /** Port on the node; undefined: Nomad chooses one. */
  readonly node: number | undefined;
}

/** The job specifications of an environment. */
export function jobSpecs(env: Environment, lock: ImageLock): Record<JobKey, JobSpec> {
  return Object.fromEntries(JOB_KEYS.map((key) => [key, JOB_BUILDERS[key](env, lock)])) as Record<JobKey, JobSpec>;
}

export function jobModel(env: Environment, key: JobKey, spec: JobSpec, stack: string): JobModel {
  const { group } = spec;
  const nodes = env.nodes.map((node) => node.name).filter((name) => mayRunOn(group, name));
  return {
    id: spec.id,
    stack,
    kind: group.kind,
    count: copies(group, nodes),
    nodes,
    copies: copiesText(group),
    placement: placementText(env, group, nodes),
    health: [...new Set(group.services.map(({ check }) => probeText(check)))],
    checkedEvery: only(group.services.map(({ check }) => `${check.interval}`)),
    update: updateText(group),
    updateLimit: updateLimitText(group),
    failure: failureText(group),
    ports: group.ports.map((p) => ({ label: p.label, to: p.to, node: p.static })),
    volume: group.volume?.source,
    resources: resourcesText(group),
    kept: env.protect && PROTECTED_JOBS.includes(key),
    secretPaths: secretPathsFor(spec.id),
    why: spec.rationale,
  };
}

function mayRunOn(group: GroupSpec, node: string): boolean {
  return group.constraints.filter((c) => c.attribute === "${node.unique.name}").every((c) => (c.operator === "=") === (c.value === node));
}

function copies(group: GroupSpec, nodes: readonly string[]): number {
  switch (group.kind) {
    case "replicated":
      return group.count;
    case "singleton":
      return 1;
    case "system":
    case "sysbatch":
      return nodes.length;
    case "periodic":
      return 1;
  }
}

function copiesText(group: GroupSpec): string {
  switch (group.kind) {
    case "replicated":
      return String(group.count);
    case "singleton":
      return "1, never 2";
    case "system":
      return "one a node";
    case "periodic":
    case "sysbatch":
      return `1, every ${group.interval}`;
  }
}

function placementText(env: Environment, group: GroupSpec, nodes: readonly string[]): string {
  if (nodes.length === 0) return "nowhere: no node meets its constraints";
  if (nodes.length === 1) return `${nodes[0]}${group.volume ? ", its volume" : ""}`;
  const everywhere = nodes.length === env.nodes.length;
  switch (group.kind) {
    case "replicated":
      return `spread over ${everywhere ? "app nodes" : nodes.join(", ")}`;
    case "singleton":
      return everywhere ? "any app node" : nodes.join(" or ");
    case "system":
    case "sysbatch":
      return everywhere ? "every app node" : nodes.join(", ");
    case "periodic":
      return everywhere ? "any app node" : nodes.join(" or ");
  }
}

function probeText({ type, path }: Probe): string {
  return type === "http" ? `GET ${path}` : "TCP";
}

function updateText(group: GroupSpec): string {
  switch (group.kind) {
    case "replicated":
      return `${group.canary.count} canary, ${group.canary.autoPromote ? "automatic" : "promoted by hand"}`;
    case "singleton":
      return "stop, then start";
    case "system":
      return "node by node";
    case "periodic":
    case "sysbatch":
      return "with the next run";
  }
}

function updateLimitText(group: GroupSpec): string {
  if (runsAtTimes(group)) return "";
  const { minHealthyTime, healthyDeadline, autoRevert } = group.update;
  return `healthy for ${minHealthyTime} within ${healthyDeadline}, ${autoRevert ? "else reverted" : "else left as it is"}`;
}

function failureText(group: GroupSpec): string {
  const { attempts, interval, mode } = group.restart;
  const here = `${attempts} restarts in ${interval}`;
  if (mode === "delay") return `${here}, again and again`;
  if (runsAtTimes(group)) return `${here}, then the next run is waited for`;
  return group.kind === "system" ? `${here}, then it stays down` : `${here}, then on another node, without limit`;
}

function resourcesText({ tasks }: GroupSpec): string {
  const [{ resources }] = tasks;
  return `${resources.cpuMhz} MHz, ${resources.memory}${resources.memoryMax ? ` (at most ${resources.memoryMax})` : ""}`;
}

/** The one value of a list; empty when there are several. */
function only(values: readonly string[]): string {
  const [first, ...others] = new Set(values);
  return others.length ? "" : (first ?? "");
}
