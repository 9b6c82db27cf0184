/** Counting two workers at once, repetitions and silence. */
import fc from "../../properties";
import { duplicateRows, duplicateRuns, gaps, missingCandles, missingTrades, overlaps, type IngestionRun } from "../../../lab/doubles/backend/count";

const T0 = Date.parse("2026-01-01T00:00:00.000Z");
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();
const run = (instance: string, from: number, to: number | null, more: Partial<IngestionRun> = {}): IngestionRun => ({ source_type: "bingx", source_id: null, feed: "ticker", instance, status: to === null ? "running" : "succeeded", started_at: at(from), finished_at: to === null ? null : at(to), ...more });

test("one worker whose runs follow each other: nothing to count", () => {
  const runs = [run("a", 0, 10), run("a", 10, 20), run("a", 20, null, { last_tick_at: at(25) })];
  expect([overlaps(runs), duplicateRuns(runs), gaps(runs, 1)]).toEqual([[], [], []]);
});

test("two workers at once: one overlap over all runs that touch, and duplicates", () => {
  const runs = [run("a", 0, 10), run("a", 10, 20), run("b", 7, 17), run("b", 17, 30)];
  expect(overlaps(runs)).toEqual([{ series: "bingx/-/ticker/all pairs", instances: ["a", "b"], from: at(7), to: at(20), ms: 13_000 }]);
  expect(duplicateRuns(runs)).toHaveLength(3);
});

test("feeds, sources and pairs are series of their own", () => {
  expect(overlaps([run("a", 0, 10), run("b", 5, 15, { feed: "trades" }), run("b", 5, 15, { source_id: "manual" }), run("b", 5, 15, { pair: "BTC-USDT" })])).toEqual([]);
});

test("a killed worker's run ends at its last progress, whatever was written over it", () => {
  const killed = run("a", 0, null, { last_tick_at: at(4) });
  const ended = { ...killed, status: "failed", finished_at: at(1800), error_summary: "timeout" };
  for (const left of [killed, ended]) {
    const runs = [left, run("b", 30, 40)];
    expect(overlaps(runs)).toEqual([]);
    expect(gaps(runs, 1_000)).toEqual([{ series: "bingx/-/ticker/all pairs", from: at(4), to: at(30), ms: 26_000, where: "between" }]);
    expect(gaps(runs, 26_000)).toEqual([]);
  }
});

test("a pause inside a run is a gap as well", () => {
  expect(gaps([run("a", 0, 10, { max_pause_ms: 3_000 })], 2_000)).toMatchObject([{ ms: 3_000, where: "inside" }]);
});

test("runs that begin at the same instant are duplicates though none lasted", () => {
  expect(duplicateRuns([run("a", 0, null), run("b", 0, null)])).toHaveLength(1);
});

test("rows that are there twice, trades and candles that are missing", () => {
  expect(duplicateRows([{ pair: "A", captured_at: "1" }, { pair: "A", captured_at: "1" }, { pair: "B", captured_at: "1" }], ["pair", "captured_at"])).toEqual([{ key: "A 1", count: 2 }]);
  expect(missingTrades([{ pair: "A", trade_id: "5" }, { pair: "A", trade_id: "8" }, { pair: "A", trade_id: "8" }, { pair: "B", trade_id: "1" }])).toEqual({ A: 2, B: 0 });
  expect(missingCandles([0, 60, 180].map((s) => ({ pair: "A", open_time: at(s) })), 60_000)).toEqual({ A: 1 });
});

const anyRuns = fc.array(fc.record({ instance: fc.constantFrom("a", "b", "c"), from: fc.integer({ min: 0, max: 50 }), length: fc.integer({ min: 1, max: 10 }) }), { minLength: 1, maxLength: 12 }).map((list) => list.map(({ instance, from, length }) => run(instance, from, from + length)));

/** Who ingests in each second. */
function bySecond(runs: readonly IngestionRun[]): Set<string>[] {
  return Array.from({ length: 61 }, (_, s) => new Set(runs.filter((r) => r.started_at <= at(s) && r.finished_at! > at(s)).map((r) => r.instance!)));
}

test("overlaps and gaps are what looking at every second finds", () => {
  fc.assert(
    fc.property(anyRuns, (runs) => {
      const seconds = bySecond(runs);
      for (const pair of [["a", "b"], ["a", "c"], ["b", "c"]]) {
        const found = overlaps(runs).filter(({ instances }) => instances.join() === pair.join());
        const covered = seconds.filter((_, s) => found.some(({ from, to }) => from <= at(s) && to > at(s))).length;
        expect(covered).toBe(seconds.filter((who) => pair.every((one) => who.has(one))).length);
      }
      const busy = seconds.flatMap((who, s) => (who.size > 0 ? [s] : []));
      const idle = seconds.filter((who, s) => who.size === 0 && s > busy[0] && s < busy[busy.length - 1]).length;
      expect(gaps(runs, 0).reduce((sum, { ms }) => sum + ms / 1000, 0)).toBe(idle);
    }),
  );
});
