/** The report as data: docs/drill.md says what each field is. */
import { marginsOf, type Margin, type MarginId } from "../analysis-margins";
import { summariesOf, verdictOf, type CaseSummary, type Verdict } from "../analysis-summary";
import type { DrillReport } from "../result";

/** Raised when a field changes its meaning or goes away; new ones may come without. */
export const FORMAT = 1;

/** What a drill came to, without who ran when. */
export interface DrillRecord extends Omit<DrillReport, "runs"> {
  readonly format: typeof FORMAT;
  readonly verdict: Verdict;
  readonly summary: readonly CaseSummary[];
  readonly margins: Partial<Record<MarginId, Margin>>;
}

/** For docs/drill.json. */
export function drillRecord({ runs, ...known }: DrillReport): DrillRecord {
  const report = { ...known, runs };
  return { format: FORMAT, verdict: verdictOf(report), ...known, summary: summariesOf(report), margins: marginsOf(report) };
}

/** report.json: the record, and every run of every case as it was measured. */
export function reportJson(report: DrillReport): string {
  return `${JSON.stringify({ ...drillRecord(report), runs: report.runs }, undefined, 2)}\n`;
}

/** docs/drill.json. */
export function recordJson(report: DrillReport): string {
  return `${JSON.stringify(drillRecord(report), undefined, 2)}\n`;
}
