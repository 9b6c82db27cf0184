/** The top of the report: the verdict, both policies in figures, and the table of all cases. */
import { html, raw, type Html } from "../../preview/page/html";
import { counted } from "../../preview/words";
import { runsMissing, verdictOf, type CaseSummary, type Spread } from "../analysis-summary";
import { passed, POLICIES, TICK_MS, type DrillReport, type Policy } from "../result";
import { POLICY_WORDS, timeText } from "./words";

export function verdictTitle(report: DrillReport): string {
  const { runs, notRun } = report;
  const verdict = verdictOf(report);
  const broken = runs.filter(({ error }) => error !== null).length;
  const again = report.brokeOff?.length ? ` (${counted(report.brokeOff.length, "run")} broke off before)` : "";
  if (verdict === "held") return `Held: all expectations, in ${counted(runs.length, "run")}${again}`;
  if (verdict === "failed") return `Failed: ${counted(runs.filter(({ error, expectations }) => error === null && expectations.some(({ held }) => !held)).length, "run")} of ${runs.length}`;
  if (runs.length === 0) return "Nothing was run";
  const left = runsMissing(report);
  const missing = [...(left > 0 ? [`${counted(left, "run")} still to do`] : []), ...(broken > 0 ? [`${counted(broken, "run")} broke off`] : []), ...(notRun.length > 0 ? [`${counted(notRun.length, "case")} not run`] : [])];
  return `Held in what was run; ${missing.join(", ")}`;
}

/** The two policies beside each other. */
export function comparison(report: DrillReport): Html {
  return html`<div class="policies">${POLICIES.map((policy) => policyCard(policy, report))}</div>`;
}

/** More cases than that are counted, not named. */
const SHOWN = 2;

function policyCard(policy: Policy, { runs }: DrillReport): Html {
  const measured = runs.filter(({ error }) => error === null);
  if (measured.length === 0) return html`<div class="card ${policy}"><h2>${policy}</h2><p>${POLICY_WORDS[policy]}</p><p>Nothing was measured.</p></div>`;
  const measures = measured.map((run) => run.measures[policy]);
  const twice = measured.filter((run) => run.measures[policy].overlapMs > 0);
  // Some cases expect a short one of the lease; nothing is expected of the plain policy.
  const allowed = policy === "lease" && twice.every(passed);
  const where = [...new Set(twice.map(({ title }) => title))];
  const down = measures.filter(({ downForMs }) => downForMs === null).length;
  const most = (of: (m: (typeof measures)[number]) => number): number => Math.max(...measures.map(of));
  return html`<div class="card ${policy}"><h2><span class="swatch ${policy}"></span>${policy}</h2><p>${POLICY_WORDS[policy]}</p>
<p class="figure${twice.length > 0 && !allowed ? " twice" : ""}">${timeText(most(({ overlapMs }) => overlapMs))}</p>
<p class="of">longest time with two at once in a run, at most ${timeText(most(({ overlapAtMostMs }) => overlapAtMostMs))}; two ran in ${twice.length} of ${counted(measured.length, "run")}${where.length > 0 ? `${allowed ? ", within what is expected there" : ""}: ${where.length > SHOWN ? counted(where.length, "case") : where.join("; ")}` : ""}</p>
<p class="figure second">${timeText(most(({ longestGapMs }) => longestGapMs))}</p>
<p class="of">longest time with none; ${down === 0 ? "never down at the end of a run" : `down at the end of ${counted(down, "run")}`}</p></div>`;
}

const HEAD = ["case", "overlap: lease", "overlap: plain", "gap: lease", "gap: plain", "duplicates", "held"] as const;

export function caseTable(summaries: readonly CaseSummary[]): Html {
  const most = (of: "overlapMs" | "longestGapMs"): number => Math.max(1, ...summaries.flatMap(({ policies }) => POLICIES.map((policy) => policies?.[policy][of].worst ?? 0)));
  const scales = { overlapMs: most("overlapMs"), longestGapMs: most("longestGapMs") };
  const groups = [...new Set(summaries.map(({ group }) => group))];
  return html`<div class="table" role="region" aria-label="All cases" tabindex="0"><table class="cases">
<thead><tr>${HEAD.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
${groups.map((group) => html`<tbody><tr class="group"><th scope="rowgroup" colspan="${HEAD.length}">${group}</th></tr>
${summaries.filter((summary) => summary.group === group).map((summary) => caseRow(summary, scales))}</tbody>`)}
</table></div>
<p class="note">Worst of the repetitions; a bar compares with the longest in the table, and a striped one is time with two at once. “At most” counts ${TICK_MS} ms after each worker's last tick, in which it may still have run. A gap is measured from tick to tick.</p>`;
}

function caseRow(summary: CaseSummary, scales: { readonly overlapMs: number; readonly longestGapMs: number }): Html {
  const { caseId, title, policies, duplicates, runs, measured } = summary;
  const held = summary.passed;
  const cell = (index: number, body: Html): Html => html`<td data-label="${HEAD[index]}"><div>${body}</div></td>`;
  const nothing = html`<span class="quiet">not measured</span>`;
  const time = (policy: Policy, of: "overlapMs" | "longestGapMs"): Html => (policies ? measureHtml(policies[policy][of], scales[of], of !== "overlapMs" ? "gap" : policy === "lease" && held === measured ? "allowed" : "twice", of === "overlapMs" ? policies[policy].overlapAtMostMs.worst : undefined) : nothing);
  const found = duplicates.orders + duplicates.ordersInOverlap + duplicates.runs + duplicates.rows;
  return html`<tr><th scope="row"><a href="#case-${caseId}">${title}</a></th>
${cell(1, time("lease", "overlapMs"))}${cell(2, time("plain", "overlapMs"))}${cell(3, time("lease", "longestGapMs"))}${cell(4, time("plain", "longestGapMs"))}
${cell(5, measured === 0 ? nothing : html`<span class="${found > 0 ? "bad" : ""}">${found}</span><small>of ${counted(duplicates.ordersSent, "order")}${duplicates.plainOrders > 0 ? `; plain ${duplicates.plainOrders}` : ""}</small>`)}
${cell(6, html`${mark(held === runs)} ${held} of ${runs}${measured < runs ? html`<small>${counted(runs - measured, "run")} broke off</small>` : ""}`)}</tr>
`;
}

function measureHtml({ worst, median }: Spread, scale: number, kind: "twice" | "allowed" | "gap", atMost: number | undefined): Html {
  const more = [...(atMost !== undefined && atMost > worst ? [`at most ${timeText(atMost)}`] : []), ...(timeText(median) !== timeText(worst) ? [`median ${timeText(median)}`] : [])];
  return html`<span class="time${kind === "twice" && worst > 0 ? " bad" : ""}">${timeText(worst)}</span>${worst > 0 ? html`<svg class="bar" width="100%" height="6" aria-hidden="true"><rect class="${kind === "gap" ? "gap" : "twice"}" width="${Math.max(0.5, Math.round((worst / scale) * 1_000) / 10)}%" height="6"/></svg>` : raw("")}${more.length > 0 ? html`<small>${more.join(", ")}</small>` : ""}`;
}

/** A word for who sees no colour. */
export function mark(held: boolean): Html {
  return held ? html`<span class="good" aria-label="held">✓</span>` : html`<span class="bad" aria-label="not held">✗</span>`;
}
