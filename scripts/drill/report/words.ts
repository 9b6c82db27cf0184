/** Times and names as the report writes them. */
import { counted } from "../../preview/words";
import type { EarlierRuns, Policy } from "../result";

/** What each policy is, in a line. */
export const POLICY_WORDS: Readonly<Record<Policy, string>> = {
  lease: "the platform's worker: it runs while it holds the lease",
  plain: "the same program under the usual hand-written policy: no lease, no disconnect block, rescheduled without limit",
};

/** "0 ms", "240 ms", "9.3 s", "312 s": as fine as it was measured, no finer. The space does not break. */
export function timeText(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)}\u00a0ms`;
  return ms < 99_950 ? `${(ms / 1_000).toFixed(1)}\u00a0s` : `${Math.round(ms / 1_000)}\u00a0s`;
}

/** The same, where it is null when it never came. */
export function timeOrNever(ms: number | null | undefined, never: string): string {
  return ms === null || ms === undefined ? never : timeText(ms);
}

/** "2026-11-25 23:05 UTC". */
export function instantText(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** As much of it as names it, and whether files differed from it. */
export function shortCommit(commit: string): string {
  return commit.replace(/^([0-9a-f]{12})[0-9a-f]+/, "$1");
}

/** What runs are older than the rest, and why they count all the same. `code` marks what is a name. */
export function earlierText({ commit, values, runs }: EarlierRuns, code: (text: string) => string = (text) => text): string {
  const count = runs.reduce((sum, { repetitions }) => sum + repetitions.length, 0);
  const other = Object.entries(values).map(([name, value]) => `${code(name)} was ${value}`);
  return `${counted(count, "run")} ${count === 1 ? "is" : "are"} older, of commit ${code(shortCommit(commit))}${other.length > 0 ? `, when ${other.join(" and ")}, which decides none of their cases; those that it decides were run again` : ""}: ${runs.map(({ caseId, repetitions }) => `${code(caseId)} (${repetitions.join(", ")})`).join(", ")}.`;
}
