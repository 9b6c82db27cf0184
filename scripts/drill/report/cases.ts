/** Each case: what was expected and found, and one timeline a repetition. */
import { html, raw, type Html } from "../../preview/page/html";
import { counted } from "../../preview/words";
import { passed, type CaseRun } from "../result";
import { mark } from "./glance";
import { timelineHtml } from "./timeline";
import { instantText, timeOrNever, timeText } from "./words";

export function caseSections(runs: readonly CaseRun[]): Html {
  const groups = [...new Set(runs.map(({ group }) => group))];
  return html`${groups.map((group) => {
    const own = runs.filter((run) => run.group === group);
    return html`<h3 class="group">${group}</h3>
${[...new Set(own.map(({ caseId }) => caseId))].map((caseId) => caseArticle(own.filter((run) => run.caseId === caseId)))}`;
  })}`;
}

function caseArticle(runs: readonly CaseRun[]): Html {
  const [{ caseId, title }] = runs;
  return html`<article id="case-${caseId}"><h4>${title}</h4>
${expectationTable(runs)}
${runs.map((run) => repetition(run, `${caseId}-${run.repetition}`))}
<p class="up"><a href="#glance">Back to the table</a></p></article>
`;
}

function expectationTable(runs: readonly CaseRun[]): Html {
  const all = [...new Set(runs.flatMap(({ expectations }) => expectations.map(({ what }) => what)))];
  if (all.length === 0) return raw("");
  return html`<div class="table"><table class="expectations"><thead><tr><th scope="col">expected</th>${runs.map(({ repetition }) => html`<th scope="col">repetition ${repetition}</th>`)}</tr></thead>
<tbody>${all.map((what) => html`<tr><th scope="row">${what}</th>${runs.map(({ repetition, expectations }) => {
    const own = expectations.find((expectation) => expectation.what === what);
    return html`<td data-label="repetition ${repetition}"><div>${own ? html`${mark(own.held)} ${own.found}` : "–"}</div></td>`;
  })}</tr>`)}</tbody></table></div>`;
}

function repetition(run: CaseRun, id: string): Html {
  const { repetition: nth, startedAt, error, recoveredMs, expectations } = run;
  if (error !== null) return html`<figure class="broken"><figcaption><strong>Repetition ${nth}</strong>, ${instantText(startedAt)}: the drill itself broke off, so that this shows nothing. ${error}</figcaption>
${run.stretches.length > 0 ? timelineHtml(run, id) : ""}</figure>`;
  const held = expectations.filter((expectation) => expectation.held).length;
  return html`<figure><figcaption><strong>Repetition ${nth}</strong> ${mark(passed(run))} ${held} of ${counted(expectations.length, "expectation")} held; ${recoveredMs === null ? "not well within its time" : `all well ${timeText(recoveredMs)} after the end of the fault`}. <span class="quiet">${instantText(startedAt)}</span></figcaption>
${timelineHtml(run, id)}
${details(run)}</figure>`;
}

function details({ measures, duplicates: { orders, ordersSent, ordersInOverlap, plainOrders, runs, rows } }: CaseRun): Html {
  const line = (name: string, value: (policy: "lease" | "plain") => string): Html => html`<tr><th scope="row">${name}</th><td data-label="lease"><div>${value("lease")}</div></td><td data-label="plain"><div>${value("plain")}</div></td></tr>`;
  return html`<details><summary>In figures</summary><div class="table"><table><thead><tr><th scope="col">measured</th><th scope="col">lease</th><th scope="col">plain</th></tr></thead><tbody>
${line("two at once, certainly", (policy) => timeText(measures[policy].overlapMs))}
${line("two at once, at most", (policy) => timeText(measures[policy].overlapAtMostMs))}
${line("two heard at once by the exchange", (policy) => timeText(measures[policy].connectionOverlapMs))}
${line("longest time with none", (policy) => timeText(measures[policy].longestGapMs))}
${line("until one ran to stay", (policy) => timeOrNever(measures[policy].downForMs, "not by the end"))}
${line("workers started", (policy) => String(measures[policy].starts))}
${line("the first one ran on undisturbed", (policy) => (measures[policy].undisturbed ? "yes" : "no"))}
</tbody></table></div>
<p>${counted(ordersSent, "order")} came to the exchange; twice: ${orders} (the plain policy's workers: ${plainOrders}); sent by a worker with a lease while another one ran: ${ordersInOverlap}. Ingestion runs that overlap: ${runs}. Rows written by two: ${rows}.</p></details>`;
}
