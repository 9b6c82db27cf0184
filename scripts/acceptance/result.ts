/** What every acceptance command comes to: checks with a verdict each, figures, and who ran when. */
import { setMaxListeners } from "node:events";
import { inconclusive, pass, type Outcome, type Verdict } from "../doctor/check";

export interface AcceptanceCheck {
  /** Unique within its command, for programs that read the JSON. */
  readonly id: string;
  readonly title: string;
  run(signal: AbortSignal): Promise<Outcome>;
}

export type Checked = Pick<AcceptanceCheck, "id" | "title"> & { readonly outcome: Outcome };

/** A number that was measured. */
export interface Figure {
  readonly title: string;
  readonly value: number;
  /** "ms", "requests", "ratio": as it is read after the number. */
  readonly unit: string;
  /** Largest value that passes. @default nothing is promised of it */
  readonly atMost?: number;
}

/** A line of a timeline. Times in milliseconds since the command began. */
export interface Lane {
  readonly label: string;
  readonly stretches: readonly { readonly from: number; readonly to: number; /** good: it served or ran; bad: it failed; fault: something was broken or done on purpose. */ readonly kind: "good" | "bad" | "fault"; readonly what: string }[];
}

export interface AcceptanceResult {
  readonly version: 1;
  /** Of the command: "smoke". */
  readonly name: string;
  readonly environment: string;
  /** ISO time at which it began. */
  readonly createdAt: string;
  readonly verdict: Verdict;
  readonly checks: readonly Checked[];
  readonly figures: readonly Figure[];
  readonly lanes: readonly Lane[];
}

/** Fail before inconclusive before pass. Nothing looked at is no success. */
export function verdictOf(checks: readonly Checked[]): Verdict {
  const has = (verdict: Verdict): boolean => checks.some(({ outcome }) => outcome.verdict === verdict);
  if (has("fail")) return "fail";
  return checks.length === 0 || has("inconclusive") ? "inconclusive" : "pass";
}

/** All at once, in their order. What throws could not be judged. @param onChecked told as each ends */
export async function runAcceptance(checks: readonly AcceptanceCheck[], signal: AbortSignal, onChecked: (checked: Checked) => void = () => undefined): Promise<Checked[]> {
  // Every request of every check listens; there are many, and each ends.
  setMaxListeners(0, signal);
  return Promise.all(
    checks.map(async ({ id, title, run }) => {
      const checked = { id, title, outcome: await outcomeOf(run, signal) };
      onChecked(checked);
      return checked;
    }),
  );
}

async function outcomeOf(run: AcceptanceCheck["run"], signal: AbortSignal): Promise<Outcome> {
  try {
    return await run(signal);
  } catch (error) {
    return inconclusive(`could not be judged: ${error instanceof Error ? error.message : String(error)}`, signal.aborted ? "run it again: it was interrupted" : "mend the way there, and run it again");
  }
}

/** More are counted, not listed. */
const MOST_LISTED = 6;

/** Many checks as the outcome of one gate: the worst verdict, what did not pass, and what mends it. @param again the command that shows all of them */
export function foldChecks(checks: readonly Checked[], again: string): Outcome {
  if (checks.length === 0) return inconclusive("nothing was checked", `see why: ${again}`);
  const verdict = verdictOf(checks);
  if (verdict === "pass") return pass(`${checks.length} checks passed`);
  const bad = checks.filter(({ outcome }) => outcome.verdict === verdict);
  const detail = listed(bad.map(({ title, outcome }) => `${title}: ${outcome.detail}`));
  const mends = [...new Set(bad.flatMap(({ outcome }) => (outcome.verdict === "pass" ? [] : [outcome.mend])))];
  return { verdict, detail: `${bad.length} of ${checks.length} checks ${verdict === "fail" ? "failed" : "could not be judged"}: ${detail}`, mend: `${listed(mends)}; all of them: ${again}` };
}

/** The first few, and how many more there are. */
export function listed(sentences: readonly string[], most = MOST_LISTED): string {
  const more = sentences.length - most;
  return `${sentences.slice(0, most).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}
