/** The table of cases for docs/drill.md. */
import type { DrillCase, Expected } from "./case";
import { CASES } from "./cases";

export function casesTable(cases: readonly DrillCase[] = CASES): string {
  const groups = [...new Set(cases.map(({ group }) => group))];
  return [
    "| case | what happens | expected of the worker with a lease, besides that there are never two |",
    "|---|---|---|",
    ...groups.flatMap((group) => cases.filter((it) => it.group === group).map(({ id, title, expect, long, smoke }) => `| \`${id}\`${long ? " (long)" : ""}${smoke ? " (e2e)" : ""} | ${title} | ${expected(expect)} |`)),
  ].join("\n");
}

function expected({ gap, overlap, undisturbed, mayRunOn, refused }: Expected): string {
  const parts = [
    ...(refused ? ["Nomad refuses it"] : []),
    ...(undisturbed ? ["it runs on, undisturbed"] : []),
    ...(mayRunOn ? ["it runs on, or another one does"] : []),
    ...(gap ? [`${gap} at most without one`] : []),
    ...(overlap ? [`two for less than ${overlap}, in which no order leaves`] : []),
  ];
  return parts.length > 0 ? parts.join("; ") : "one runs again when the fault is gone";
}
