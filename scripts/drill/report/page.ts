/** The report of a drill as one page that needs nothing but itself. */
import { documentPage, type Section } from "../../preview/page/document";
import { html } from "../../preview/page/html";
import { STYLE as BASE } from "../../preview/page/style";
import { summariesOf, verdictOf } from "../analysis-summary";
import type { DrillReport } from "../result";
import { caseSections } from "./cases";
import { caseTable, comparison, verdictTitle } from "./glance";
import { doublesHtml, methodHtml, notRunHtml, settingsHtml } from "./method";
import { PATTERNS, STYLE } from "./style";
import { keyHtml } from "./key";
import { instantText, shortCommit } from "./words";

export function drillPage(report: DrillReport): string {
  const sections: readonly Section[] = [
    { id: "glance", title: "At a glance", body: caseTable(summariesOf(report)) },
    { id: "cases", title: "Who ran when", body: html`${keyHtml()}${caseSections(report.runs)}` },
    { id: "not-run", title: "Not run", body: notRunHtml(report) },
    { id: "method", title: "How it is measured", body: methodHtml() },
    { id: "doubles", title: "What is a double", body: doublesHtml() },
    { id: "settings", title: "Settings", body: settingsHtml(report) },
  ];
  return documentPage({
    title: `${verdictTitle(report)}: gvfx drill singleton`,
    style: html`${BASE}${STYLE}`,
    header: html`${PATTERNS}
<header>
<p class="eyebrow">gvfx drill singleton: the worker is one, whatever fails</p>
<h1 class="${verdictOf(report)}">${verdictTitle(report)}</h1>
<p class="quiet">Environment ${report.settings.environment}, commit <code title="${report.commit}">${shortCommit(report.commit)}</code>, ${instantText(report.createdAt)}. The worker is the lab's double; what else is one, and how it is measured, is below.</p>
${comparison(report)}
</header>`,
    sections,
  });
}
