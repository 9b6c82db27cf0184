import { Duration } from "../../contracts/units";
import { overlappingRuns, overlaps, type Run } from "../../scripts/cutover/world/ingestion-runs";
import { program } from "../guardian/program";

const NOW = Date.parse("2026-01-01T12:00:00Z");
const at = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();
const OPTIONS = { now: NOW, window: Duration.minutes(10), timeout: Duration.minutes(30) };
let ids = 0;
/** Begun and finished so many seconds ago; without an end it still runs. */
const run = (from: number, to?: number, more: Partial<Run> = {}): Run => ({ id: `run-${(ids += 1)}`, source_type: "bingx", source_id: null, feed: "candles", status: to === undefined ? "running" : "succeeded", started_at: at(from), finished_at: to === undefined ? null : at(to), ...more });

test("two at once are named by source, feed and run; one after the other, and another feed's, are not", () => {
  expect(overlaps([run(300, 239), run(240, 180, { id: "second" }), run(170, 160), run(300, undefined, { feed: "trades" })], OPTIONS)).toEqual(["bingx/-/candles, run second"]);
});

test("planted: it judges as the guardian does, over runs at random", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  let found = 0;
  for (let round = 0; round < 300; round++) {
    const runs = Array.from({ length: 8 }, () => {
      const from = random(2_400);
      const open = random(5) === 0;
      return run(from, open ? undefined : Math.max(0, from - random(200)), { feed: ["candles", "trades"][random(2)], ...(random(9) === 0 ? { status: "failed", error_summary: "timeout" } : {}) });
    });
    const mine = overlaps(runs, OPTIONS);
    expect(mine.map((text) => text.split(", run ")[1]).sort()).toEqual(program.duplicateRuns(runs, { now: NOW, windowMs: OPTIONS.window.milliseconds, timeoutMs: OPTIONS.timeout.milliseconds }).map(({ id }) => id).sort());
    found += mine.length;
  }
  expect(found).toBeGreaterThan(100);
});

test("pages are read until one is older than anything that may reach into the window, or not full", async () => {
  const asked: unknown[] = [];
  const page = (from: number) => Array.from({ length: 250 }, (_, index) => run(from + index, from + index));
  const pages = [page(1), page(300), page(2_500), page(9_000)];
  const query = (path: string, args: object) => {
    asked.push([path, args]);
    return Promise.resolve({ data: pages[asked.length - 1], count: null });
  };
  expect(await overlappingRuns({ query }, OPTIONS)).toEqual([]);
  expect(asked).toEqual([1, 2, 3].map((number) => ["ingestion_runs:list", { source_type: "bingx", page: number, page_size: 250 }]));
});
