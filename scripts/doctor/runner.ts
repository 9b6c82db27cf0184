/** Runs every check at once, within a bound. */
import { setMaxListeners } from "node:events";
import type { Duration } from "../../contracts/units";
import { inconclusive, type Check, type Outcome, type Verdict } from "./check";
import type { DoctorContext } from "./context";

export interface Result {
  readonly check: Check;
  readonly outcome: Outcome;
}

export interface RunOptions {
  /** Ends the run; what is not done by then is inconclusive. */
  readonly signal: AbortSignal;
  /** Told as each check ends. */
  readonly onResult?: (result: Result) => void;
}

/** Results in the order of the checks. */
export async function runChecks(checks: readonly Check[], context: DoctorContext, { signal, onResult }: RunOptions): Promise<Result[]> {
  const ended = new Promise<"ended">((resolve) => {
    if (signal.aborted) resolve("ended");
    signal.addEventListener("abort", () => resolve("ended"), { once: true });
  });
  return Promise.all(
    checks.map(async (check): Promise<Result> => {
      const outcome = await Promise.race([outcomeOf(check, context), ended]);
      const result = { check, outcome: outcome === "ended" ? inconclusive(`no answer before the end of this run (${check.needs.join(", ") || "this machine"})`, "Run gvfx doctor again") : outcome };
      onResult?.(result);
      return result;
    }),
  );
}

async function outcomeOf(check: Check, context: DoctorContext): Promise<Outcome> {
  try {
    return await check.run(context);
  } catch (error) {
    return inconclusive(`could not be judged: ${error instanceof Error ? error.message : String(error)}`, "Look at it by hand; this is a fault of gvfx doctor");
  }
}

/** Fail before inconclusive before pass. */
export function worst(results: readonly Result[]): Verdict {
  const has = (verdict: Verdict): boolean => results.some(({ outcome }) => outcome.verdict === verdict);
  return has("fail") ? "fail" : has("inconclusive") ? "inconclusive" : "pass";
}

/** A signal that ends after a while, or when somebody interrupts; `release` lets the process end. */
export function bounded(limit: Duration): { readonly signal: AbortSignal; readonly abort: () => void; readonly release: () => void } {
  const controller = new AbortController();
  // Every connection listens; there are many, and each ends.
  setMaxListeners(0, controller.signal);
  const timer = setTimeout(() => controller.abort(), limit.milliseconds);
  return { signal: controller.signal, abort: () => controller.abort(), release: () => clearTimeout(timer) };
}
