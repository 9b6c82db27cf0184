/**
 * Ingestion runs that an import left "running". Their worker is gone, and the
 * app starts no run of the same source and feed while one is running: for
 * INGESTION_RUN_TIMEOUT_MIN (30 minutes). They are failed by the app's own
 * function, ingestion_runs:complete, with a summary that says who did it.
 */
import type { Value } from "convex/values";
import type { ConvexInstance } from "./instance";
import { differingFields, type Fields } from "./values";

export const RUNS_TABLE = "ingestion_runs";
/** error_summary of a run that was closed. */
export const CLOSED_SUMMARY = "closed by data import";
/** What closing changes in a row. */
const CLOSED_FIELDS: ReadonlySet<string> = new Set(["status", "finished_at", "error_count", "error_summary", "updated_at"]);
/** What `complete` sets to null unless it is told. */
const OPTIONAL = ["coverage_pct", "missing_fields_count", "parse_confidence"] as const;

export interface ClosedRuns {
  readonly closed: number;
  /** `_id` of running rows without the `id` by which the app's function finds a run. */
  readonly withoutId: readonly string[];
}

/** @throws ConvexFailure "no-function" when runs must be closed and the app's functions are not deployed */
export async function closeRunningRuns(instance: ConvexInstance): Promise<ClosedRuns> {
  const running: Fields[] = [];
  if (!(await instance.tables()).includes(RUNS_TABLE)) return { closed: 0, withoutId: [] };
  for await (const row of instance.documents(RUNS_TABLE, "desc")) if (row.status === "running" && (row.finished_at ?? null) === null) running.push(row);
  const withoutId = running.filter(({ id }) => typeof id !== "string").map(({ _id }) => String(_id));
  let closed = 0;
  for (const row of running) {
    if (typeof row.id !== "string") continue;
    const done = await instance.call("mutation", "ingestion_runs:complete", {
      id: row.id,
      status: "failed",
      new_count: Number(row.new_count ?? 0),
      updated_count: Number(row.updated_count ?? 0),
      // As the app counts a run that timed out.
      error_count: Number(row.error_count ?? 0) + 1,
      error_summary: CLOSED_SUMMARY,
      ...Object.fromEntries(OPTIONAL.flatMap((name): [string, Value][] => (typeof row[name] === "number" ? [[name, row[name]]] : []))),
    });
    if (done !== null) closed++;
  }
  return { closed, withoutId };
}

/** Whether an instance's run is a snapshot's that was closed after the import, and nothing else was changed in it. */
export function isClosedRun(before: Fields, now: Fields): boolean {
  return before.status === "running" && now.status === "failed" && now.error_summary === CLOSED_SUMMARY && differingFields(before, now).every((field) => CLOSED_FIELDS.has(field) || ((OPTIONAL as readonly string[]).includes(field) && (before[field] ?? null) === (now[field] ?? null)));
}
