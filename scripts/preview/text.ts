/** The preview as plain text for a terminal. */
import type { MachineReport } from "./machine";
import type { PlatformModel } from "./model";
import type { StackModel } from "./model/stacks";
import { sentence, table } from "./text/table";
import { counted, crossingLines, digest, listed, sharedByJobs, typesText } from "./words";

export interface TextOptions {
  /** Columns of the terminal. @default 100 */
  readonly width?: number;
  /** Emphasis by ANSI sequences. @default false */
  readonly colour?: boolean;
}

type Emphasis = "heading" | "attention" | "good";
type Paint = (emphasis: Emphasis, text: string) => string;
const ANSI: Readonly<Record<Emphasis, string>> = { heading: "1", attention: "33", good: "32" };

function painter(colour: boolean): Paint {
  return (emphasis, text) => (colour ? `\u001b[${ANSI[emphasis]}m${text}\u001b[0m` : text);
}

/** What would be deployed. */
export function previewText(model: PlatformModel, { width = 100, colour = false }: TextOptions = {}): string {
  const paint = painter(colour);
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["Stacks, in the order of deployment", stackLines(model, width)],
    ["What crosses between stacks", crossesLines(model, width)],
    ["Nodes", table(model.nodes.map(({ name, address, runs, machine }) => [name, address ?? "known when made", runs, machine]), { width })],
    ["Jobs", jobLines(model, width)],
    ["Who may reach what", accessLines(model, width)],
    ["Secrets in Vault (* must exist before a deploy; + the path must exist, be it empty)", secretLines(model, width)],
    ["Images", imageLines(model, width)],
  ];
  return [digestText(model, width, paint), ...sections.map(([heading, lines]) => [paint("heading", heading), ...lines].join("\n"))].join("\n\n") + "\n";
}

/** What this machine has and lacks for more, and what to do next. */
export function machineText(report: MachineReport, { width = 100, colour = false }: TextOptions = {}): string {
  const paint = painter(colour);
  const lines = table(report.checks.map(({ present, name, detail }) => [present ? "has" : "missing", name, detail]), { width });
  const painted = lines.map((line) => line.replace(/^ {2}missing/, `  ${paint("attention", "missing")}`).replace(/^ {2}has/, `  ${paint("good", "has")}`));
  return [paint("heading", "For more than a preview, on this machine"), ...painted, "", `${paint("heading", "Next:")} ${report.next.command}`, ...sentence(report.next.why, { width, indent: 6 })].join("\n") + "\n";
}

function digestText(model: PlatformModel, width: number, paint: Paint): string {
  const lines = digest(model);
  const rows = table(lines.map(({ about, text }) => [about, text]), { width });
  const attention = lines.find((line) => line.attention)?.about;
  return [paint("heading", `tv-goldviewfx platform, environment ${model.environment}`), ...rows.map((row) => (attention && row.trimStart().startsWith(attention) ? paint("attention", row) : row))].join("\n");
}

function stackLines(model: PlatformModel, width: number): string[] {
  return model.stacks.flatMap((stack, index) => [
    ...sentence(`${index + 1} ${stack.id}: ${stackFacts(stack)}`, { width }),
    ...table(stack.constructs.map(({ id, types }) => [id, typesText(types)]), { width, indent: 6 }),
  ]);
}

function stackFacts({ resources, kept, lookups, after }: StackModel): string {
  return [
    counted(resources, "resource"),
    ...(kept ? [`${kept} protected from destruction`] : []),
    ...(lookups ? [counted(lookups, "lookup")] : []),
    after.length ? `after ${listed(after)}` : "first",
  ].join(", ");
}

function crossesLines(model: PlatformModel, width: number): string[] {
  const lines = crossingLines(model);
  if (lines.length === 0) return sentence("nothing: each stack knows all that it needs at synth", { width });
  return table(lines.map(({ from, to, value, usedBy }) => [`${from} → ${listed(to)}`, value, `for ${listed(usedBy)}`]), { width });
}

function jobLines(model: PlatformModel, width: number): string[] {
  const head = ["job", "copies", "placement", "health", "update"];
  const shared = sharedByJobs(model);
  const rows = model.jobs.map((job) => [
    job.id,
    job.copies,
    job.placement,
    job.health.join(", ") + (shared.checkedEvery || !job.checkedEvery ? "" : ` every ${job.checkedEvery}`),
    job.update + (shared.updateLimit || !job.updateLimit ? "" : `; ${job.updateLimit}`),
  ]);
  return [...table([head, ...rows], { width }), ...(shared.sentence ? sentence(shared.sentence, { width }) : [])];
}

function accessLines({ access }: PlatformModel, width: number): string[] {
  if (!access.enabled) return sentence(`no tailnet policy: ${access.reason}`, { width });
  const devices = access.devices.map(({ name, tags }) => [name, tags.join(", ")]);
  const groups = access.groups.map(({ name, members }) => [name, members.join(", ")]);
  const grants = access.grants.map(({ from, to, ports, via }) => [from.join(" "), `→ ${to.join(" ")}`, `${ports}${via.length ? ` via ${via.join(" ")}` : ""}`]);
  return [...table([...groups, ...devices], { width }), "", ...table(grants, { width }), ...sentence(`Everything else is denied; ${counted(access.tests, "test")} in the policy hold it to that.`, { width })];
}

function secretLines({ secrets }: PlatformModel, width: number): string[] {
  const rows = secrets.flatMap(({ path, mustExist, readers, fields }) =>
    fields.map(({ field, origin, required }, index) => [index === 0 ? path : "", required ? "*" : mustExist && index === 0 && !fields.some((f) => f.required) ? "+" : "", field, origin, index > 0 ? "" : readers.length ? readers.join(", ") : "operators only"]),
  );
  return table([["path", "", "field", "origin", "read by"], ...rows], { width });
}

function imageLines(model: PlatformModel, width: number): string[] {
  return table(model.images.map(({ repository, digest: pinned, source }) => [pinned ? "pinned" : "unpinned", repository, pinned ?? (source ? `from ${source}` : "not built yet")]), { width });
}
