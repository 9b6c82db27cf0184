import { loadEnvironment } from "../../../environments/load";
import { parseEnvironment, EnvironmentError } from "../../../environments/parse";
import { production } from "../../../environments/production";
import { Duration } from "../../../contracts/units";
import { edited } from "../../environments/edit";
import { assessCandles, assessTimes, windowOf, type CoverageSettings, type Reading } from "../../../scripts/data/backfill/assess";
import { overall } from "../../../scripts/data/backfill/report";

const MINUTE = 60_000;
const NOW = Date.parse("2026-03-10T12:00:30Z");
const { coverage } = loadEnvironment("lab");
const settings: CoverageSettings = { ...coverage, intervals: ["1m", "1h"], maxSilence: { ...coverage.maxSilence, ticker: Duration.seconds(30) } };

function grid(stepMs: number, from: number): number[] {
  const first = Math.ceil(from / stepMs) * stepMs;
  return Array.from({ length: Math.floor((NOW - first) / stepMs) + 1 }, (_, i) => first + i * stepMs);
}
const candles = (interval: string, stepMs: number): number[] => grid(stepMs, windowOf("candles", settings, NOW, interval).from);
const whole = (): Map<string, Reading> => new Map<string, Reading>([["1m", candles("1m", MINUTE)], ["1h", candles("1h", 60 * MINUTE)]]);
const every = (stepMs: number, feed: "ticker" | "funding"): number[] => grid(stepMs, windowOf(feed, settings, NOW).from);

test("a full day of candles in every interval passes", () => {
  expect(assessCandles("BTC-USDT", whole(), settings, NOW)).toMatchObject({ pair: "BTC-USDT", feed: "candles", table: "bingx_candles", verdict: "pass", reasons: [], since: "2026-03-09T12:00:30.000Z" });
});

/** Each planted defect of the candles, and what must be said of it. */
const DEFECTS: readonly (readonly [string, (readings: Map<string, Reading>) => void, "fail" | "inconclusive", RegExp])[] = [
  ["one candle missing in one interval", (r) => r.set("1m", candles("1m", MINUTE).toSpliced(700, 1)), "fail", /^1m: 1 candle missing in 1 gap, the first from 2026-03-09T23:40:00.000Z to 2026-03-09T23:42:00.000Z$/],
  ["the newest hours missing", (r) => r.set("1h", candles("1h", 60 * MINUTE).slice(0, -4)), "fail", /^1h: 3 candles missing/],
  ["a window that begins late", (r) => r.set("1m", candles("1m", MINUTE).slice(100)), "fail", /^1m: 100 candles missing in 1 gap, the first from 2026-03-09T12:00:30.000Z/],
  ["no candle at all of an interval", (r) => r.set("1h", []), "fail", /^1h: not one candle in the last 1 d$/],
  ["an interval that cannot be read", (r) => r.set("1h", { unread: "could not be read: Convex is away" }), "inconclusive", /^1h: could not be read: Convex is away$/],
  ["a clock that is wrong", (r) => r.set("1m", [...candles("1m", MINUTE), NOW + 5 * MINUTE]), "inconclusive", /^1m: its newest row is of .* 5 min ahead of the clock where Convex runs/],
];
test.each(DEFECTS)("%s", (_, plant, verdict, reason) => {
  const readings = whole();
  plant(readings);
  const cell = assessCandles("BTC-USDT", readings, settings, NOW);
  expect(cell.verdict).toBe(verdict);
  expect(cell.reasons).toEqual([expect.stringMatching(reason)]);
});

test("a failure beside something unknown is a failure, and both are told", () => {
  const cell = assessCandles("BTC-USDT", new Map<string, Reading>([["1m", []], ["1h", { unread: "away" }]]), settings, NOW);
  expect(cell).toMatchObject({ verdict: "fail", reasons: [expect.stringContaining("1m: not one"), "1h: away"], series: [{ interval: "1m" }] });
});

test("of an interval as long as the window, two candles are looked at", () => {
  const month = windowOf("candles", settings, NOW, "1M");
  expect(NOW - month.from).toBeGreaterThan(60 * 24 * 3_600_000);
  const cell = assessCandles("BTC-USDT", new Map([["1M", ["2026-02-01", "2026-03-01"].map((date) => Date.parse(date))]]), settings, NOW);
  expect(cell.verdict).toBe("pass");
  expect(assessCandles("BTC-USDT", new Map([["1M", [Date.parse("2026-02-01")]]]), settings, NOW).verdict).toBe("pass");
  expect(assessCandles("BTC-USDT", new Map<string, Reading>([["1M", []]]), settings, NOW).verdict).toBe("fail");
});

test("a feed without a past is judged by its longest silence", () => {
  expect(assessTimes("BTC-USDT", "ticker", every(5_000, "ticker"), settings, NOW)).toMatchObject({ verdict: "pass", table: "bingx_tickers" });
  const quiet = every(5_000, "ticker").filter((time) => time < NOW - 70_000 || time > NOW - 30_000);
  expect(assessTimes("BTC-USDT", "ticker", quiet, settings, NOW)).toMatchObject({ verdict: "fail", reasons: [expect.stringMatching(/^silent for up to 50 s, more than 30 s, once: the first from /)] });
  expect(assessTimes("BTC-USDT", "ticker", every(5_000, "ticker").filter((time) => time < NOW - 40_000), settings, NOW).verdict).toBe("fail");
  expect(assessTimes("BTC-USDT", "ticker", [], settings, NOW)).toMatchObject({ verdict: "fail", reasons: ["not one row in the last 2 min"] });
  expect(assessTimes("BTC-USDT", "ticker", { unread: "away" }, settings, NOW)).toMatchObject({ verdict: "inconclusive", reasons: ["away"], series: [] });
});

test("funding is judged over the history, in steps of eight hours", () => {
  const settlements = every(8 * 3_600_000, "funding");
  expect(settlements).toHaveLength(3);
  expect(assessTimes("BTC-USDT", "funding", settlements, settings, NOW).verdict).toBe("pass");
  expect(assessTimes("BTC-USDT", "funding", settlements.toSpliced(1, 1), settings, NOW)).toMatchObject({ verdict: "fail", reasons: [expect.stringContaining("silent for up to 16 h")] });
});

test("no success without a look", () => {
  expect(overall([])).toBe("inconclusive");
  expect(overall(["pass", "inconclusive", "fail"])).toBe("fail");
  expect(overall(["pass", "inconclusive"])).toBe("inconclusive");
  expect(overall(["pass", "pass"])).toBe("pass");
});

/** Each planted error of the environment, and where it must be found. */
const PLANTED: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ["a window shorter than the silence in it", { "coverage.live": "1m" }, /coverage\.maxSilence\.(orderbook|trades): .* a feed without a single row would pass/],
  ["a history shorter than a settlement", { "coverage.history": "8h" }, /coverage\.maxSilence\.funding: 8h30m is not shorter than coverage\.history \(8h\)/],
  ["an interval that is none", { "coverage.intervals": ["1m", "60s"] }, /coverage\.intervals\[1\]: must be an interval of candles/],
  ["an interval twice", { "coverage.intervals": ["1m", "1m"] }, /coverage\.intervals: names an interval twice/],
  ["a feed without a silence", { "coverage.maxSilence.trades": undefined }, /coverage\.maxSilence\.trades: is missing/],
];
test.each(PLANTED)("the environment is refused for %s", (_, edits, message) => {
  expect(() => parseEnvironment("planted", edited(production, edits))).toThrow(EnvironmentError);
  expect(() => parseEnvironment("planted", edited(production, edits))).toThrow(message);
});
