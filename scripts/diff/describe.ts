/** A stack's plan in words: what is created, changed, replaced and destroyed, and what of it is dangerous. Pure. */
import { protectedResource } from "../../constructs/guardrails/protected";
import { ENV_CONTRACT } from "../../contracts/env";
import { MARKET_VARIABLE, TUNED_SERVICES, tuningVariable } from "../../contracts/variables";
import { isRecord, parseJson } from "../json";
import { effectOf, jobSentences, listWords, type Json } from "./job-words";
import { same } from "./leaves";
import type { PlannedAction, PlannedChange, StackPlan } from "./plan";
import { valueText } from "./texts";

export interface DescribedChange {
  readonly address: string;
  /** "job gvfx-api", "variable gvfx/market". */
  readonly what: string;
  readonly action: PlannedAction;
  /** What would be lost; undefined for what an apply may do. */
  readonly danger: string | undefined;
  /** In words, each a line. */
  readonly words: readonly string[];
  /** What users notice while it is applied. */
  readonly effect: string | undefined;
}

export interface DescribedStack {
  readonly stack: string;
  readonly changes: readonly DescribedChange[];
  readonly outputs: readonly string[];
}

/** Nomad variables that hold no secret, by what the guardrails let into them. */
const OPEN_VARIABLES: ReadonlySet<string> = new Set([MARKET_VARIABLE, ...TUNED_SERVICES.map(tuningVariable)]);
const SECRET_KEYS: ReadonlySet<string> = new Set(ENV_CONTRACT.filter(({ secret }) => secret).map(({ key }) => key));

/** @param paths construct path of each address, "app/worker/job"; what is not among them is told by its address */
export function describePlan({ stack, changes, outputs }: StackPlan, paths: ReadonlyMap<string, string>): DescribedStack {
  return { stack, outputs, changes: changes.map((change) => describe(change, paths.get(change.address) ?? change.address)) };
}

function describe(change: PlannedChange, path: string): DescribedChange {
  const { address, type, action, replacedBy } = change;
  const job = jobOf(change);
  const { words, danger, effect } = type === "nomad_job" ? ofJob(change) : { words: ofAttributes(change), danger: undefined, effect: undefined };
  const gone = action === "destroy" || action === "replace" ? protectedResource(type, path, job)?.loss : undefined;
  const forced = action === "replace" && replacedBy.length > 0 ? [`replaced, since ${replacedBy.join(" and ")} cannot be changed in place`] : [];
  return { address, what: nameOf(change, path, job), action, danger: gone ?? danger, words: [...forced, ...words], effect: action === "update" ? effect : undefined };
}

function nameOf({ type, before, after }: PlannedChange, path: string, job: string | undefined): string {
  if (job !== undefined) return `job ${job}`;
  if (type === "nomad_variable") return `variable ${String(after.path ?? before.path)}`;
  return `${type} (${path.split("/").slice(1).join("/") || path})`;
}

function jobOf({ type, before, after }: PlannedChange): string | undefined {
  if (type !== "nomad_job") return undefined;
  const id = (specOf(after) ?? specOf(before))?.ID;
  return typeof id === "string" ? id : undefined;
}

function specOf({ jobspec }: Readonly<Record<string, unknown>>): Json | undefined {
  const spec = typeof jobspec === "string" ? parseJson(jobspec) : undefined;
  return isRecord(spec) ? spec : undefined;
}

function ofJob({ action, before, after, unknown }: PlannedChange): Pick<DescribedChange, "words" | "danger" | "effect"> {
  const [was, is] = [specOf(before), specOf(after)];
  if (!was || !is) return { words: action === "update" && unknown("jobspec") ? ["its text is known after other changes"] : [], danger: undefined, effect: undefined };
  const sentences = jobSentences(was, is);
  const moved = keepsData(was) && sentences.some(({ movesData }) => movesData);
  // Somebody changed the job past Terraform: its text is the same, and what Nomad has is another.
  const words = sentences.length === 0 && action === "update" ? ["its definition is as it was: it is registered anew over what was changed by hand"] : sentences.map(({ text }) => text);
  return { words, danger: moved ? "it would start without its data, which stays where it is" : undefined, effect: effectOf(was, is) };
}

/** Whether a job has a volume of the node that it is on. */
function keepsData({ TaskGroups: groups }: Json): boolean {
  return Array.isArray(groups) && groups.some((group) => isRecord(group) && isRecord(group.Volumes) && Object.keys(group.Volumes).length > 0);
}

/** Attributes that a provider keeps for itself. */
const OF_THE_PROVIDER = /^(id|.*_index|.*_at|timeouts)$/;

function ofAttributes(change: PlannedChange): string[] {
  const { action, type, before, after, sensitive, unknown } = change;
  if (type === "nomad_variable") return ofVariable(change);
  if (action === "create" || action === "destroy" || action === "forget") return [];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((attribute) => {
    if (OF_THE_PROVIDER.test(attribute) && !sensitive(attribute)) return [];
    if (unknown(attribute)) return before[attribute] === undefined ? [] : [`${attribute} is known after the deploy`];
    if (same(before[attribute], after[attribute])) return [];
    return [sensitive(attribute) ? `${attribute} (secret) changes` : `${attribute} ${valueText(before[attribute])} to ${valueText(after[attribute])}`];
  });
}

function ofVariable({ before, after }: PlannedChange): string[] {
  const open = OPEN_VARIABLES.has(String(after.path ?? before.path));
  const [was, is] = [before.items, after.items].map((items) => (isRecord(items) ? items : {}));
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].sort().flatMap((key) => {
    if (same(was[key], is[key])) return [];
    if (!open || SECRET_KEYS.has(key)) return [`${key} ${was[key] === undefined ? "is new" : is[key] === undefined ? "is gone" : "changes"} (value not shown)`];
    if (was[key] === undefined) return [`${key} is new: ${valueText(is[key])}`];
    if (is[key] === undefined) return [`${key} is gone (was ${valueText(was[key])})`];
    const list = [was[key], is[key]].some((value) => String(value).includes(",")) ? listWords(String(was[key]), String(is[key])) : undefined;
    return [list === undefined ? `${key} ${valueText(was[key])} to ${valueText(is[key])}` : `${key} ${list}`];
  });
}
