/** Results for people and for programs. */
import type { NotChecked, Verdict } from "./check";
import { worst, type Result } from "./runner";

const MARKS: Readonly<Record<Verdict, string>> = { pass: "✓ pass", fail: "✗ fail", inconclusive: "? inconclusive" };
/** 2 is the shell's own for a wrong call. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { pass: 0, fail: 1, inconclusive: 3 };

/** One line a check, grouped by target; below those that did not pass, how to mend them, once for neighbours that are mended alike. */
export function textReport(environment: string, results: readonly Result[], notChecked: readonly NotChecked[]): string {
  const width = Math.max(0, ...results.map(({ check }) => check.title.length));
  const lines = targetsOf(results).flatMap((target) => ["", target, ...targetLines(results.filter(({ check }) => check.target === target), width)]);
  const rest = notChecked.flatMap(({ title, why, how }) => [`  – not checked  ${title}: ${why}`, `      look: ${how}`]);
  return [`gvfx doctor: environment ${environment}`, ...lines, ...(rest.length > 0 ? ["", "Not checked from here", ...rest] : []), "", summary(results), ""].join("\n");
}

const MARK_WIDTH = Math.max(...Object.values(MARKS).map((text) => text.length));

function targetLines(results: readonly Result[], width: number): string[] {
  const mendOf = (result: Result | undefined): string | undefined => (result && result.outcome.verdict !== "pass" ? result.outcome.mend : undefined);
  return results.flatMap((result, i) => {
    const { check, outcome } = result;
    const mend = mendOf(result);
    const line = `  ${MARKS[outcome.verdict].padEnd(MARK_WIDTH)}  ${check.title.padEnd(width)}  ${outcome.detail}`;
    return mend !== undefined && mend !== mendOf(results[i + 1]) ? [line, `      mend: ${mend}`] : [line];
  });
}

export function targetsOf(results: readonly Pick<Result, "check">[]): string[] {
  return [...new Set(results.map(({ check }) => check.target))];
}

function summary(results: readonly Result[]): string {
  const { pass, fail, inconclusive } = counts(results);
  const next = { pass: "everything answers as the environment says", fail: "mend what failed before foundation is deployed", inconclusive: "nothing failed, but not everything was seen" }[worst(results)];
  return `${results.length} checks: ${pass} passed, ${fail} failed, ${inconclusive} inconclusive; ${next}`;
}

function counts(results: readonly Result[]): Record<Verdict, number> {
  const of = (verdict: Verdict): number => results.filter(({ outcome }) => outcome.verdict === verdict).length;
  return { pass: of("pass"), fail: of("fail"), inconclusive: of("inconclusive") };
}

export function jsonReport(environment: string, results: readonly Result[], notChecked: readonly NotChecked[]): string {
  const checks = results.map(({ check: { id, target, title, needs }, outcome }) => ({ id, target, title, needs, ...outcome }));
  return `${JSON.stringify({ environment, verdict: worst(results), counts: counts(results), checks, notChecked }, undefined, 2)}\n`;
}

/**
 * Takes secrets out of a result. No client passes one on; a server that repeats
 * what it was sent in an error would.
 */
export function redacted({ check, outcome }: Result, secrets: readonly string[]): Result {
  const clean = (text: string): string => secrets.filter((secret) => secret.length > 0).reduce((rest, secret) => rest.replaceAll(secret, "(secret)"), text);
  return { check, outcome: outcome.verdict === "pass" ? { ...outcome, detail: clean(outcome.detail) } : { ...outcome, detail: clean(outcome.detail), mend: clean(outcome.mend) } };
}
