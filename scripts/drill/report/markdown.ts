/** What a drill came to, for docs/. */
import { counted } from "../../preview/words";
import { POLICIES, TICK_MS, type Policy } from "../result";
import type { DrillRecord } from "./json";
import { earlierText, instantText, shortCommit, timeText } from "./words";

const VERDICTS: Readonly<Record<DrillRecord["verdict"], string>> = {
  held: "every expectation of every case and repetition held",
  failed: "not every expectation held",
  incomplete: "whatever was run to its end held, but not everything was",
};

/** A paragraph and a table with a row a case: worst of the repetitions. */
export function drillSummary(record: DrillRecord): string {
  const { summary, notRun, brokeOff = [], earlier = [], machine, commit, createdAt, settings } = record;
  const runs = summary.reduce((sum, { measured }) => sum + measured, 0);
  return [
    `${instantText(createdAt)}, commit \`${shortCommit(commit)}\`, ${counted(machine.cores, "core")}, each case ${counted(settings.repetitions, "time")}: ${VERDICTS[record.verdict]}, in ${counted(runs, "run")} of ${counted(summary.length, "case")}${brokeOff.length > 0 ? `; ${counted(brokeOff.length, "run")} broke off before, and ${brokeOff.length === 1 ? "was" : "were"} begun again` : ""}. The worst of the repetitions, to one tick (${TICK_MS} ms) on each side; the worker is the lab's double.`,
    "",
    "| case | overlap: lease | overlap: plain | longest gap: lease | longest gap: plain | duplicates | held |",
    "|---|---|---|---|---|---|---|",
    ...summary.map(({ title, policies, duplicates, passed, runs: of, measured }) => {
      const times = (["overlapMs", "longestGapMs"] as const).flatMap((what) => POLICIES.map((policy: Policy) => (policies ? emphasized(policies[policy][what].worst, what === "overlapMs") : "not measured")));
      const twice = duplicates.orders + duplicates.ordersInOverlap + duplicates.runs + duplicates.rows;
      return `| ${escaped(title)} | ${times.join(" | ")} | ${measured > 0 ? `${twice} of ${counted(duplicates.ordersSent, "order")}` : "not measured"} | ${passed} of ${of} |`;
    }),
    ...earlier.flatMap((it) => ["", earlierText(it, (name) => `\`${name}\``)]),
    ...(notRun.length > 0 ? ["", "Not run:", "", ...notRun.map(({ title, why }) => `- ${title}: ${why}`)] : []),
  ].join("\n");
}

function emphasized(ms: number, isOverlap: boolean): string {
  const text = timeText(ms).replaceAll("\u00a0", " ");
  return isOverlap && ms > 0 ? `**${text}**` : text;
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}
