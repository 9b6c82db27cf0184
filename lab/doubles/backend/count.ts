/**
 * Counts what must not happen to ingestion: two workers at once, the same thing
 * twice, nothing for a while. Pure; the caller fetches the rows, for example with
 * `data:query` {table: "ingestion_runs", filters: [{field: "source_type", op: "eq",
 * value: "bingx"}, {field: "started_at", op: "gte", value: <ISO time>}]}.
 */

/** A row of ingestion_runs. The worker of the double adds `instance`, `last_tick_at` and `max_pause_ms` to what the app writes. */
export interface IngestionRun {
  readonly id?: string;
  readonly source_type: string;
  readonly source_id?: string | null;
  readonly feed?: string | null;
  /** Left out for runs over all pairs, as the app and the double write them. */
  readonly pair?: string | null;
  readonly status?: string;
  readonly started_at: string;
  readonly finished_at?: string | null;
  readonly instance?: string;
  /** Time of the last progress that was written down. */
  readonly last_tick_at?: string | null;
  /** Longest time without progress inside the run, milliseconds. */
  readonly max_pause_ms?: number;
}

/** A time during which an instance ingested a series (source, feed, pair). */
interface Stretch {
  readonly series: string;
  readonly instance: string;
  readonly from: number;
  readonly to: number;
  readonly run: IngestionRun;
}

export interface Overlap {
  readonly series: string;
  readonly instances: readonly [string, string];
  readonly from: string;
  readonly to: string;
  readonly ms: number;
}

export interface Gap {
  readonly series: string;
  readonly from: string;
  readonly to: string;
  /** How long nothing was ingested. */
  readonly ms: number;
  /** `between` two runs, from and to exactly; or a pause `inside` the run from and to, somewhere. */
  readonly where: "between" | "inside";
}

const seriesOf = ({ source_type, source_id, feed, pair }: IngestionRun): string => [source_type, source_id ?? "-", feed ?? "-", pair ?? "all pairs"].join("/");
const iso = (ms: number): string => new Date(ms).toISOString();

/** A run that its worker did not end lasted until its last progress, whatever was written over it later. */
function endOf({ status, started_at, finished_at, last_tick_at }: IngestionRun): number {
  const finished = finished_at ? Date.parse(finished_at) : Number.NaN;
  const progressed = last_tick_at ? Date.parse(last_tick_at) : Number.NaN;
  if (status !== "succeeded" && Number.isFinite(progressed)) return progressed;
  return Number.isFinite(finished) ? finished : Date.parse(started_at);
}

/** Stretches by series, each in order of its beginning. Runs whose start cannot be read are left out. */
function stretches(runs: readonly IngestionRun[]): Map<string, Stretch[]> {
  const bySeries = new Map<string, Stretch[]>();
  for (const run of runs) {
    const from = Date.parse(run.started_at);
    if (!Number.isFinite(from)) continue;
    const series = seriesOf(run);
    const stretch = { series, instance: run.instance ?? "unknown", from, to: Math.max(from, endOf(run)), run };
    bySeries.set(series, [...(bySeries.get(series) ?? []), stretch]);
  }
  for (const list of bySeries.values()) list.sort((a, b) => a.from - b.from);
  return bySeries;
}

/** Times at which two instances ingested the same series. What touches is one overlap. */
export function overlaps(runs: readonly IngestionRun[]): Overlap[] {
  const found = new Map<string, { series: string; instances: readonly [string, string]; from: number; to: number }[]>();
  for (const list of stretches(runs).values()) {
    let open: Stretch[] = [];
    for (const next of list) {
      open = open.filter((earlier) => earlier.to > next.from);
      for (const earlier of open) {
        if (earlier.instance === next.instance) continue;
        const instances = [earlier.instance, next.instance].sort() as [string, string];
        const [from, to] = [next.from, Math.min(earlier.to, next.to)];
        if (to <= from) continue;
        const key = [next.series, ...instances].join(" ");
        const known = found.get(key) ?? [];
        const last = known.at(-1);
        if (last && from <= last.to) last.to = Math.max(last.to, to);
        else known.push({ series: next.series, instances, from, to });
        found.set(key, known);
      }
      open.push(next);
    }
  }
  return [...found.values()].flat().map(({ from, to, ...rest }) => ({ ...rest, from: iso(from), to: iso(to), ms: to - from }));
}

/** Runs that began while an earlier one of their series still ran, or at the same instant; whoever ran them. */
export function duplicateRuns(runs: readonly IngestionRun[]): IngestionRun[] {
  return [...stretches(runs).values()].flatMap((list) => {
    let busyUntil = -Infinity;
    let lastStart = Number.NaN;
    return list.flatMap(({ from, to, run }) => {
      const duplicate = from < busyUntil || from === lastStart;
      busyUntil = Math.max(busyUntil, to);
      lastStart = from;
      return duplicate ? [run] : [];
    });
  });
}

/**
 * Times longer than `longerThanMs` without ingestion, for each series, between its first and its last run.
 * Who ingested does not matter here.
 */
export function gaps(runs: readonly IngestionRun[], longerThanMs: number): Gap[] {
  return [...stretches(runs).values()].flatMap((list) => {
    let covered = list[0].from;
    return list.flatMap(({ series, from, to, run }): Gap[] => {
      const found: Gap[] = [];
      if (from - covered > longerThanMs) found.push({ series, from: iso(covered), to: iso(from), ms: from - covered, where: "between" });
      if ((run.max_pause_ms ?? 0) > longerThanMs) found.push({ series, from: iso(from), to: iso(to), ms: run.max_pause_ms!, where: "inside" });
      covered = Math.max(covered, to);
      return found;
    });
  });
}

/** Rows that are there more than once by some of their fields: order books by pair, captured_at and source, which two workers write twice. */
export function duplicateRows<T extends object>(rows: readonly T[], fields: readonly (keyof T)[]): { readonly key: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const key = fields.map((field) => String(row[field])).join(" ");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].flatMap(([key, count]) => (count > 1 ? [{ key, count }] : []));
}

/** Trades that are missing between a pair's first and last one: the exchange's double numbers them without a gap. */
export function missingTrades(trades: readonly { readonly pair: string; readonly trade_id: string }[]): Record<string, number> {
  return missing(trades.map(({ pair, trade_id }) => [pair, Number(trade_id)]), 1);
}

/** Candles that are missing between a pair's first and last one. Rows of one interval. */
export function missingCandles(candles: readonly { readonly pair: string; readonly open_time: string }[], intervalMs: number): Record<string, number> {
  return missing(candles.map(({ pair, open_time }) => [pair, Date.parse(open_time)]), intervalMs);
}

function missing(positions: readonly (readonly [string, number])[], step: number): Record<string, number> {
  const byPair = new Map<string, Set<number>>();
  for (const [pair, position] of positions) byPair.set(pair, (byPair.get(pair) ?? new Set()).add(position));
  return Object.fromEntries(
    [...byPair].map(([pair, seen]) => {
      const sorted = [...seen].sort((a, b) => a - b);
      return [pair, Math.round((sorted[sorted.length - 1] - sorted[0]) / step) + 1 - seen.size];
    }),
  );
}
