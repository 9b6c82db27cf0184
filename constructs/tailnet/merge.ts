/**
 * Merges the platform's policy into the one that the tailnet has, as Terraform
 * expressions: the live policy is known at plan only.
 *
 * Kept is everything that is not the platform's by identity. Identity is the exact
 * list of its tags, never a prefix: `gvfx` and `gvfx-staging` share a tailnet. Ours are
 * - tag owners of our tags, and the groups whose members the environment lists;
 * - grants whose every destination is one of our tags, and those equal to one of ours;
 * - tests that ask about our tags alone, those that speak as one of our tags or groups
 *   about ours or our peers' (Consul, Vault), and those equal to one of ours.
 * So a grant from our tags to somebody else's, once rendered and no longer, stays until
 * the operator removes it: nothing tells it from one of theirs.
 * What is ours already keeps its place, so that a second environment's deploy does not
 * make the first one's next plan reorder anything, and a policy that needs no change
 * is passed through as its author wrote it, comments included.
 */
import type { RenderedPolicy } from "./policy";

export interface MergeInput {
  /** HCL expression of the live policy as JSON text. */
  readonly json: string;
  /** HCL expression of the live policy as its author wrote it. */
  readonly hujson: string;
  readonly policy: RenderedPolicy;
  readonly ownedTags: readonly string[];
  /** Tags of others that the platform's own tests ask about. */
  readonly peerTags: readonly string[];
  /** Tailnet addresses of the nodes: a rule for a range around them opens them too. */
  readonly nodeAddresses: readonly string[];
}

/** Locals by name; each refers to the others as `local.<name>`. */
export type MergeLocals = Readonly<Record<keyof typeof MERGE, unknown>>;

/** Names of the locals, the same in every stack. */
export const MERGE = {
  ours: "tailnet_ours",
  live: "tailnet_live",
  sections: "tailnet_sections",
  liveGrants: "tailnet_live_grants",
  liveTests: "tailnet_live_tests",
  grants: "tailnet_grants",
  tests: "tailnet_tests",
  merged: "tailnet_merged",
  /** The text to post. */
  policy: "tailnet_policy",
  /** Rules of others that open our nodes all the same, as JSON texts. */
  wideRules: "tailnet_wide_rules",
} as const;

/** Sections that are merged entry by entry; Tailscale reads section names without regard to case. */
const MERGED_SECTIONS = `["tagowners", "groups", "grants", "tests"]`;

const expression = (text: string): string => "${" + text.replaceAll(/\s*\n\s*/g, " ").trim() + "}";
const list = (section: string): string => `try([for entry in local.${MERGE.sections}.${section} : entry], [])`;
const map = (section: string): string => `try({for key, value in local.${MERGE.sections}.${section} : key => value}, {})`;
const ours = (field: string): string => `local.${MERGE.ours}.${field}`;

/** Live entries as JSON texts, each with whether it is ours. Texts, because Terraform compares and joins lists of one type only. */
const classified = (section: string, isOurs: string): string => `[for entry in ${list(section)} : {
  text = jsonencode(entry),
  ours = contains([for own in ${ours(section)} : jsonencode(own)], jsonencode(entry)) || (${isOurs})
}]`;

/** What the section becomes: as it is when ours is complete in it, otherwise others' entries and then ours. */
const mergedSection = (liveLocal: string, section: string): string => {
  const live = `local.${liveLocal}`;
  const own = `[for own in ${ours(section)} : jsonencode(own)]`;
  return `sort([for entry in ${live} : entry.text if entry.ours]) == sort(${own})
    ? compact([for entry in ${live} : entry.text])
    : compact(concat([for entry in ${live} : entry.text if !entry.ours], ${own}))`;
};

/** Host of an ACL's "host:ports"; IPv6 addresses are in brackets. */
const aclHost = `trim(try(regex("^(.*):[^:]*$", target)[0], target), "[]")`;
/** Host of a test's "host:port". */
const testHost = `try(regex("^(.*):[^:]*$", target)[0], target)`;
const testTargets = `concat(try(entry.accept, entry.allow, []), try(entry.deny, []))`;
/** Whether a test asks about these tags and no others. */
const allTargets = (tags: string): string => `(length(${testTargets}) > 0 && alltrue([for target in ${testTargets} : contains(${tags}, ${testHost})]))`;
/** What a destination stands for: an IP set and a host name are other words for addresses. */
const resolved = `flatten([for host in rule.hosts : try(
  [for member in local.${MERGE.sections}.ipsets[host] : trimprefix(member, "add ") if !startswith(member, "remove ")],
  [local.${MERGE.sections}.hosts[host]],
  [host]
)])`;
/** Whether an address or a range holds the address of a node. */
const holdsNode = `anytrue([for address in ${ours("addresses")} : try(cidrhost(format("%s/%s", address, split("/", target)[1]), 0) == cidrhost(target, 0), target == address)])`;

export function mergeLocals({ json, hujson, policy, ownedTags, peerTags, nodeAddresses }: MergeInput): MergeLocals {
  return {
    ours: { ...policy, tags: ownedTags, peers: peerTags, addresses: nodeAddresses },
    live: expression(`jsondecode(${json})`),
    sections: expression(`{for key, value in local.${MERGE.live} : lower(key) => value}`),
    liveGrants: expression(classified("grants", `length(try(entry.dst, [])) > 0 && alltrue([for target in try(entry.dst, []) : contains(${ours("tags")}, target)])`)),
    liveTests: expression(classified("tests", `
      ${allTargets(ours("tags"))}
      || (contains(concat(${ours("tags")}, keys(${ours("groups")})), try(entry.src, entry.user, "")) && ${allTargets(`concat(${ours("tags")}, ${ours("peers")})`)})`)),
    grants: expression(mergedSection(MERGE.liveGrants, "grants")),
    tests: expression(mergedSection(MERGE.liveTests, "tests")),
    merged: expression(`merge(
      {for key, value in local.${MERGE.live} : key => value if !contains(${MERGED_SECTIONS}, lower(key))},
      {
        tagOwners = merge({for key, value in ${map("tagowners")} : key => value if !contains(${ours("tags")}, key)}, ${ours("tagOwners")}),
        groups = merge(${map("groups")}, ${ours("groups")}),
        grants = [for text in local.${MERGE.grants} : jsondecode(text)],
        tests = [for text in local.${MERGE.tests} : jsondecode(text)]
      }
    )`),
    policy: expression(`jsonencode(local.${MERGE.merged}) == jsonencode(local.${MERGE.live}) ? ${hujson} : jsonencode(local.${MERGE.merged})`),
    wideRules: expression(`[for rule in concat(
      [for entry in ${list("acls")} : { text = jsonencode(entry), hosts = [for target in try(entry.dst, entry.ports, []) : ${aclHost}] }],
      [for entry in local.${MERGE.liveGrants} : { text = entry.text, hosts = try(jsondecode(entry.text).dst, []) } if !entry.ours && length(try(jsondecode(entry.text).ip, [])) > 0]
    ) : rule.text if anytrue([for target in ${resolved} :
      contains(concat(["*", "autogroup:tagged", "fd7a:115c:a1e0::/48"], ${ours("tags")}), target) || ${holdsNode}
    ])]`),
  };
}
