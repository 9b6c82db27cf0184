/** A snapshot against a running Convex: what can be seen without exporting it (validate), and every byte of it (diff). */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { silentProgress, type Progress } from "../progress";
import { diffSnapshots } from "../snapshot/diff";
import type { Problem, Snapshot, SnapshotReport, TableDiff } from "../snapshot/types";
import { ARTIFACT_TABLES, checkArtifact } from "./artifacts";
import type { ConvexCli } from "./cli";
import { exportSnapshot } from "./export";
import type { ConvexInstance } from "./instance";
import { isClosedRun, RUNS_TABLE } from "./runs";
import { checkStoredFiles } from "./stored-files";
import { differingFields, parseExported, type Fields } from "./values";

/** Documents of a table that are compared from either end: a page is cheap for the backend. */
const SAMPLES = 100;
/** Documents that differ, named a table; the rest is counted. */
const LISTED = 5;

export interface AgainstOptions {
  /** Tables without which the platform is worth little: the report names them, and those of them that have no rows. */
  readonly criticalTables?: readonly string[];
  /** The oldest and as many of the newest documents of each table are compared field by field. @default 100 */
  readonly samples?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface TableAgainst {
  readonly name: string;
  readonly inSnapshot: number;
  /** Undefined: there is no such table. */
  readonly inInstance: number | undefined;
  /** Documents that were compared. */
  readonly compared: number;
  readonly critical: boolean;
}

export interface AgainstReport {
  readonly tables: readonly TableAgainst[];
  readonly files: { readonly inSnapshot: number; readonly inInstance: number; readonly whole: number; readonly bytes: number };
  readonly artifacts: { readonly whole: number; readonly uncheckable: readonly { readonly place: string; readonly why: string }[] };
  /** Compared runs that were running in the snapshot and are closed now, which is as it should be. */
  readonly closedRuns: number;
  /** Empty: nothing that was looked at is wrong. */
  readonly problems: readonly Problem[];
}

/**
 * Compares counts per table, sampled documents, every stored file and every model artefact.
 * @param report of the same snapshot, for its counts
 * @throws when the instance or the snapshot cannot be read
 */
export async function validateAgainst(report: SnapshotReport, snapshot: Snapshot, instance: ConvexInstance, options: AgainstOptions = {}): Promise<AgainstReport> {
  const { criticalTables = [], samples = SAMPLES, progress = silentProgress, signal } = options;
  const { side } = instance.access;
  const problems: Problem[] = [];

  const counting = progress.step(`count the tables of ${side}`);
  const counts = await instance.counts();
  counting.done(`${counts.size} tables`);
  const expected = new Map(report.tables.map(({ name, documents }) => [name, documents]));
  const names = [...new Set([...expected.keys(), ...criticalTables, ...[...counts].filter(([, documents]) => documents > 0).map(([name]) => name)])].sort();

  const sampling = progress.step(`compare sampled documents with ${side}`, names.length);
  const tables: TableAgainst[] = [];
  let closedRuns = 0;
  for (const name of names) {
    signal?.throwIfAborted();
    const [inSnapshot, inInstance] = [expected.get(name) ?? 0, counts.get(name)];
    if (inSnapshot !== (inInstance ?? 0)) problems.push(countProblem(name, inSnapshot, inInstance, side, criticalTables.includes(name)));
    const sample = inInstance === undefined || inInstance === 0 ? new Map<string, Fields>() : await sampleOf(instance, name, samples);
    const compared = await compareSample(name, sample, snapshot, side);
    closedRuns += compared.closedRuns;
    problems.push(...compared.problems);
    tables.push({ name, inSnapshot, inInstance, compared: sample.size, critical: criticalTables.includes(name) });
    sampling.advance(1);
  }
  sampling.done(`${tables.reduce((sum, { compared }) => sum + compared, 0).toLocaleString("en-US")} documents`);

  const files = await checkStoredFiles(instance, snapshot, { progress, signal });
  problems.push(...files.problems);
  const artifacts = { whole: 0, uncheckable: [] as { place: string; why: string }[] };
  for (const table of ARTIFACT_TABLES) {
    if (!counts.get(table)) continue;
    const step = progress.step(`check the artefacts of ${table}`, counts.get(table));
    for await (const row of instance.documents(table)) {
      const place = `${table} ${String(row._id)}`;
      const seen = checkArtifact(row, files);
      if (seen.verdict === "whole") artifacts.whole++;
      else if (seen.verdict === "uncheckable") artifacts.uncheckable.push({ place, why: seen.why });
      else if (seen.verdict === "damaged") problems.push({ place, what: seen.why, fix: "take the artefact from a backup or train it anew; an agent must not decide by it" });
      step.advance(1);
    }
    step.done();
  }
  const { inSnapshot, inInstance, whole, bytes } = files;
  return { tables, files: { inSnapshot, inInstance, whole, bytes }, artifacts, closedRuns, problems };
}

function countProblem(name: string, inSnapshot: number, inInstance: number | undefined, side: string, critical: boolean): Problem {
  const fix = inSnapshot > (inInstance ?? 0) ? "documents are missing: import the snapshot again" : "somebody writes there, or it was not replaced: stop the writers, and import the snapshot again with --replace-everything";
  return { place: name, what: `${critical ? "critical table: " : ""}the snapshot has ${inSnapshot} documents, ${side} ${inInstance === undefined ? "has no such table" : `has ${inInstance}`}`, fix };
}

/** The oldest and the newest documents by `_id`. */
async function sampleOf(instance: ConvexInstance, table: string, samples: number): Promise<Map<string, Fields>> {
  const sample = new Map<string, Fields>();
  for (const order of ["asc", "desc"] as const) {
    let taken = 0;
    if (samples === 0) break;
    for await (const document of instance.documents(table, order, samples)) {
      sample.set(String(document._id), document);
      if (++taken >= samples) break;
    }
  }
  return sample;
}

async function compareSample(table: string, sample: ReadonlyMap<string, Fields>, snapshot: Snapshot, side: string): Promise<{ readonly problems: Problem[]; readonly closedRuns: number }> {
  const left = new Set(sample.keys());
  const problems: Problem[] = [];
  let [closedRuns, unlisted] = [0, 0];
  const report = (problem: Problem): void => void (problems.length < LISTED ? problems.push(problem) : unlisted++);
  if (left.size > 0 && snapshot.tables().includes(table)) {
    for await (const { id, line } of snapshot.documents(table)) {
      if (!left.delete(id)) continue;
      const [before, now] = [parseExported(line.toString("utf8")), sample.get(id)!];
      const fields = differingFields(before, now);
      if (fields.length > 0 && table === RUNS_TABLE && isClosedRun(before, now)) closedRuns++;
      else if (fields.length > 0) report({ place: `${table} ${id}`, what: `differs between the snapshot and ${side} in ${fields.join(", ")}`, fix: "somebody wrote since, or the import changed it; see all of it with: gvfx data diff" });
      if (left.size === 0) break;
    }
  }
  for (const id of left) report({ place: `${table} ${id}`, what: `${side} has this document, the snapshot has not`, fix: "somebody wrote since: stop the writers, and import again" });
  if (unlisted > 0) problems[problems.length - 1] = { ...problems[problems.length - 1], more: unlisted };
  return { problems, closedRuns };
}

export interface DiffAgainstOptions {
  /** Folder for the export that is compared; it is removed afterwards. */
  readonly folder: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Documents named a table. @default what diffSnapshots has */
  readonly samples?: number;
}

/**
 * Exports the instance and compares every document and file: what the instance has in addition is "added".
 * @throws when the export fails, or either snapshot cannot be read
 */
export async function diffAgainst(path: string, instance: ConvexInstance, cli: ConvexCli, { folder, ...options }: DiffAgainstOptions): Promise<readonly TableDiff[]> {
  const other = join(folder, `compared-${instance.access.side}-${process.pid}-${Date.now()}.zip`);
  try {
    await exportSnapshot(instance, cli, other, { progress: options.progress, signal: options.signal });
    return await diffSnapshots(path, other, options);
  } finally {
    await rm(other, { force: true });
  }
}
