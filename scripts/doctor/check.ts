/** What a check is, and what it may say. */
import type { DoctorContext } from "./context";

export type Verdict = "pass" | "fail" | "inconclusive";

/** What was seen, and how to mend it where it is not as it should be. */
export type Outcome =
  | { readonly verdict: "pass"; readonly detail: string }
  | { readonly verdict: "fail" | "inconclusive"; readonly detail: string; /** A command or a step. */ readonly mend: string };

export const pass = (detail: string): Outcome => ({ verdict: "pass", detail });
export const fail = (detail: string, mend: string): Outcome => ({ verdict: "fail", detail, mend });
/** It could not be looked at, or what was seen decides nothing. Never a pass. */
export const inconclusive = (detail: string, mend: string): Outcome => ({ verdict: "inconclusive", detail, mend });

export interface Check {
  /** Unique, for scripts that read the JSON, for example `server-1.clock`. */
  readonly id: string;
  /** What is checked: a node, or a service. Results are grouped by it. */
  readonly target: string;
  readonly title: string;
  /** What it connects to, and the credentials that it uses. */
  readonly needs: readonly string[];
  run(context: DoctorContext): Promise<Outcome>;
}

/** Something that cannot be looked at from here, said so that nobody takes it for checked. */
export interface NotChecked {
  readonly title: string;
  readonly why: string;
  /** How to look at it oneself. */
  readonly how: string;
}
