/** What data commands print of a running Convex. */
import type { Problem, SnapshotReport } from "../snapshot/types";
import type { AgainstReport } from "./against";
import type { TargetContents } from "./import";

const number = (n: number): string => n.toLocaleString("en-US");

/** Columns wide enough for their longest cell, the first to the left and the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join("  ").trimEnd()).join("\n");
}

export function textProblems(problems: readonly Problem[]): string {
  return problems.map(({ place, what, fix, more }) => `  ${place}: ${what}\n    ${fix}${more ? `\n    and ${number(more)} more of this kind` : ""}`).join("\n");
}

export function textSnapshot({ path, bytes, sha256, tables, files }: SnapshotReport): string {
  const rows = [["table", "documents", "bytes"], ...tables.map(({ name, documents, bytes: size }) => [name, number(documents), number(size)])];
  return [columns(rows), files ? `files: ${number(files.count)}, ${number(files.bytes)} bytes` : "files: none were exported", `${path}\n${number(bytes)} bytes, SHA-256 ${sha256}`].join("\n");
}

export function textContents({ tables, hasFiles }: TargetContents): string {
  const named = tables.map(({ name, documents }) => `${name} (${number(documents)})`);
  return [...(named.length > 0 ? [`${number(tables.reduce((sum, { documents }) => sum + documents, 0))} documents: ${named.join(", ")}`] : []), ...(hasFiles ? ["stored files"] : [])].join("; ") || "nothing";
}

export function textAgainst({ tables, files, artifacts, closedRuns, problems }: AgainstReport, side: string): string {
  const rows = [["table", "snapshot", side, "compared", ""], ...tables.map(({ name, inSnapshot, inInstance, compared, critical }) => [name, number(inSnapshot), inInstance === undefined ? "none" : number(inInstance), number(compared), critical ? (inSnapshot === 0 ? "critical, and empty" : "critical") : ""])];
  const unseen = artifacts.uncheckable;
  return [
    columns(rows),
    `files: ${number(files.inSnapshot)} in the snapshot, ${number(files.inInstance)} at ${side}; ${number(files.whole)} fetched and whole, ${number(files.bytes)} bytes`,
    `artefacts: ${number(artifacts.whole)} whole${unseen.length > 0 ? `; ${number(unseen.length)} that cannot be checked from here:\n${unseen.slice(0, 10).map(({ place, why }) => `  ${place}: ${why}`).join("\n")}${unseen.length > 10 ? `\n  and ${number(unseen.length - 10)} more` : ""}` : ""}`,
    ...(closedRuns > 0 ? [`${number(closedRuns)} of the compared runs were closed after the import, as they should be`] : []),
    problems.length === 0 ? `Everything that was compared is the same at ${side}.` : `${number(problems.reduce((sum, { more = 0 }) => sum + 1 + more, 0))} problems:\n${textProblems(problems)}`,
  ].join("\n");
}
