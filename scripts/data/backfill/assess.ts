/** Verdicts over what was read of one pair and feed. Pure: what is allowed comes from the environment (`coverage`). */
import { FEEDS, type Feed } from "../../../contracts/markets";
import type { Environment } from "../../../environments/schema";
import { intervalMs } from "./interval";
import { HISTORY_FEEDS, overall, type CoverageCell, type CoverageVerdict, type Series } from "./report";
import { candleSeries, lengthText, timeSeries, type Window } from "./series";

export type CoverageSettings = Environment["coverage"];

/** Rows from later than that show that one of the clocks is wrong: then no silence can be told. */
export const AHEAD_MS = 60_000;
/** Reasons of a cell: more lines than that say the same again. */
const MAX_REASONS = 6;

/** A reading of rows' times, in milliseconds since 1970, or why there is none. */
export type Reading = readonly number[] | { readonly unread: string };

/** What the window of a feed is. Of an interval that is nearly as long as the window, at least two candles are looked at. */
export function windowOf(feed: Feed, { history, live }: CoverageSettings, now: number, interval?: string): Window {
  const from = now - (HISTORY_FEEDS.includes(feed) ? history : live).milliseconds;
  return { now, from: interval === undefined ? from : Math.min(from, now - 2 * intervalMs(interval)) };
}

interface Judged {
  readonly series?: Series;
  readonly verdict: CoverageVerdict;
  readonly reason?: string;
}

/** @param readings opening times by interval */
export function assessCandles(pair: string, readings: ReadonlyMap<string, Reading>, settings: CoverageSettings, now: number): CoverageCell {
  const late = settings.maxSilence.candles.milliseconds;
  const judged = [...readings].map(([interval, reading]): Judged => {
    if ("unread" in reading) return { verdict: "inconclusive", reason: `${interval}: ${reading.unread}` };
    const window = windowOf("candles", settings, now, interval);
    const series = candleSeries(interval, reading, window, late);
    const ahead = aheadOf(series, now);
    if (ahead) return { series, verdict: "inconclusive", reason: `${interval}: ${ahead}` };
    if (series.rows === 0) return { series, verdict: "fail", reason: `${interval}: not one candle in the last ${lengthText(now - window.from)}` };
    return series.missing === 0 ? { series, verdict: "pass" } : { series, verdict: "fail", reason: `${interval}: ${series.missing} candle${series.missing === 1 ? "" : "s"} missing in ${series.gapCount} gap${series.gapCount === 1 ? "" : "s"}, the first from ${series.gaps[0].from} to ${series.gaps[0].to}` };
  });
  return cell(pair, "candles", settings, now, judged);
}

export function assessTimes(pair: string, feed: Exclude<Feed, "candles">, reading: Reading, settings: CoverageSettings, now: number): CoverageCell {
  const allowed = settings.maxSilence[feed];
  const judge = (): Judged => {
    if ("unread" in reading) return { verdict: "inconclusive", reason: reading.unread };
    const window = windowOf(feed, settings, now);
    const series = timeSeries(reading, window, allowed.milliseconds);
    const ahead = aheadOf(series, now);
    if (ahead) return { series, verdict: "inconclusive", reason: ahead };
    if (series.rows === 0) return { series, verdict: "fail", reason: `not one row in the last ${lengthText(now - window.from)}` };
    if (series.gapCount === 0) return { series, verdict: "pass" };
    const { from, to } = series.gaps[0];
    return { series, verdict: "fail", reason: `silent for up to ${lengthText(series.longestSilenceMs)}, more than ${lengthText(allowed.milliseconds)}, ${series.gapCount === 1 ? "once" : `${series.gapCount} times`}: the first from ${from} to ${to}` };
  };
  return cell(pair, feed, settings, now, [judge()]);
}

function aheadOf({ newest }: Series, now: number): string | undefined {
  const ahead = newest === undefined ? 0 : Date.parse(newest) - now;
  return ahead > AHEAD_MS ? `its newest row is of ${newest}, ${lengthText(ahead)} ahead of the clock where Convex runs: one of the clocks is wrong, or the row is` : undefined;
}

function cell(pair: string, feed: Feed, settings: CoverageSettings, now: number, judged: readonly Judged[]): CoverageCell {
  const reasons = judged.flatMap(({ reason }) => reason ?? []);
  return {
    pair,
    feed,
    table: FEEDS[feed],
    verdict: overall(judged.map(({ verdict }) => verdict)),
    reasons: reasons.length > MAX_REASONS ? [...reasons.slice(0, MAX_REASONS), `and ${reasons.length - MAX_REASONS} more`] : reasons,
    since: new Date(windowOf(feed, settings, now).from).toISOString(),
    series: judged.flatMap(({ series }) => series ?? []),
  };
}
