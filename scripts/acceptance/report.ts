/** Results of an acceptance command for people and for programs: a table, JSON, and one page that needs nothing but itself. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../doctor/check";
import { documentPage } from "../preview/page/document";
import { html, type Html } from "../preview/page/html";
import { STYLE as BASE } from "../preview/page/style";
import { dataTable } from "../preview/page/table";
import type { AcceptanceResult, Figure, Lane } from "./result";

const MARKS: Readonly<Record<Verdict, string>> = { pass: "✓ pass", fail: "✗ fail", inconclusive: "? inconclusive" };
const MARK_WIDTH = Math.max(...Object.values(MARKS).map((text) => text.length));

export function textAcceptance({ name, environment, verdict, checks, figures }: AcceptanceResult): string {
  const width = Math.max(0, ...checks.map(({ title }) => title.length), ...figures.map(({ title }) => title.length));
  return [
    `gvfx ${name}: environment ${environment}`,
    ...checks.flatMap(({ title, outcome }) => [`  ${MARKS[outcome.verdict].padEnd(MARK_WIDTH)}  ${title.padEnd(width)}  ${outcome.detail}`, ...(outcome.verdict === "pass" ? [] : [`      mend: ${outcome.mend}`])]),
    ...figures.map((figure) => `  ${(figurePasses(figure) ? "" : MARKS.fail).padEnd(MARK_WIDTH)}  ${figure.title.padEnd(width)}  ${figureText(figure)}`),
    `${checks.length} checks: ${verdict}`,
  ].join("\n");
}

const figurePasses = ({ value, atMost }: Figure): boolean => atMost === undefined || value <= atMost;
const figureText = ({ value, unit, atMost }: Figure): string => `${rounded(value)} ${unit}${atMost === undefined ? "" : ` (at most ${rounded(atMost)})`}`;
const rounded = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 2 : 1));

/** Writes result.json and report.html into a folder of their own. @returns the page's path */
export function writeAcceptance(result: AcceptanceResult, parent = join(".gvfx", result.environment, "acceptance", result.name)): string {
  const folder = join(parent, result.createdAt.replace(/\..*$/, "").replaceAll(":", "-"));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  const page = join(folder, "report.html");
  writeFileSync(page, acceptancePage(result));
  return page;
}

const VERDICTS: Readonly<Record<Verdict, string>> = { pass: "Everything passed", fail: "Not everything passed", inconclusive: "Not everything could be judged" };
const COLOURS: Readonly<Record<Lane["stretches"][number]["kind"], string>> = { good: "#2a7a4b", bad: "#b3261e", fault: "#8a6d00" };

export function acceptancePage(result: AcceptanceResult): string {
  const { name, environment, createdAt, verdict, checks, figures, lanes } = result;
  return documentPage({
    title: `${VERDICTS[verdict]}: gvfx ${name}`,
    style: html`${BASE}`,
    header: html`<header>
<p class="eyebrow">gvfx ${name}</p>
<h1>${VERDICTS[verdict]}</h1>
<p class="quiet">Environment ${environment}, ${createdAt}</p>
</header>`,
    sections: [
      { id: "checks", title: "Checks", body: dataTable("checks", ["check", "verdict", "what was seen", "what mends it"], checks.map(({ title, outcome }) => [title, outcome.verdict, outcome.detail, outcome.verdict === "pass" ? "" : outcome.mend])) },
      ...(figures.length > 0 ? [{ id: "figures", title: "Figures", body: dataTable("figures", ["figure", "value", "at most"], figures.map(({ title, value, unit, atMost }) => [title, `${rounded(value)} ${unit}`, atMost === undefined ? "" : `${rounded(atMost)} ${unit}`])) }] : []),
      ...(lanes.length > 0 ? [{ id: "timeline", title: "Timeline", body: timeline(lanes) }] : []),
    ],
  });
}

const LABEL_WIDTH = 170;
const CHART_WIDTH = 760;
const ROW_HEIGHT = 26;

/** A bar for each stretch; its words are in its title, and in the table below for whoever does not see the colours. */
function timeline(lanes: readonly Lane[]): Html {
  const end = Math.max(1, ...lanes.flatMap(({ stretches }) => stretches.map(({ to }) => to)));
  const x = (at: number): string => (LABEL_WIDTH + (at / end) * CHART_WIDTH).toFixed(1);
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  return html`<svg viewBox="0 0 ${String(LABEL_WIDTH + CHART_WIDTH + 10)} ${String(lanes.length * ROW_HEIGHT + 20)}" role="img" aria-label="Who ran, and what was done, over ${seconds(end)}">
${lanes.map(({ label, stretches }, row) => html`<text x="0" y="${String(row * ROW_HEIGHT + 17)}" font-size="13" fill="currentColor">${label}</text>
${stretches.map(({ from, to, kind, what }) => html`<rect x="${x(from)}" y="${String(row * ROW_HEIGHT + 5)}" width="${Math.max(1.5, ((to - from) / end) * CHART_WIDTH).toFixed(1)}" height="16" fill="${COLOURS[kind]}"><title>${what}: ${seconds(from)} to ${seconds(to)}</title></rect>
`)}`)}</svg>
${dataTable("stretches", ["what", "from", "to", "which"], lanes.flatMap(({ label, stretches }) => stretches.map(({ from, to, what, kind }) => [`${label}: ${what}`, seconds(from), seconds(to), kind])))}`;
}
