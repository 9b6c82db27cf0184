import fc from "../../properties";
import { intervalMs } from "../../../scripts/data/backfill/interval";
import { candleSeries, lengthText, MAX_GAPS, timeSeries } from "../../../scripts/data/backfill/series";

const MINUTE = 60_000;
/** 2026-01-01T00:00:00Z: a whole minute, hour and day. */
const BEGIN = Date.parse("2026-01-01T00:00:00Z");

/** Opening times of `count` candles from BEGIN on, without those of some indexes. */
function opens(count: number, without: readonly number[] = [], step = MINUTE): number[] {
  return Array.from({ length: count }, (_, i) => BEGIN + i * step).filter((_, i) => !without.includes(i));
}

describe("candles", () => {
  const window = { from: BEGIN, now: BEGIN + 120 * MINUTE + 30_000 };
  const look = (times: readonly number[], lateMs = 2 * MINUTE) => candleSeries("1m", times, window, lateMs);

  test("a whole window has no gap, and its edges are told", () => {
    expect(look(opens(121))).toMatchObject({ interval: "1m", rows: 121, missing: 0, gapCount: 0, gaps: [], oldest: "2026-01-01T00:00:00.000Z", newest: "2026-01-01T02:00:00.000Z" });
  });

  test("whatever is taken out of the middle is missing, each once, and the gaps name where", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 119 }), { maxLength: 60 }), (taken) => {
        const series = look(opens(121, taken));
        expect(series.missing).toBe(taken.length);
        const runs = [...taken].sort((a, b) => a - b).filter((index, at, all) => at === 0 || all[at - 1] !== index - 1).length;
        expect(series.gapCount).toBe(runs);
        expect(series.gaps).toHaveLength(Math.min(runs, MAX_GAPS));
        if (taken.length > 0) {
          const first = Math.min(...taken);
          expect(series.gaps[0].from).toBe(new Date(BEGIN + (first - 1) * MINUTE).toISOString());
        }
      }),
    );
  });

  test("neither the order of the rows nor a row that comes twice changes anything", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(opens(121)), fc.integer({ min: 0, max: 20 }), (subset, twice) => {
        const doubled = [...subset, ...subset.slice(0, twice)];
        expect(look(doubled)).toEqual(look([...subset].sort((a, b) => a - b)));
      }),
    );
  });

  test("what is missing at the window's begin counts, and what opened before it does not", () => {
    expect(look(opens(121, [0, 1, 2]))).toMatchObject({ missing: 3, gapCount: 1, gaps: [{ from: "2026-01-01T00:00:00.000Z", to: "2026-01-01T00:03:00.000Z", missing: 3 }] });
    expect(candleSeries("1m", opens(121), { ...window, from: BEGIN + 30_000 }, 2 * MINUTE)).toMatchObject({ rows: 120, missing: 0 });
  });

  test("the newest whole candle may be as late as is allowed, and not later", () => {
    // 02:00 is open; that of 01:59 was whole 30 s ago, that of 01:58 a minute and a half, that of 01:57 two and a half.
    expect(look(opens(120)).missing).toBe(0);
    expect(look(opens(119)).missing).toBe(0);
    expect(look(opens(118))).toMatchObject({ missing: 2, gaps: [{ from: "2026-01-01T01:57:00.000Z", to: "2026-01-01T02:00:30.000Z" }] });
  });

  test("an empty table is missing all of it", () => {
    expect(look([])).toMatchObject({ rows: 0, missing: 120, gapCount: 1, oldest: undefined, newest: undefined });
  });

  test("months are no gap between each other, and a month left out is one", () => {
    const months = ["2025-11", "2025-12", "2026-01", "2026-02", "2026-03"].map((month) => Date.parse(`${month}-01T00:00:00Z`));
    const year = { from: Date.parse("2025-10-25T00:00:00Z"), now: Date.parse("2026-03-20T00:00:00Z") };
    expect(candleSeries("1M", months, year, MINUTE).missing).toBe(0);
    expect(candleSeries("1M", months.toSpliced(3, 1), year, MINUTE)).toMatchObject({ missing: 1, gaps: [{ from: "2026-01-01T00:00:00.000Z", to: "2026-03-01T00:00:00.000Z" }] });
  });

  test("weeks and three days need not begin where 1970 did", () => {
    for (const [interval, step] of [["1w", intervalMs("1w")], ["3d", intervalMs("3d")]] as const) {
      const begin = BEGIN + 17 * 3_600_000;
      const times = Array.from({ length: 8 }, (_, i) => begin + i * step);
      expect(candleSeries(interval, times, { from: begin, now: begin + 8 * step }, MINUTE).missing).toBe(0);
      expect(candleSeries(interval, times.toSpliced(4, 1), { from: begin, now: begin + 8 * step }, MINUTE).missing).toBe(1);
    }
  });

  test("what is no interval is refused", () => {
    for (const text of ["", "m", "0m", "1x", "1.5m", "100m"]) expect(() => intervalMs(text)).toThrow(/is no interval of candles.*for example "1m"/);
  });
});

describe("feeds without a step", () => {
  test("the longest silence is the longest distance, both ends of the window included", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3_600_000 }), { maxLength: 50 }), fc.integer({ min: 1, max: 600_000 }), (offsets, allowed) => {
        const window = { from: BEGIN, now: BEGIN + 3_600_000 };
        const series = timeSeries(offsets.map((offset) => BEGIN + offset), window, allowed);
        const ends = [0, ...[...offsets].sort((a, b) => a - b), 3_600_000];
        const distances = ends.slice(1).map((end, i) => end - ends[i]);
        expect(series.rows).toBe(offsets.length);
        expect(series.longestSilenceMs).toBe(Math.max(...distances));
        expect(series.gapCount).toBe(distances.filter((distance) => distance > allowed).length);
      }),
    );
  });

  test("rows before the window are none of it", () => {
    expect(timeSeries([BEGIN - 1, BEGIN + 5], { from: BEGIN, now: BEGIN + 10 }, 100)).toMatchObject({ rows: 1, gapCount: 0 });
  });
});

test("lengths of time for people", () => {
  expect([400, 5_000, 125_000, 3_600_000, 8.5 * 3_600_000, 30 * 86_400_000].map(lengthText)).toEqual(["0.4 s", "5 s", "2 min 5 s", "1 h", "8 h 30 min", "30 d"]);
});
