/** docs/drill.md: written by hand, but for the table of cases and what the last recorded drill came to. */
import { readFileSync } from "node:fs";
import { casesTable } from "../cases-table";
import { FORMAT, type DrillRecord } from "./json";
import { drillSummary } from "./markdown";

export const DRILL_PAGE = "docs/drill.md";
export const DRILL_RECORD = "docs/drill.json";

const PLACES = {
  cases: ["<!-- cases: made by npm run docs -->", "<!-- end of cases -->"],
  results: ["<!-- results: made by npm run docs -->", "<!-- end of results -->"],
} as const;

/** The recorded drill; undefined before the first one. @throws Error when it is of another format */
export function recordedDrill(file = DRILL_RECORD): DrillRecord | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const record = JSON.parse(text) as DrillRecord;
  if (record.format !== FORMAT) throw new Error(`${file} has format ${record.format}, and this code reads ${FORMAT}, so ${DRILL_PAGE} cannot be made from it; run the drill again and record it`);
  return record;
}

/** @param record null: none is recorded. @default what docs/drill.json holds. @throws Error when the page has no place for one of them */
export function drillDocsPage(page = readFileSync(DRILL_PAGE, "utf8"), record: DrillRecord | null = recordedDrill() ?? null): string {
  return placed(placed(page, "cases", casesTable()), "results", record ? drillSummary(record) : "No drill has been recorded yet.");
}

function placed(page: string, place: keyof typeof PLACES, text: string): string {
  const [begin, end] = PLACES[place];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${DRILL_PAGE} has no "${begin}" with an "${end}" after it, so the drill's ${place} cannot be placed; put both lines where they belong`);
  return `${page.slice(0, from)}${begin}\n${text}\n${page.slice(to)}`;
}
