/** Sentences that the terminal and the page share. */
import type { PlatformModel } from "./model";
import type { Crossing } from "./model/stacks";
import { KEPT_TOGETHER } from "./text/table";

/** "1 job", "8 jobs". */
export function counted(n: number, singular: string, plural = `${singular}s`): string {
  return `${n} ${n === 1 ? singular : plural}`;
}

/** "a", "a and b", "a, b and c". */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

export interface DigestLine {
  readonly about: string;
  readonly text: string;
  /** Something that an operator has to do before a deploy. */
  readonly attention: boolean;
}

/** The whole in five lines. */
export function digest(model: PlatformModel): DigestLine[] {
  const resources = model.stacks.reduce((sum, stack) => sum + stack.resources, 0);
  const apps = model.nodes.filter((node) => node.role === "app").map((node) => node.name);
  const witnesses = model.nodes.filter((node) => node.role === "witness").map((node) => node.name);
  const secrets = model.secrets.flatMap((path) => path.fields);
  const brought = secrets.filter((secret) => secret.origin === "operator").length;
  const unpinned = model.images.filter((image) => image.digest === null);
  return [
    { about: "stacks", text: `${counted(resources, "resource")} in ${counted(model.stacks.length, "stack")}: ${model.stacks.map((stack) => stack.id).join(" → ")}`, attention: false },
    { about: "jobs", text: `${counted(model.jobs.length, "job")} on ${listed(apps)}; ${listed(witnesses)} votes and runs none (${counted(model.nodes.length, "voter")}, quorum ${Math.floor(model.nodes.length / 2) + 1})`, attention: false },
    { about: "rules", text: `${counted(model.rules.length, "rule")} held for ${counted(model.jobs.length, "job")}`, attention: false },
    { about: "secrets", text: `${secrets.filter((secret) => secret.required).length} of ${counted(secrets.length, "secret")} must exist in Vault before a deploy; ${brought} are an operator's to bring`, attention: false },
    { about: "images", text: imagesText(unpinned.length, model.images.length, model.requireImageDigests), attention: unpinned.length > 0 && model.requireImageDigests },
  ];
}

function imagesText(unpinned: number, all: number, required: boolean): string {
  if (unpinned === 0) return `all ${all} are pinned by digest`;
  const which = `${unpinned} of ${all} have no digest in images.lock.json`;
  return required ? `${which}: their deploy is refused` : `${which}; this environment deploys them all the same`;
}

export interface CrossingLine extends Crossing {
  /** Stacks that use the value alike. */
  readonly to: readonly string[];
}

/** What crosses between stacks, each value once. */
export function crossingLines(model: PlatformModel): CrossingLine[] {
  const lines = new Map<string, CrossingLine>();
  for (const stack of model.stacks) {
    for (const crossing of stack.reads) {
      const key = JSON.stringify(crossing);
      lines.set(key, { ...crossing, to: [...(lines.get(key)?.to ?? []), stack.id] });
    }
  }
  return [...lines.values()];
}

/** What a construct creates: "nomad_acl_policy, 3 vault_policy". */
export function typesText(types: readonly { readonly type: string; readonly count: number }[]): string {
  return types.map(({ type, count }) => (count === 1 ? type : `${count}${KEPT_TOGETHER}${type}`)).join(", ");
}

/** What is true of every job that serves, to be said once; empty where they differ. */
export interface SharedByJobs {
  readonly checkedEvery: string;
  readonly updateLimit: string;
  /** A sentence of both; empty when there is nothing shared. */
  readonly sentence: string;
}

export function sharedByJobs({ jobs }: PlatformModel): SharedByJobs {
  const serving = jobs.filter((job) => job.updateLimit);
  const checkedEvery = common(serving.map((job) => job.checkedEvery));
  const updateLimit = common(serving.map((job) => job.updateLimit));
  const parts = [...(checkedEvery ? [`health is checked every ${checkedEvery}`] : []), ...(updateLimit ? [`a new version must be ${updateLimit}`] : [])];
  return { checkedEvery, updateLimit, sentence: parts.length ? `In each that serves, ${parts.join("; ")}.` : "" };
}

function common(values: readonly string[]): string {
  return new Set(values).size === 1 ? values[0] : "";
}
