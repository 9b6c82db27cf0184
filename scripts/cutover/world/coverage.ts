/** A measured coverage as the outcome of a gate. Pure. */
import { listed } from "../../acceptance/result";
import { fail, inconclusive, pass, type Outcome } from "../../doctor/check";
import type { CoverageReport } from "../../data/backfill/report";

export function coverageOutcome({ verdict, cells, pairs }: CoverageReport, { coverage: again, backfill }: { readonly coverage: string; readonly backfill: string }): Outcome {
  if (verdict === "pass") return pass(`${pairs.length} pairs, every feed`);
  const bad = cells.filter((cell) => cell.verdict === verdict);
  const detail = listed(bad.map(({ pair, feed, reasons }) => `${pair} ${feed}: ${reasons.join(", ")}`));
  return verdict === "fail" ? fail(`${bad.length} of ${cells.length} pairs and feeds lack data: ${detail}`, `bring what has a past: ${backfill}; see all: ${again}`) : inconclusive(`${bad.length} of ${cells.length} pairs and feeds could not be judged: ${detail}`, `see all: ${again}`);
}
