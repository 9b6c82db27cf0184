/** What market data must be there before anybody trades by it: `gvfx data coverage` judges by these. */
import { z } from "zod";
import { FEEDS, type Feed } from "../../contracts/markets";
import { duration, withExample } from "./fields";

/** An interval of candles as the app and the exchange write it. */
const interval = (example: string) => withExample(z.string().regex(/^[1-9]\d?[mhdwM]$/, 'must be an interval of candles: a number and m, h, d, w or M, for example "1m"'), example);

const silence = Object.fromEntries(Object.keys(FEEDS).map((feed) => [feed, duration(feed === "funding" ? "8h30m" : "2m")])) as Record<Feed, ReturnType<typeof duration>>;

export const coverageSchema = z.strictObject({
  /** Candles and funding rates, which the exchange still has and a backfill brings: every one of the last so long must be there. */
  history: duration("30d"),
  /** Candles of these intervals are asked for, and must be there without a gap. */
  intervals: withExample(z.array(interval("1m")).min(1).refine((all) => new Set(all).size === all.length, "names an interval twice"), ["1m", "1h"]),
  /** Of the other five feeds the exchange keeps no past: what was not taken then is gone. They are judged over the last so long, in which the worker must have run. */
  live: duration("15m"),
  /** Longest time without a row, by feed; now counts as an end. For candles it is the time since the last whole one. */
  maxSilence: z.strictObject(silence),
});
