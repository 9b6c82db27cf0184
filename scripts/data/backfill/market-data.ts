/** What a backfill and its proof read of the app's tables, as an interface: Convex in earnest, memory in tests. */
import type { Feed } from "../../../contracts/markets";

/** The app's lock: while a run of this "feed" is running, a second ingest does nothing and says so by an empty list. */
export const LOCK_FEED = "__bingx_cycle_lock__";

export interface IngestionRun {
  readonly id: string;
  /** "manual": somebody asked for it; "schedule": the worker's own. */
  readonly trigger: string;
  readonly status: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly finished: boolean;
  readonly rows: number;
  readonly error: string | undefined;
}

export interface CandleEdges {
  /** Milliseconds since 1970 at which the oldest candle opens; undefined when there is none. */
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
}

export interface MarketData {
  /** For sentences. */
  readonly address: string;
  /** Milliseconds since 1970 by the clock of the machine that Convex is on. @throws Unreachable when it does not answer */
  now(): Promise<number>;
  /** When the candles that open from `from` on do, ascending. */
  openTimes(pair: string, interval: string, from: number): Promise<readonly number[]>;
  edges(pair: string, interval: string): Promise<CandleEdges>;
  /** Times of the rows since `from`, ascending. */
  times(feed: Exclude<Feed, "candles">, pair: string, from: number): Promise<readonly number[]>;
  /** The newest runs of the app's ingest lock, newest first. */
  lockRuns(): Promise<readonly IngestionRun[]>;
}
