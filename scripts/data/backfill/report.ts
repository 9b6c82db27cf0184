/** What a look at the market data found: the proof that a backfill, and a cutover's gate, go by. */
import { FEEDS, type Feed } from "../../../contracts/markets";
import type { Side } from "../../lease/sources";

/** `inconclusive`: it could not be judged, which is neither good nor bad news: look into it and ask again. */
export type CoverageVerdict = "pass" | "fail" | "inconclusive";

export const FEED_NAMES = Object.keys(FEEDS) as Feed[];
/** Feeds of which the exchange keeps a past that a backfill brings; of the others it has the present alone. */
export const HISTORY_FEEDS: readonly Feed[] = ["candles", "funding"];

/** Rows that are missing between two that are there, or between one and an end of the window. */
export interface Gap {
  /** ISO time of the last row before it, or the window's begin. */
  readonly from: string;
  /** ISO time of the first row after it, or now. */
  readonly to: string;
  /** Candles that are missing; undefined for feeds that have no fixed step. */
  readonly missing?: number;
}

/** Rows of one pair in one table; of candles, of one interval. */
export interface Series {
  /** Of candles alone. */
  readonly interval?: string;
  /** In the window. */
  readonly rows: number;
  /** ISO time of the oldest row in the window; undefined when there is none. */
  readonly oldest: string | undefined;
  readonly newest: string | undefined;
  /** Every gap that is longer than allowed: of candles all, exactly. The first few (MAX_GAPS) are listed. */
  readonly gaps: readonly Gap[];
  /** How many there are, listed or not. */
  readonly gapCount: number;
  /** Candles missing in all gaps; undefined for the other feeds. */
  readonly missing?: number;
  /** Milliseconds of the longest time without a row, the ends of the window included. */
  readonly longestSilenceMs: number;
}

export interface CoverageCell {
  readonly pair: string;
  readonly feed: Feed;
  readonly table: string;
  readonly verdict: CoverageVerdict;
  /** Why it is not a pass; empty when it is. */
  readonly reasons: readonly string[];
  /** ISO time at which the window begins; it ends at the report's `at`. */
  readonly since: string;
  /** One, or of candles one an interval; what could not be read is not here. */
  readonly series: readonly Series[];
}

export interface CoverageReport {
  readonly version: 1;
  readonly environment: string;
  readonly side: Side;
  /** Address of the Convex that was looked at. */
  readonly convex: string;
  /** ISO time, by the clock of the machine that Convex is on. */
  readonly at: string;
  readonly verdict: CoverageVerdict;
  readonly pairs: readonly string[];
  /** Pair by pair in their order, feed by feed in FEED_NAMES' order. */
  readonly cells: readonly CoverageCell[];
}

/** One failure fails; without one, one that is unknown leaves the whole unknown. Nothing looked at is no success. */
export function overall(verdicts: readonly CoverageVerdict[]): CoverageVerdict {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.length === 0 || verdicts.includes("inconclusive") ? "inconclusive" : "pass";
}
