/** Ingestion runs of two workers at once, as the database has them. */
import { z } from "zod";
import type { Duration } from "../../../contracts/units";
import type { ConvexCalls } from "../../data/backfill/convex-calls";

/** The app gives 250 at most (convex/ingestion_runs.ts, list). */
const PAGE = 250;
/** Some 40 runs a minute for nine pairs in seven feeds, and a window of ten minutes. */
const MOST_PAGES = 8;

const runSchema = z.object({ id: z.string(), source_type: z.string(), source_id: z.string().nullish(), feed: z.string().nullish(), status: z.string(), started_at: z.string(), finished_at: z.string().nullish(), error_summary: z.string().nullish() });
const runsSchema = z.object({ data: z.array(runSchema) });
export type Run = z.output<typeof runSchema>;

export interface OverlapOptions {
  /** Milliseconds since 1970, by the clock of the machine that Convex is on. */
  readonly now: number;
  /** Runs that began within it are looked at. */
  readonly window: Duration;
  /** After how long the app takes an unfinished run for dead. */
  readonly timeout: Duration;
}

/** @returns source and feed of each run that began while another of the same ran, a sentence each; the newest 2,000 runs are looked at */
export async function overlappingRuns(calls: Pick<ConvexCalls, "query">, { now, window, timeout }: OverlapOptions): Promise<string[]> {
  const runs: Run[] = [];
  // What began before the window may reach into it.
  const from = now - window.milliseconds - timeout.milliseconds;
  for (let page = 1; page <= MOST_PAGES; page++) {
    const { data } = runsSchema.parse(await calls.query("ingestion_runs:list", { source_type: "bingx", page, page_size: PAGE }));
    runs.push(...data);
    if (data.length < PAGE || data.every(({ started_at }) => Date.parse(started_at) < from)) break;
  }
  return overlaps(runs, { now, window, timeout });
}

/** Pure; judges as the guardian's trigger does (runtime/guardian/runs.mjs). */
export function overlaps(runs: readonly Run[], { now, window, timeout }: OverlapOptions): string[] {
  const found: string[] = [];
  const keyOf = ({ source_type, source_id, feed }: Run): string => `${source_type}/${source_id ?? "-"}/${feed ?? "-"}`;
  const known = [...new Map(runs.filter(({ started_at }) => Number.isFinite(Date.parse(started_at))).map((run) => [run.id, run])).values()].sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
  const busy = new Map<string, { readonly until: number; readonly last: number }>();
  for (const run of known) {
    const [key, start] = [keyOf(run), Date.parse(run.started_at)];
    const before = busy.get(key) ?? { until: -Infinity, last: NaN };
    if (start > now - window.milliseconds && (start < before.until || start === before.last)) found.push(`${key}, run ${run.id}`);
    busy.set(key, { until: Math.max(before.until, endOf(run, now, timeout.milliseconds)), last: start });
  }
  return found;
}

/** A run that nobody finished counts as over after the app's own timeout: the app lets the next one start then, and marks the old one failed. */
function endOf({ started_at, finished_at, status, error_summary }: Run, now: number, timeoutMs: number): number {
  const start = Date.parse(started_at);
  const finished = finished_at ? Date.parse(finished_at) : NaN;
  if (Number.isFinite(finished)) return error_summary === "timeout" ? Math.min(finished, start + timeoutMs) : finished;
  return status === "running" ? Math.min(now, start + timeoutMs) : start;
}
