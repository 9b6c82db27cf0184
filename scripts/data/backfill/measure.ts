/** Looks at every pair and feed, and judges: what cannot be read is inconclusive, never a pass and never a failure. */
import type { Feed } from "../../../contracts/markets";
import type { Side } from "../../lease/sources";
import { Unreachable } from "../../clients/http";
import { silentProgress, type Progress } from "../progress";
import { AHEAD_MS, assessCandles, assessTimes, windowOf, type CoverageSettings, type Reading } from "./assess";
import type { MarketData } from "./market-data";
import { FEED_NAMES, overall, type CoverageCell, type CoverageReport } from "./report";

/** After that many in a row it is away, and each further question would only take its time. */
const UNREACHABLE_IN_A_ROW = 3;

export interface MeasureOptions {
  /** Name of the environment, for the report. */
  readonly environment: string;
  readonly side: Side;
  readonly pairs: readonly string[];
  readonly settings: CoverageSettings;
  readonly progress?: Progress;
  /** Ends the look with an error. */
  readonly signal?: AbortSignal;
}

/**
 * Proves from the data itself how much of it is there.
 * @throws Unreachable when Convex does not answer at all
 */
export async function measureCoverage(data: MarketData, { environment, side, pairs, settings, progress = silentProgress, signal }: MeasureOptions): Promise<CoverageReport> {
  const now = await data.now();
  const step = progress.step(`coverage of ${pairs.length} pairs in ${FEED_NAMES.length} feeds`, pairs.length * FEED_NAMES.length);
  const cells: CoverageCell[] = [];
  const began = performance.now();
  const elapsed = (): number => performance.now() - began;
  let unreachable = 0;
  const read = async (ask: () => Promise<readonly number[]>): Promise<Reading> => {
    signal?.throwIfAborted();
    if (unreachable >= UNREACHABLE_IN_A_ROW) return { unread: "not asked for: Convex stopped answering" };
    try {
      const times = await ask();
      unreachable = 0;
      // What came in while this looked at other pairs is left out: all are judged at one moment.
      const present = now + elapsed();
      return times.filter((time) => time <= now || time > present + AHEAD_MS);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Unreachable) unreachable += 1;
      return { unread: `could not be read: ${(error as Error).message}` };
    }
  };
  const look = async (pair: string, feed: Feed): Promise<CoverageCell> => {
    if (feed !== "candles") return assessTimes(pair, feed, await read(() => data.times(feed, pair, windowOf(feed, settings, now).from)), settings, now);
    const readings = new Map<string, Reading>();
    for (const interval of settings.intervals) readings.set(interval, await read(() => data.openTimes(pair, interval, windowOf(feed, settings, now, interval).from)));
    return assessCandles(pair, readings, settings, now);
  };
  try {
    for (const pair of pairs) {
      for (const feed of FEED_NAMES) {
        cells.push(await look(pair, feed));
        step.advance(1);
      }
    }
  } catch (error) {
    step.failed("interrupted");
    throw error;
  }
  const verdict = overall(cells.map((cell) => cell.verdict));
  step.done(verdict);
  return { version: 1, environment, side, convex: data.address, at: new Date(now).toISOString(), verdict, pairs, cells };
}
