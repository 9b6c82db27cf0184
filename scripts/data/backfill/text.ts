/** The coverage as a table, for people. */
import type { Environment } from "../../../environments/schema";
import { FEED_NAMES, type CoverageCell, type CoverageReport, type CoverageVerdict } from "./report";
import { lengthText } from "./series";

const WORDS: Readonly<Record<CoverageVerdict, string>> = { pass: "pass", fail: "FAIL", inconclusive: "unknown" };

/** One line a pair and feed: of candles the intervals summed up, whose gaps the reasons name. */
export function textCoverage(report: CoverageReport, settings: Environment["coverage"]): string {
  const { cells, pairs } = report;
  const rows = cells.map((cell) => [cell.pair, cell.feed, WORDS[cell.verdict], ...figures(cell)]);
  const header = ["pair", "feed", "verdict", "rows", "oldest", "newest", "gaps", "longest silence"];
  const notPassed = cells.filter(({ verdict }) => verdict !== "pass");
  const count = (verdict: CoverageVerdict): number => cells.filter((cell) => cell.verdict === verdict).length;
  return [
    `Coverage of ${pairs.length} pairs in ${FEED_NAMES.length} feeds of "${report.environment}" at ${report.at}, by ${report.side}'s Convex at ${report.convex}`,
    `Counted: candles (${settings.intervals.join(", ")}) and funding rates of the last ${lengthText(settings.history.milliseconds)}, the others of the last ${lengthText(settings.live.milliseconds)}.`,
    "",
    ...aligned([header, ...rows]),
    "",
    ...notPassed.flatMap((cell) => cell.reasons.map((reason) => `${WORDS[cell.verdict]}  ${cell.pair} ${cell.feed} (${cell.table}): ${reason}`)),
    ...(notPassed.length > 0 ? [""] : []),
    `${count("pass")} of ${cells.length} pass, ${count("fail")} fail, ${count("inconclusive")} could not be judged: ${WORDS[report.verdict]}`,
  ].join("\n");
}

function figures({ series }: CoverageCell): string[] {
  if (series.length === 0) return ["-", "-", "-", "-", "-"];
  const sum = (of: (one: CoverageCell["series"][number]) => number): number => series.reduce((total, one) => total + of(one), 0);
  const times = (of: "oldest" | "newest"): string[] => series.flatMap((one) => one[of] ?? []).sort();
  const missing = series.some((one) => one.missing !== undefined) ? sum((one) => one.missing ?? 0) : undefined;
  const gaps = sum((one) => one.gapCount);
  return [
    String(sum(({ rows }) => rows)),
    minute(times("oldest")[0]),
    minute(times("newest").at(-1)),
    gaps === 0 ? "none" : missing === undefined ? String(gaps) : `${gaps} (${missing} missing)`,
    // Of candles the shortest interval's: of long ones the interval itself would show.
    lengthText(Math.min(...series.map(({ longestSilenceMs }) => longestSilenceMs))),
  ];
}

const minute = (time: string | undefined): string => (time === undefined ? "-" : `${time.slice(0, 19).replace("T", " ")}Z`);

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((text, column) => (column === 3 ? text.padStart(widths[column]) : text.padEnd(widths[column]))).join("  ").trimEnd());
}
