/** What stands behind the figures: how they were measured, on what, with which settings, and what was left out. */
import { dataTable } from "../../preview/page/table";
import { html, type Html } from "../../preview/page/html";
import { Size } from "../../../contracts/units";
import { counted } from "../../preview/words";
import { runsMissing } from "../analysis-summary";
import { FROZEN_AFTER_MS, TICK_MS, type DrillReport } from "../result";
import { earlierText, instantText, POLICY_WORDS } from "./words";

/** Parts of the lab that only stand for the real ones, as far as the drill leans on them. */
const DOUBLES: readonly (readonly [string, string])[] = [
  ["the worker", "the lab's double of the app's worker: it connects to the exchange, ingests and trades, and writes a tick; the app's own worker may take longer to start and to end"],
  ["the exchange", "a double: it keeps each order and each connection with its worker's name; its stamps are of the same clock"],
  ["Convex", "a double of its protocol; the data is in the real Postgres"],
  ["the machines", "containers on one kernel: what breaks is the container, its network or its processes. They share one clock, which is what makes the stamps comparable, and one disk and processor, which real machines do not"],
  ["the tailnet", "a container network; a cut is made by packet filters in the machine"],
];

export function methodHtml(): Html {
  return html`<p>Every worker writes a line each ${TICK_MS} ms with its own stamp of the kernel's monotonic clock, which all machines of the lab share and no change of the time touches. A worker ran from its first line to its last; one that wrote nothing for more than ${FROZEN_AFTER_MS} ms was frozen and did not run in between. Who ran when is not taken from what Nomad or Consul say; only the phases of the lease are its holder's own words.</p>
<ul>
<li>The resolution is one tick, ${TICK_MS} ms, on each side: a worker may have run for that long after its last line. “Two at once” is what is certain, “at most” adds the tick, and every pause of a worker's ticks below 5 s. The start of its program before its first line is not counted.</li>
<li>A single line inside another worker's time counts as 1 ms, not as nothing.</li>
<li>Gaps of one worker that are shorter than ${FROZEN_AFTER_MS} ms are not seen: a busy machine delays a line, too.</li>
<li>The exchange counts a connection as heard until its worker's last message, not until the socket is closed.</li>
<li>Both policies went through the same fault at the same time, on the same machines. The plain policy's worker connects and trades alike, but keeps nothing in the database: duplicate ingestion runs and rows are the lease's alone.</li>
</ul>
<dl class="names"><dt>lease</dt><dd>${POLICY_WORDS.lease}</dd><dt>plain</dt><dd>${POLICY_WORDS.plain}</dd></dl>`;
}

export function doublesHtml(): Html {
  return html`<p>Nomad, Consul, the lease, Docker, Postgres and the jobs are the real ones. These stand for others:</p>
${dataTable("doubles", ["part", "is"], DOUBLES)}`;
}

export function settingsHtml({ settings, machine, commit, createdAt, earlier = [] }: DrillReport): Html {
  const facts: readonly (readonly [string, string])[] = [
    ["commit", commit],
    ["begun", createdAt],
    ["environment", settings.environment],
    ["repetitions", String(settings.repetitions)],
    ["cases", settings.cases.join(", ")],
    ["machine", `${machine.cores} cores, ${(machine.memoryBytes / Size.gibibytes(1).bytes).toFixed(1)} GiB, kernel ${machine.kernel}, container engine ${machine.engine}`],
  ];
  return html`${dataTable("settings", ["run", "is"], facts)}
<h3 class="above-table">Values that decide what is found</h3>
${dataTable("settings", ["setting", "value"], Object.entries(settings.values).map(([name, value]) => [html`<code>${name}</code>`, value]))}
${earlier.map((it) => html`<p>${earlierText(it)}</p>`)}`;
}

export function notRunHtml(report: DrillReport): Html {
  const missing = runsMissing(report);
  const left = missing > 0 ? html`<p>${counted(missing, "repetition")} of the cases that were asked for ${missing === 1 ? "is" : "are"} missing: the drill ended before.</p>` : "";
  const again = brokeOffHtml(report);
  if (report.notRun.length === 0) return html`${left || html`<p>Every case was run, as often as was asked for.</p>`}${again}`;
  return html`${left}${dataTable("not-run", ["case", "why"], report.notRun.map(({ title, why }) => [title, why]))}${again}`;
}

function brokeOffHtml({ brokeOff = [] }: DrillReport): Html | string {
  if (brokeOff.length === 0) return "";
  return html`<h3 class="above-table">Begun again</h3>
<p>In ${counted(brokeOff.length, "run")} the drill itself broke off, which proves nothing; a later one stands for each.</p>
${dataTable("broke-off", ["case", "begun", "why"], brokeOff.map(({ title, repetition, startedAt, error }) => [`${title}, repetition ${repetition}`, instantText(startedAt), error]))}`;
}
