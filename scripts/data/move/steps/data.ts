/** The data itself: exported, checked, imported, and proven to be the same. */
import { rm } from "node:fs/promises";
import type { TableDiff } from "../../snapshot/types";
import { Refused, type Step, type StepContext } from "../step";
import type { Timescale } from "../world";
import { stillFrozen } from "./freeze";
import { asPreflightSaw, databaseInUse, foundFromHost } from "./source";

/** More are counted, not listed. */
const MOST_LISTED = 10;

export const exportData: Step<"export"> = {
  id: "export",
  title: "Export legacy's Convex, and check the snapshot",
  phase: "freeze",
  async run(context) {
    const { world, file, fact } = context;
    const path = file("legacy.zip");
    await world.source.exportTo(path);
    const { problems, ...report } = await world.snapshots.validate(path);
    if (problems.length > 0) throw new Refused(listed(problems.map(({ place, what, fix }) => `${place}: ${what}. ${fix}`)));
    if (!report.files) throw new Refused([`${path} holds no files (_storage), although it was exported with them: the model artefacts would be lost; repeat, and see the CLI's output above`]);
    const { counts } = fact("quiet");
    const exported = new Map(report.tables.map(({ name, documents }) => [name, documents]));
    const different = [...new Set([...Object.keys(counts), ...exported.keys()])].filter((table) => !table.startsWith("_") && (counts[table] ?? 0) !== (exported.get(table) ?? 0));
    if (different.length > 0) throw new Refused(listed(different.map((table) => `${table}: Convex counts ${counts[table] ?? 0} rows, and the snapshot has ${exported.get(table) ?? 0}; repeat the export`)));
    await stillFrozen(context);
    return { file: path, bytes: report.bytes, sha256: report.sha256, tables: report.tables, files: report.files };
  },
};

export const importData: Step<"import"> = {
  id: "import",
  title: "Import it into the platform's Convex",
  phase: "freeze",
  undoneLate: true,
  async run(context) {
    await stillFrozen(context);
    await asPreflightSaw(context);
    await context.world.target.importFrom(context.fact("export").file);
    return {};
  },
  async undo({ world, maybe, left }) {
    const kept = maybe("keep-target");
    if (!kept || left()) return;
    await world.target.importFrom(kept.file);
  },
};

export const validate: Step<"validate"> = {
  id: "validate",
  title: "Validate the platform's Convex against the snapshot",
  phase: "freeze",
  async run(context) {
    const { world, fact, settings } = context;
    await foundFromHost(context);
    const { file, tables } = fact("export");
    const counts = await world.target.counts();
    const wrong = tables.flatMap(({ name, documents }) => ((counts.get(name) ?? 0) === documents ? [] : [`${settings.criticalTables.includes(name) ? "critical table " : ""}${name}: the snapshot has ${documents} rows, and Convex counts ${counts.get(name) ?? 0}`]));
    const surplus = [...counts.keys()].filter((name) => !name.startsWith("_") && !tables.some((table) => table.name === name));
    wrong.push(...surplus.map((name) => `${name}: ${counts.get(name)} rows, and the snapshot has no such table`));
    wrong.push(...(await world.target.compare(file)));
    if (wrong.length > 0) throw new Refused(listed(wrong));
    return { tables: tables.length };
  },
};

export const compare: Step<"compare"> = {
  id: "compare",
  title: "Export it again, and compare byte by byte",
  phase: "freeze",
  async run({ world, file, fact }) {
    const { file: original, tables, files } = fact("export");
    const again = file("again.zip");
    await world.target.exportTo(again);
    const diffs = await world.snapshots.diff(original, again);
    if (diffs.length > 0) throw new Refused(listed(diffs.map((diff) => differs(diff, "by the import"))));
    await rm(again, { force: true });
    return { tables: tables.length, documents: tables.reduce((sum, { documents }) => sum + documents, 0), files: files?.count ?? 0 };
  },
};

const differs = ({ table, added, removed, changed, samples }: TableDiff, how: string): string => `${table}: ${added} added, ${removed} missing, ${changed} changed ${how} (${samples.slice(0, 3).map(({ id, kind }) => `${id} ${kind}`).join(", ")})`;

/** After the comparison: it is the one change that is meant. */
export const closeRuns: Step<"close-runs"> = {
  id: "close-runs",
  title: "Close ingestion runs that were left running",
  phase: "freeze",
  async run({ world, say }) {
    const closed = await world.target.closeRuns();
    if (closed > 0) say(`${closed} ingestion run${closed === 1 ? "" : "s"} that were running when the worker stopped are failed now ("closed by data import")`);
    return { closed };
  },
};

export const moveTimescale: Step<"timescale"> = {
  id: "timescale",
  title: "Move the database of TIMESCALE_URL",
  phase: "freeze",
  undoneLate: true,
  async run({ world, fact, progress }) {
    if (!fact("preflight").timescale) return null;
    // Preflight refuses without it.
    const timescale = world.timescale!;
    const step = progress.step("copy the database of TIMESCALE_URL");
    await timescale.copy();
    const { wrong, tables, rows } = await compareDatabases(timescale);
    if (wrong.length > 0) throw new Refused(listed(wrong));
    step.done(`${tables} tables`);
    return { tables, rows };
  },
  async undo(context) {
    const { world: { timescale }, maybe, left, settings } = context;
    if (!maybe("preflight")?.timescale || left() || !timescale) return;
    const inUse = await databaseInUse(context, await timescale.targetUrl());
    if (inUse.length > 0) throw new Refused([...inUse, `the platform's database was not emptied; then go on: ${settings.commands.undo}`]);
    await timescale.clear();
  },
};

async function compareDatabases(timescale: Timescale): Promise<{ readonly wrong: readonly string[]; readonly tables: number; readonly rows: number }> {
  const [legacy, platform] = await Promise.all([timescale.fingerprint("legacy"), timescale.fingerprint("nomad")]);
  const tables = [...new Set([...legacy.keys(), ...platform.keys()])].sort();
  const wrong = tables.flatMap((table) => {
    const [one, other] = [legacy.get(table), platform.get(table)];
    return one?.rows === other?.rows && one?.hash === other?.hash ? [] : [`${table}: ${one?.rows ?? "no"} rows before, ${other?.rows ?? "no"} after${one && other && one.rows === other.rows ? ", with other contents" : ""}`];
  });
  return { wrong, tables: tables.length, rows: [...platform.values()].reduce((sum, { rows }) => sum + rows, 0) };
}

/**
 * Legacy's Convex exported again is byte by byte what was exported first, and legacy's database of TIMESCALE_URL
 * what was copied: also a row that was changed in place is seen, which counts do not show. Takes as long as the first export.
 * @param database whether that is compared too. @default whether it was moved
 * @throws Refused when either has changed; then the second export stays beside the first
 */
export async function stillAsExported(context: StepContext, database = context.fact("preflight").timescale): Promise<void> {
  const { world, file, fact, settings } = context;
  await stillFrozen(context);
  const again = file("legacy-again.zip");
  await world.source.exportTo(again);
  const diffs = await world.snapshots.diff(fact("export").file, again);
  const changed = diffs.map((diff) => differs(diff, "since the export"));
  if (database) changed.push(...(await compareDatabases(world.timescale!)).wrong.map((what) => `the database of TIMESCALE_URL: ${what}`));
  if (changed.length > 0) throw new Refused([...listed(changed), `legacy's data was changed after it was copied, and the copy does not have that: somebody writes into it although worker and API are stopped. Find out who, and begin anew: ${settings.commands.undo}; then ${settings.commands.move}`]);
  await rm(again, { force: true });
}

function listed(problems: readonly string[]): readonly string[] {
  return problems.length <= MOST_LISTED ? problems : [...problems.slice(0, MOST_LISTED), `and ${problems.length - MOST_LISTED} more`];
}
