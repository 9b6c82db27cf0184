/**
 * The tailnet's policy with the platform's part in it, for Tailscale to judge
 * before anything is deployed. What is posted later is made by Terraform
 * (constructs/tailnet/merge.ts), which keeps order and comments too; rules are a
 * union, so that neither changes what they allow.
 */
import { renderedPolicy, tailnetPolicy, type TailnetEnvironment } from "../../constructs/tailnet/policy";

type Rule = Readonly<Record<string, unknown>>;
export type LivePolicy = Readonly<Record<string, unknown>>;

/** Section names are read without regard to case. */
function section(live: LivePolicy, name: string): unknown {
  return Object.entries(live).find(([key]) => key.toLowerCase() === name)?.[1];
}

const rules = (value: unknown): Rule[] => (Array.isArray(value) ? (value as Rule[]) : []);
const entries = (value: unknown): Record<string, unknown> => (typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {});
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const host = (target: string): string => target.replace(/:[^:]*$/, "");

/** Whether everything that a rule is about is ours, so that the deploy replaces it. */
function replaced(targets: readonly string[], ownedTags: readonly string[]): boolean {
  return targets.length > 0 && targets.every((target) => ownedTags.includes(target));
}

/** A policy without grants and without acls lets every device reach every other; with the platform's grants in it that ends. */
export function allowsAllImplicitly(live: LivePolicy): boolean {
  return section(live, "acls") === undefined && section(live, "grants") === undefined;
}

export function candidatePolicy(env: TailnetEnvironment, live: LivePolicy): LivePolicy {
  const policy = tailnetPolicy(env);
  const ours = renderedPolicy(policy);
  const speakers = [...policy.ownedTags, ...Object.keys(ours.groups)];
  const others = Object.fromEntries(Object.entries(live).filter(([key]) => !["tagowners", "groups", "grants", "tests"].includes(key.toLowerCase())));
  const owners = Object.fromEntries(Object.entries(entries(section(live, "tagowners"))).filter(([tag]) => !policy.ownedTags.includes(tag)));
  const tested = (test: Rule): string[] => [...texts(test.accept ?? test.allow), ...texts(test.deny)].map(host);
  return {
    ...others,
    tagOwners: { ...owners, ...ours.tagOwners },
    groups: { ...entries(section(live, "groups")), ...ours.groups },
    grants: [...rules(section(live, "grants")).filter((grant) => !replaced(texts(grant.dst), policy.ownedTags)), ...ours.grants],
    tests: [...rules(section(live, "tests")).filter((test) => !speakers.includes(String(test.src ?? test.user)) && !replaced(tested(test), policy.ownedTags)), ...ours.tests],
  };
}
