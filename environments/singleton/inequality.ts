/** What an inequality between the environment's times is. */
import { SESSION_TTL_MULTIPLE } from "../../contracts/singleton";
import type { Duration } from "../../contracts/units";
import type { Environment } from "../schema";

/** The sections that the inequalities speak of. */
export type SingletonTimes = Pick<Environment, "lease" | "nomad">;

export interface Inequality {
  /** Name in messages, in docs/worker.md and in the drill's report. */
  readonly id: string;
  /** `safety`: two workers could run. `availability`: the worker could be away without need, or for longer than promised. */
  readonly kind: "safety" | "availability";
  /** In the names of the environment file, left and right as computed. */
  readonly statement: string;
  readonly why: string;
  /** Where the numbers that are not ours come from. */
  readonly source: string;
  /** Path of the value to change first, with a value that is right in the worked example. */
  readonly field: string;
  readonly example: string;
  readonly fix: string;
  left(env: SingletonTimes): Duration;
  right(env: SingletonTimes): Duration;
  /** By how much the right side must exceed the left. */
  readonly atLeast: Duration;
}

/** Everything but whether it is of safety, which the list that it stands in says. */
export type InequalityRow = Omit<Inequality, "kind">;

/** The program that holds the lease. */
export const LEASE_PROGRAM = "runtime/worker-lease/protocol.mjs";

/** When Consul ends a session at the latest, from its last renewal. */
export function sessionExpiry({ lease }: SingletonTimes): Duration {
  return lease.ttl.times(SESSION_TTL_MULTIPLE);
}
