/** docs/drill.md: written by hand, but for what the last recorded drill came to. */
import { readFileSync } from "node:fs";
import { FORMAT, type DrillRecord } from "./json";
import { drillSummary } from "./markdown";

export const DRILL_PAGE = "docs/drill.md";
export const DRILL_RECORD = "docs/drill.json";

const BEGIN = "<!-- results: made by npm run docs -->";
const END = "<!-- end of results -->";

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

/** @throws Error when the page has no place for the results */
export function drillDocsPage(page = readFileSync(DRILL_PAGE, "utf8"), record = recordedDrill()): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${DRILL_PAGE} has no "${BEGIN}" with an "${END}" after it, so the drill's results cannot be placed; put both lines where they belong`);
  return `${page.slice(0, from)}${BEGIN}\n${record ? drillSummary(record) : "No drill has been recorded yet."}\n${page.slice(to)}`;
}
