/**
 * Who may reach what on the tailnet: the platform's part of the policy file.
 * Pure and typed, so that the stack renders it and the CLI prints it from one source.
 */
import type { AppNode, Environment } from "../../environments/schema";
import { accessGrants } from "./access-grants";
import { accessTests } from "./access-tests";

/** An environment whose network is a tailnet. */
export type TailnetEnvironment = Environment & { readonly tailnet: Extract<Environment["tailnet"], { enabled: true }> };

/** Whether the environment's network is a tailnet, for which alone there is a policy. */
export function hasTailnet(environment: Environment): environment is TailnetEnvironment {
  return environment.tailnet.enabled;
}

/** One allowed path. Everything that no grant names is denied. */
export interface AccessGrant {
  /** Tags or groups that open connections. */
  readonly src: readonly string[];
  /** Tags that are reached; `autogroup:internet` together with `via` only. */
  readonly dst: readonly string[];
  /** Protocol and port or range, for example "tcp:4647". */
  readonly ip: readonly string[];
  /** Exit nodes by which the traffic must leave. */
  readonly via?: readonly string[];
  /** Why the path exists, for people; no part of the policy file. */
  readonly purpose: string;
}

/** An assertion that Tailscale evaluates each time the policy changes; one that fails refuses the change. */
export interface AccessTest {
  /** One tag, group or user on whose behalf the test asks. */
  readonly src: string;
  readonly proto: "tcp" | "udp";
  /** `host:port` that must be reachable. */
  readonly accept?: readonly string[];
  /** `host:port` that must not be. */
  readonly deny?: readonly string[];
}

/** Tags of an environment: what a device is decides what it may reach. */
export interface TailnetTags {
  /** Nomad servers, the witness among them. */
  readonly server: string;
  /** Nodes that run allocations. */
  readonly app: string;
  /** The node that holds the data. */
  readonly db: string;
  /** The third voter, which runs nothing; on top of `server`. */
  readonly witness: string;
  /**
   * The machine of the hand-started processes, where it is none of the nodes. The operator
   * applies it: a tag takes a device out of its user's hands, which is no side effect to have
   * on the machine that trades.
   */
  readonly legacy: string;
  /** Carried by no device. Tests ask on its behalf what any other device of the tailnet may reach: nothing. */
  readonly stranger: string;
}

/** The platform's part of the policy file, with what tells it apart from the operator's part. */
export interface TailnetPolicy {
  readonly tagOwners: Readonly<Record<string, readonly string[]>>;
  /** Groups whose members the environment lists. A group without members is taken as the tailnet has it. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly grants: readonly AccessGrant[];
  readonly tests: readonly AccessTest[];
  /** Every tag of this environment, in use or not. Ownership is by this exact list: another environment's prefix may begin with this one's. */
  readonly ownedTags: readonly string[];
  /** The devices and the tags that each carries; rights and exposure of a device are the union over its tags. */
  readonly devices: readonly { readonly name: string; readonly tags: readonly string[] }[];
}

/** What is written into the policy file. */
export interface RenderedPolicy extends Pick<TailnetPolicy, "tagOwners" | "groups" | "tests"> {
  readonly grants: readonly Omit<AccessGrant, "purpose">[];
}

/** Tags by role, `tag:<prefix>-<role>`. */
export function tailnetTags({ tailnet: { tagPrefix } }: TailnetEnvironment): TailnetTags {
  const tag = (role: string): string => `tag:${tagPrefix}-${role}`;
  return { server: tag("server"), app: tag("app"), db: tag("db"), witness: tag("witness"), legacy: tag("legacy"), stranger: tag("stranger") };
}

/** Tags that an app node carries: each is a server too, and one of them holds the data. */
export function appNodeTags(environment: TailnetEnvironment, node: Pick<AppNode, "name">): string[] {
  const tags = tailnetTags(environment);
  return [tags.server, tags.app, ...(node.name === environment.dataPlane.node ? [tags.db] : [])];
}

/** Tags that the witness carries. */
export function witnessTags(environment: TailnetEnvironment): string[] {
  const tags = tailnetTags(environment);
  return [tags.server, tags.witness];
}

/** Whether the hand-started processes have a machine of their own. */
export function legacyHasOwnHost({ legacy }: Pick<Environment, "legacy">): boolean {
  return legacy.host.node === undefined;
}

/** The platform's part of the tailnet's policy. */
export function tailnetPolicy(environment: TailnetEnvironment): TailnetPolicy {
  const { tailnet, nodes, witness } = environment;
  const tags = tailnetTags(environment);
  const owners = [tailnet.operatorGroup, ...(tailnet.oauthClientTag ? [tailnet.oauthClientTag] : [])];
  const inUse = Object.values(tags).filter((tag) => tag !== tags.legacy || legacyHasOwnHost(environment));
  const users = tailnet.userGroup.startsWith("group:") && tailnet.userGroupMembers.length > 0 ? { [tailnet.userGroup]: tailnet.userGroupMembers } : {};
  return {
    tagOwners: Object.fromEntries(inUse.map((tag) => [tag, owners])),
    groups: { ...users, [tailnet.operatorGroup]: tailnet.operators },
    grants: accessGrants(environment, tags),
    tests: accessTests(environment, tags),
    ownedTags: Object.values(tags),
    devices: [
      ...nodes.map((node) => ({ name: node.name, tags: appNodeTags(environment, node) })),
      { name: witness.name, tags: witnessTags(environment) },
      ...(legacyHasOwnHost(environment) ? [{ name: "legacy host", tags: [tags.legacy] }] : []),
    ],
  };
}

/** The policy without what only people read. */
export function renderedPolicy({ tagOwners, groups, grants, tests }: TailnetPolicy): RenderedPolicy {
  return { tagOwners, groups, tests, grants: grants.map(({ purpose: _purpose, ...grant }) => grant) };
}
