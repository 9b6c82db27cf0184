/** The sections of the page, each from the same model as the terminal's. */
import type { PlatformModel } from "../model";
import type { StackModel } from "../model/stacks";
import { topologySvg } from "../topology";
import { counted, crossingLines, digest, listed, sharedByJobs } from "../words";
import { html, raw, type Html } from "./html";
import { dataTable } from "./table";

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

export function sections(model: PlatformModel): Section[] {
  return [
    { id: "topology", title: "Topology", body: topology(model) },
    { id: "stacks", title: "Stacks", body: stacks(model) },
    { id: "jobs", title: "Jobs", body: jobs(model) },
    { id: "access", title: "Access", body: access(model) },
    { id: "secrets", title: "Secrets", body: secrets(model) },
    { id: "images", title: "Images", body: images(model) },
    { id: "rules", title: "Rules", body: rules(model) },
  ];
}

export function digestList(model: PlatformModel): Html {
  return html`<dl class="digest">${digest(model).map(({ about, text, attention }) => { const kind = raw(attention ? ' class="attention"' : ""); return html`<dt${kind}>${about}</dt><dd${kind}>${text}</dd>
`; })}</dl>`;
}

function topology(model: PlatformModel): Html {
  const names = new Map(model.parties.map(({ id, label }) => [id, label]));
  const rows = model.flows.map(({ from, to, ports, what }) => [names.get(from) ?? from, names.get(to) ?? to, code(ports.length ? ports.join(" ") : "any"), what]);
  return html`<figure>
${topologySvg(model, "wide")}
${topologySvg(model, "narrow")}
<figcaption>Columns are nodes, rows are who calls (dot) and who is called (arrow). A dashed box is a single copy that may run on either node. “any” is a port that Nomad chooses; every port is open on the tailnet only.</figcaption>
</figure>
${dataTable("nodes", ["node", "address", "runs", "machine"], model.nodes.map(({ name, address, runs, machine }) => [name, address ? code(address) : "known when made", runs, machine]))}
<details><summary>The flows in words: ${counted(model.flows.length, "flow")}</summary>${dataTable("flows", ["from", "to", "port", "how"], rows)}</details>`;
}

function stacks(model: PlatformModel): Html {
  const crossings = crossingLines(model);
  return html`<p>Deployed in this order; each waits for the one before it.</p>
<ol class="stacks">${model.stacks.map(stackCard)}</ol>
<h3 class="above-table">What crosses between them</h3>
${crossings.length ? dataTable("crossings", ["from", "to", "value", "for"], crossings.map(({ from, to, value, usedBy }) => [from, listed(to), code(value), listed(usedBy)])) : html`<p>Nothing: each stack knows all that it needs at synth.</p>`}`;
}

function stackCard({ id, resources, kept, lookups, after, constructs }: StackModel, index: number): Html {
  const facts = [counted(resources, "resource"), ...(kept ? [`${kept} protected from destruction`] : []), ...(lookups ? [counted(lookups, "lookup")] : []), after.length ? `after ${listed(after)}` : "first"];
  return html`<li><h3><span class="order">${index + 1}</span>${id}</h3><p>${facts.join(", ")}</p>
<dl class="constructs">${constructs.map((construct) => html`<div><dt>${construct.id}</dt><dd class="mono">${construct.types.map(({ type, count }) => html`<span>${count === 1 ? type : `${count} ${type}`}</span> `)}</dd></div>
`)}</dl></li>
`;
}

function jobs(model: PlatformModel): Html {
  const shared = sharedByJobs(model);
  const rows = model.jobs.map((job) => [
    html`${job.id}<small>stack ${job.stack}</small>`,
    job.copies,
    html`${job.placement}<small>${job.resources}${job.kept ? ", protected" : ""}</small>`,
    html`${job.health.map((check) => html`<div>${code(check)}</div>`)}${shared.checkedEvery || !job.checkedEvery ? raw("") : html`<small>every ${job.checkedEvery}</small>`}`,
    html`${job.update}<small>${shared.updateLimit || !job.updateLimit ? "" : `${job.updateLimit}; `}on failure ${job.failure}</small>`,
    html`<small>${job.why}</small>`,
  ]);
  return html`<p>How many copies run, where, how each is checked, and how it is replaced. ${shared.sentence}</p>${dataTable("jobs", ["job", "copies", "placement", "health", "update", "why"], rows)}`;
}

function access({ access: model }: PlatformModel): Html {
  if (!model.enabled) return html`<p>No tailnet policy: ${model.reason}.</p>`;
  const rows = model.grants.map(({ from, to, ports, via, purpose }) => [codes(from), codes(to), html`${code(ports)}${via.length ? html`<small>via ${via.join(" ")}</small>` : raw("")}`, purpose]);
  return html`<p>Who may reach what on tailnet ${model.tailnet}. Everything else is denied; ${counted(model.tests, "test")} in the policy hold it to that.</p>
<dl class="names">${[...model.groups.map(({ name, members }) => [name, members]), ...model.devices.map(({ name, tags }) => [name, tags])].map(([name, is]) => html`<dt>${name}</dt><dd class="mono">${listed(is as readonly string[])}</dd>
`)}</dl>
${dataTable("grants", ["from", "to", "ports", "why"], rows)}`;
}

function secrets({ secrets: paths }: PlatformModel): Html {
  const rows = paths.map(({ path, mustExist, readers, fields }) => [
    html`${code(path)}${mustExist && !fields.some((f) => f.required) ? html`<small>the path must exist, be it empty: vault kv put ${path} note=none</small>` : ""}`,
    html`${fields.map(({ field, origin, required, purpose }) => html`<div class="field">${code(field)}<small>${required ? "must exist" : "optional"}, ${origin}${purpose.includes(field) ? "" : `: ${purpose}`}</small></div>`)}`,
    readers.length ? readers.join(", ") : "operators only",
  ]);
  return html`<p>What must exist in Vault, and where. A program can make the generated and derived ones; those of an operator come from an account elsewhere.</p>${dataTable("secrets", ["path", "fields", "read by"], rows)}`;
}

function images(model: PlatformModel): Html {
  const rows = model.images.map(({ repository, digest: pinned, source, jobs: users }) => [code(repository), pinned ? html`<span class="state">pinned</span>` : html`<span class="state attention">no digest</span>`, pinned ? code(pinned) : source ? `to be resolved from ${source}` : "not built yet", users.join(", ")]);
  const consequence = model.requireImageDigests ? "An image without a digest previews and diffs; its deploy is refused." : "This environment deploys images without a digest, too.";
  return html`<p>Digests are kept in images.lock.json. ${consequence}</p>${dataTable("images", ["image", "state", "digest", "run by"], rows)}`;
}

function rules(model: PlatformModel): Html {
  return html`<p>${counted(model.rules.length, "rule")} held for ${counted(model.jobs.length, "job")}. A breach of one fails the synthesis, so that there is nothing to deploy.</p>
<ul class="rules">${model.rules.map(({ rule }) => html`<li>${withCode(rule)}</li>
`)}</ul>`;
}

function code(text: string): Html {
  return html`<code>${text}</code>`;
}

function codes(texts: readonly string[]): Html {
  return html`${texts.map((text) => html`<div>${code(text)}</div>`)}`;
}

/** What stands between backticks as code. */
function withCode(text: string): Html {
  return html`${text.split("`").map((part, index) => (index % 2 === 0 ? part : code(part)))}`;
}
