/** The data itself: exported, checked, imported, and proven to be the same. */
import { rm } from "node:fs/promises";
import type { TableDiff } from "../../snapshot/types";
import { Refused, type Step } from "../step";
import { stillFrozen } from "./freeze";
import { asPreflightSaw } from "./source";

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
  async run({ world, fact, settings }) {
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
    if (diffs.length > 0) throw new Refused(listed(diffs.map(differs)));
    await rm(again, { force: true });
    return { tables: tables.length, documents: tables.reduce((sum, { documents }) => sum + documents, 0), files: files?.count ?? 0 };
  },
};

const differs = ({ table, added, removed, changed, samples }: TableDiff): string => `${table}: ${added} added, ${removed} missing, ${changed} changed by the import (${samples.slice(0, 3).map(({ id, kind }) => `${id} ${kind}`).join(", ")})`;

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
    const [before, after] = await Promise.all([timescale.fingerprint("legacy"), timescale.fingerprint("nomad")]);
    const tables = [...new Set([...before.keys(), ...after.keys()])].sort();
    const wrong = tables.flatMap((table) => {
      const [one, other] = [before.get(table), after.get(table)];
      return one?.rows === other?.rows && one?.hash === other?.hash ? [] : [`${table}: ${one?.rows ?? "no"} rows before, ${other?.rows ?? "no"} after${one && other && one.rows === other.rows ? ", with other contents" : ""}`];
    });
    if (wrong.length > 0) throw new Refused(listed(wrong));
    step.done(`${tables.length} tables`);
    return { tables: tables.length, rows: [...after.values()].reduce((sum, { rows }) => sum + rows, 0) };
  },
  async undo({ world, maybe, left }) {
    if (maybe("preflight")?.timescale && !left()) await world.timescale?.clear();
  },
};

function listed(problems: readonly string[]): readonly string[] {
  return problems.length <= MOST_LISTED ? problems : [...problems.slice(0, MOST_LISTED), `and ${problems.length - MOST_LISTED} more`];
}
