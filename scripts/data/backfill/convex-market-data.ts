/**
 * The market data in Convex, by the app's public functions: those that have an index are
 * read in pages. For trades and order books the app has none, only `data:query`, which
 * reads a whole table and so exceeds Convex's limits where the table is large; then
 * Convex's own listing of its CLI is read from the newest row backwards, with the admin key.
 */
import { z } from "zod";
import { FEEDS, type Feed } from "../../../contracts/markets";
import type { ConvexCalls } from "./convex-calls";
import { LOCK_FEED, type CandleEdges, type IngestionRun, type MarketData } from "./market-data";

/** Rows of a page: a fourth of what Convex lets one function read, so that wide rows fit too. */
const PAGE = 4_000;
/** Of the CLI's listing: an order book has some kilobytes, and an answer is read whole. */
const ADMIN_PAGE = 500;
/** The most that the app lists at once. */
const RUNS = 250;

/** Field that tells when a row is of. */
const TIME_FIELD: Readonly<Record<Exclude<Feed, "candles">, string>> = {
  orderbook: "captured_at",
  trades: "executed_at",
  funding: "funding_time",
  open_interest: "captured_at",
  mark_index: "captured_at",
  ticker: "captured_at",
};
/** The app lists these by pair and time. */
const INDEXED: readonly Feed[] = ["funding", "open_interest", "mark_index", "ticker"];

type TimedFeed = Exclude<Feed, "candles">;

const rowsSchema = z.array(z.record(z.string(), z.unknown()));
const runsSchema = z.object({ data: z.array(z.object({ id: z.string(), trigger: z.string(), status: z.string(), started_at: z.string(), finished_at: z.string().nullish(), new_count: z.number().nullish(), updated_count: z.number().nullish(), error_summary: z.string().nullish() })) });
const pageSchema = z.object({ page: z.array(z.object({ pair: z.string().optional(), _creationTime: z.number() }).loose()), isDone: z.boolean(), continueCursor: z.string().nullish() });

const iso = (ms: number): string => new Date(ms).toISOString();

/** @throws Error: a time that is none would be read as no row */
function timeOf(value: unknown, table: string, field: string): number {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw new Error(`${table} has a row whose ${field} is no time (${JSON.stringify(value)?.slice(0, 60)})`);
  return ms;
}

/**
 * @param adminKey asked for only where the app's own functions do not suffice; left out, they must
 * @param rowsAtOnce rows of a page. @default 4,000: what Convex lets one function read holds four of them
 */
export function convexMarketData(calls: ConvexCalls, adminKey?: () => Promise<string>, rowsAtOnce = PAGE): MarketData {
  const openTimePage = async (pair: string, interval: string, start?: string): Promise<number[]> =>
    z.array(z.string()).parse(await calls.query("bingx_candles:listOpenTimesByRange", { pair, interval, ...(start === undefined ? { limit: 1 } : { start, limit: rowsAtOnce }) })).map((time) => timeOf(time, FEEDS.candles, "open_time"));

  const listed = async (feed: TimedFeed, pair: string, start: string): Promise<number[]> =>
    rowsSchema.parse(await calls.query(`${FEEDS[feed]}:listByRange`, { pair, start, limit: rowsAtOnce, order: "asc" })).map((row) => timeOf(row[TIME_FIELD[feed]], FEEDS[feed], TIME_FIELD[feed]));

  const scanned = async (feed: TimedFeed, pair: string, from: number): Promise<number[]> => {
    const field = TIME_FIELD[feed];
    const filters = [{ field: "pair", op: "eq", value: pair }, { field, op: "gte", value: iso(from) }];
    const { data } = z.object({ data: rowsSchema }).parse(await calls.query("data:query", { table: FEEDS[feed], filters, select: [field], order: { field, direction: "asc" } }));
    return data.map((row) => timeOf(row[field], FEEDS[feed], field));
  };

  // All pairs of a table in one pass, for the pairs of one look; a later look begins later.
  const tails = new Map<TimedFeed, { readonly from: number; readonly byPair: Promise<ReadonlyMap<string, readonly number[]>> }>();
  const tail = (feed: TimedFeed, from: number, key: string): Promise<ReadonlyMap<string, readonly number[]>> => {
    const kept = tails.get(feed);
    if (kept?.from === from) return kept.byPair;
    const byPair = readTail(calls, feed, from, key);
    tails.set(feed, { from, byPair });
    byPair.catch(() => tails.delete(feed));
    return byPair;
  };
  /** Tables that are too large for `data:query`. */
  const large = new Map<TimedFeed, Error>();

  return {
    address: calls.address,
    now: async () => Date.now() + (await calls.clockAhead()),
    openTimes: (pair, interval, from) => inPages(from, rowsAtOnce, (start) => openTimePage(pair, interval, start)),
    async edges(pair, interval): Promise<CandleEdges> {
      const [oldest] = await openTimePage(pair, interval);
      const [newest] = rowsSchema.parse(await calls.query("bingx_candles:listByRange", { pair, interval, order: "desc", limit: 1 }));
      return { oldest, newest: newest && timeOf(newest.open_time, FEEDS.candles, "open_time") };
    },
    async times(feed, pair, from) {
      if (INDEXED.includes(feed)) return inPages(from, rowsAtOnce, (start) => listed(feed, pair, start));
      if (!large.has(feed)) {
        try {
          return await scanned(feed, pair, from);
        } catch (error) {
          if ((error as Error).name !== "QueryFailed" || !adminKey) throw error;
          large.set(feed, error as Error);
        }
      }
      const key = await adminKey!().catch((error: unknown) => {
        throw new Error(`${large.get(feed)!.message}; and Convex's own listing needs the admin key: ${(error as Error).message}`);
      });
      return (await tail(feed, from, key)).get(pair) ?? [];
    },
    async lockRuns() {
      const { data } = runsSchema.parse(await calls.query("ingestion_runs:list", { source_type: "bingx", feed: LOCK_FEED, page_size: RUNS }));
      return data.map((run): IngestionRun => ({ id: run.id, trigger: run.trigger, status: run.status, startedAt: timeOf(run.started_at, "ingestion_runs", "started_at"), finished: Boolean(run.finished_at) || run.status !== "running", rows: (run.new_count ?? 0) + (run.updated_count ?? 0), error: run.error_summary ?? undefined }));
    },
  };
}

/** Pages of ascending times: each begins at the last one's end, which both of them hold. */
async function inPages(from: number, rowsAtOnce: number, page: (start: string) => Promise<readonly number[]>): Promise<number[]> {
  const all: number[] = [];
  for (let start = from; ; ) {
    const times = await page(iso(start));
    const last = times.at(-1);
    for (const time of times) if (start === from || time > start) all.push(time);
    if (times.length < rowsAtOnce || last === undefined) return all;
    if (last <= start) throw new Error(`${rowsAtOnce} rows and more have the time ${iso(start)}, so that what follows cannot be listed`);
    start = last;
  }
}

/** A row is written after the moment that it is of: what was created before the window is not in it. */
async function readTail(calls: ConvexCalls, feed: TimedFeed, from: number, adminKey: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const [table, field] = [FEEDS[feed], TIME_FIELD[feed]];
  const byPair = new Map<string, number[]>();
  for (let cursor: string | null = null; ; ) {
    const { page, isDone, continueCursor }: z.infer<typeof pageSchema> = pageSchema.parse(await calls.query("_system/cli/tableData:default", { table, order: "desc", paginationOpts: { numItems: ADMIN_PAGE, cursor } }, { adminKey }));
    for (const row of page) {
      const time = timeOf(row[field], table, field);
      if (time < from || row.pair === undefined) continue;
      const times = byPair.get(row.pair);
      if (times) times.push(time);
      else byPair.set(row.pair, [time]);
    }
    const oldest = page.at(-1);
    if (isDone || continueCursor === null || continueCursor === undefined || (oldest && oldest._creationTime < from)) break;
    cursor = continueCursor;
  }
  for (const times of byPair.values()) times.sort((a, b) => a - b);
  return byPair;
}
