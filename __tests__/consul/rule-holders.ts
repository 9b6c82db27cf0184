/** Who holds which right, over every Consul policy: the walk behind the proofs about the lease. */
import type { Resources } from "../access/identities";
import { readPolicy } from "../access/policy-reader";

export interface Right {
  /** Name of the policy. */
  readonly holder: string;
  readonly type: string;
  readonly label: string;
  readonly access: string;
}

const KNOWN = new Set(["key", "key_prefix", "service", "service_prefix", "node", "node_prefix", "agent", "session"]);

/**
 * Every right of every policy.
 * @throws Error on a rule of a kind that no policy of the platform has, "acl" and "operator" among them
 */
export function rights(policies: Readonly<Record<string, string>>): Right[] {
  return Object.entries(policies).flatMap(([holder, text]) =>
    readPolicy(text).map(({ type, label, fields, blocks }) => {
      if (!KNOWN.has(type) || label === undefined || blocks.length > 0) throw new Error(`${holder}: a rule of kind ${type} is none of the platform's`);
      return { holder, type, label, access: fields.policy as string };
    }),
  );
}

/** Policies of a synthesized stack, by name. */
export function policiesOf(resource: Resources): Record<string, string> {
  return Object.fromEntries(Object.values(resource.consul_acl_policy).map((policy) => [policy.name as string, policy.rules as string]));
}

/** Holders that may write a name: by its own rule, or by a prefix that covers it. */
export function writers(policies: Readonly<Record<string, string>>, type: "key" | "service" | "session" | "node", name: string): string[] {
  const covers = (right: Right) => (right.type === type && right.label === name) || (right.type === `${type}_prefix` && name.startsWith(right.label));
  return [...new Set(rights(policies).filter((right) => right.access !== "read" && covers(right)).map((right) => right.holder))].sort();
}
