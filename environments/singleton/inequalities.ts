/**
 * Why the worker is one, and why it is never away for long, as inequalities between
 * the environment's values. Synth refuses an environment that breaks one or leaves
 * less than its margin; docs/worker.md is their table.
 */
import { Duration } from "../../contracts/units";
import type { Finding } from "../schema/cross-checks";
import { AVAILABILITY } from "./availability";
import type { Inequality, SingletonTimes } from "./inequality";
import { SAFETY } from "./safety";

export const INEQUALITIES: readonly Inequality[] = [...SAFETY.map((row) => ({ ...row, kind: "safety" as const })), ...AVAILABILITY.map((row) => ({ ...row, kind: "availability" as const }))];

/** By how much the right side exceeds the left, in milliseconds; negative when it does not. */
export function marginMs(inequality: Inequality, env: SingletonTimes): number {
  return inequality.right(env).milliseconds - inequality.left(env).milliseconds;
}

/** One finding for each inequality that does not hold with its margin. */
export function singletonFindings(env: SingletonTimes): Finding[] {
  return INEQUALITIES.flatMap((inequality) => {
    const margin = marginMs(inequality, env);
    if (margin >= inequality.atLeast.milliseconds) return [];
    const verdict = margin < 0 ? `is broken by ${Duration.ms(-margin)}` : `leaves ${Duration.ms(margin)}, and must leave ${inequality.atLeast}`;
    return [{ path: inequality.field, message: `[${inequality.id}] ${inequality.statement} ${verdict} (${inequality.left(env)} ≤ ${inequality.right(env)}): ${inequality.why}; ${inequality.fix}`, example: inequality.example }];
  });
}
