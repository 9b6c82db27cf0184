/** One ingest by REST over pairs and feeds, as POST .../backfill and .../refresh run it. */
import type { Feed } from "../../../contracts/markets";
import type { Bingx } from "./bingx";
import { candleRows, FEED_NAMES, intervalLength, READ, writeRows } from "./feeds";
import { recordSeen } from "./sources";
import { update, eq, type Row, type Store } from "./store";

/** The app's lock: one such run at a time, in the database. */
const LOCK_FEED = "__bingx_cycle_lock__";
/** The runs of each feed are a series of their own: the worker of the double is never idle, and they would wait for it for ever. */
export const MANUAL_SOURCE = "manual";
/** 25,000 candles of a pair and interval: more than anybody waits for in a lab. */
const MOST_BATCHES = 50;

export interface IngestOptions {
  readonly pairs: readonly string[];
  readonly intervals: readonly string[];
  /** Whether it goes back in time besides bringing what is new. */
  readonly backfill: boolean;
  /** Batches of 500 candles backwards in time, for each pair and interval. */
  readonly batches: number;
  readonly runTimeoutMinutes: number;
  readonly instance: string;
}

export interface PairSummary {
  readonly pair: string;
  candlesInserted: number;
  tradesInserted: number;
  fundingInserted: number;
  openInterestInserted: number;
  markIndexInserted: number;
  tickersInserted: number;
}

const COUNTER = { candles: "candlesInserted", trades: "tradesInserted", funding: "fundingInserted", open_interest: "openInterestInserted", mark_index: "markIndexInserted", ticker: "tickersInserted" } as const;

interface Started {
  readonly created: boolean;
  readonly run: { readonly id: string } | null;
}

/**
 * Ingests, and answers when everything is written.
 * @returns a summary for each pair; none when another such run holds the lock
 * @throws Error when exchange or store fail; the runs are then marked failed
 */
export async function ingest(store: Store, bingx: Bingx, options: IngestOptions, now: () => number): Promise<PairSummary[]> {
  const { created, run: lock } = await store.mutation<Started>("ingestion_runs:startIfIdle", { source_type: "bingx", source_id: null, feed: LOCK_FEED, trigger: "manual", timeout_minutes: options.runTimeoutMinutes });
  if (!created || !lock) return [];
  const runs = [{ feed: LOCK_FEED, id: lock.id }];
  const totals = new Map<string, number>();
  const finish = async (status: "succeeded" | "failed", error_summary: string | null): Promise<void> => {
    const errors = status === "failed" ? 1 : 0;
    // The lock's run counts all feeds together, as in the app.
    const all = [...totals.values()].reduce((sum, count) => sum + count, 0);
    for (const { feed, id } of runs) await store.mutation("ingestion_runs:complete", { id, status, new_count: feed === LOCK_FEED ? all : (totals.get(feed) ?? 0), updated_count: 0, error_count: errors, error_summary });
  };
  try {
    await update(store, "ingestion_runs", [eq("id", lock.id)], { instance: options.instance });
    for (const feed of FEED_NAMES) {
      const run = await store.mutation<{ id: string }>("ingestion_runs:create", { source_type: "bingx", source_id: MANUAL_SOURCE, feed, trigger: "manual", status: "running" });
      runs.push({ feed, id: run.id });
      await update(store, "ingestion_runs", [eq("id", run.id)], { instance: options.instance });
    }
    const summaries: PairSummary[] = [];
    for (const pair of options.pairs) summaries.push(await ingestPair(store, bingx, pair, options, totals, now));
    await finish("succeeded", null);
    return summaries;
  } catch (error) {
    await finish("failed", error instanceof Error ? error.message : "ingest_failed").catch(() => undefined);
    throw error;
  }
}

/** When a pair's oldest or newest candle opens; undefined when there is none. */
async function edge(store: Store, pair: string, interval: string, order: "asc" | "desc"): Promise<number | undefined> {
  const [row] = await store.query<Row[]>("bingx_candles:listByRange", { pair, interval, order, limit: 1 });
  return row === undefined ? undefined : Date.parse(String(row.open_time));
}

async function ingestPair(store: Store, bingx: Bingx, pair: string, { intervals, batches, backfill }: IngestOptions, totals: Map<string, number>, now: () => number): Promise<PairSummary> {
  const summary: PairSummary = { pair, candlesInserted: 0, tradesInserted: 0, fundingInserted: 0, openInterestInserted: 0, markIndexInserted: 0, tickersInserted: 0 };
  const seen = new Map<Feed, ReadonlyMap<string, string>>();
  const write = async (feed: Feed, rows: readonly Row[]): Promise<void> => {
    await writeRows(store, feed, rows);
    totals.set(feed, (totals.get(feed) ?? 0) + rows.length);
    if (feed !== "orderbook") summary[COUNTER[feed]] += rows.length;
    seen.set(feed, new Map([[pair, new Date(now()).toISOString()]]));
  };
  for (const interval of intervals) {
    // As the app does: what is newer than the newest first, then, in a backfill, backwards from the oldest.
    const [oldest, newest] = await Promise.all([edge(store, pair, interval, "asc"), edge(store, pair, interval, "desc")]);
    const fresh = await candleRows(bingx, pair, interval, newest === undefined ? {} : { startTime: newest + intervalLength(interval) });
    await write("candles", fresh);
    if (!backfill) continue;
    let endTime = (oldest ?? Math.min(now(), ...fresh.map(({ open_time }) => Date.parse(String(open_time))))) - intervalLength(interval);
    for (let batch = 0; batch < Math.min(batches, MOST_BATCHES); batch++) {
      const rows = await candleRows(bingx, pair, interval, { endTime });
      await write("candles", rows);
      if (rows.length === 0) break;
      endTime = Math.min(...rows.map((row) => Date.parse(String(row.open_time)))) - intervalLength(interval);
    }
  }
  for (const feed of FEED_NAMES) if (feed !== "candles") await write(feed, await READ[feed](bingx, pair));
  await recordSeen(store, seen, now());
  return summary;
}
