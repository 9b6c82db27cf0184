import { CLOSED_SUMMARY } from "../../scripts/data/convex/runs";
import { program, type Run } from "./program";

const { duplicateRuns, failedRuns, unresolvedRetries, provesFreshness } = program;
const NOW = Date.parse("2026-01-01T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();
const WINDOW = { now: NOW, windowMs: 600_000, timeoutMs: 1_800_000 };
let ids = 0;
/** A run of one feed, from and to in seconds ago; without an end it still runs. */
const run = (from: number, to?: number, more: Partial<Run> = {}): Run => ({ id: `run-${(ids += 1)}`, source_type: "bingx", source_id: null, feed: "candles", status: to === undefined ? "running" : "succeeded", started_at: ago(from), finished_at: to === undefined ? null : ago(to), ...more });
const duplicates = (...runs: Run[]) => duplicateRuns(runs, WINDOW).length;

describe("duplicate ingestion", () => {
  test.each<[string, number, Run[]]>([
    ["one after the other", 0, [run(300, 240), run(240, 180)]],
    ["overlapping by a second", 1, [run(300, 239), run(240, 180)]],
    ["a second one while the first still runs", 1, [run(300), run(120, 60)]],
    ["started at the same instant, both over at once", 1, [run(300, 300), run(300, 300)]],
    ["three at once", 2, [run(300), run(290), run(280)]],
    ["inside a long one, after a short one in it", 2, [run(500, 100), run(400, 390), run(200, 190)]],
    ["other feeds, other sources, other accounts", 0, [run(300), run(300, undefined, { feed: "trades" }), run(300, undefined, { source_type: "news" }), run(300, undefined, { source_id: "a" })]],
    ["the same run on two pages", 0, [run(300, 200, { id: "twice" }), run(300, 200, { id: "twice" })]],
    ["in any order of rows", 1, [run(240, 180), run(300, 239)]],
    ["a row without a time", 0, [run(300), run(200, 100, { started_at: "" })]],
  ])("%s: %d", (_what, expected, runs) => expect(duplicates(...runs)).toBe(expected));

  test("counts when the later one started inside the window, and not a moment earlier", () => {
    expect(duplicates(run(700, 500), run(599, 500))).toBe(1);
    expect(duplicates(run(700, 500), run(600, 500))).toBe(0);
  });

  test("a run whose worker was killed is over after the app's own time-out, as the app sees it", () => {
    expect(duplicates(run(1_900), run(99, 50))).toBe(0);
    expect(duplicates(run(1_900), run(101, 50))).toBe(1);
    // The app marks it failed with the time of the marking, a moment after the next run's start.
    expect(duplicates(run(1_900, 98, { status: "failed", error_summary: "timeout" }), run(99, 50))).toBe(0);
    expect(duplicates(run(1_900, 98), run(99, 50))).toBe(1);
  });
});

describe("write failures", () => {
  const at = WINDOW;
  test("a failed run counts until a later one of the same feed succeeds", () => {
    const failed = run(300, 290, { status: "failed", id: "failed" });
    expect(failedRuns([failed], at)).toEqual(["failed"]);
    expect(failedRuns([failed, run(200, 190)], at)).toEqual([]);
    expect(failedRuns([failed, run(400, 390), run(200, 190, { feed: "trades" })], at)).toEqual(["failed"]);
    expect(failedRuns([{ ...failed, started_at: ago(600) }], at)).toEqual([]);
    // Nobody failed to write what a data import closed.
    expect(failedRuns([{ ...failed, error_summary: CLOSED_SUMMARY }], at)).toEqual([]);
  });

  test("the last failure is not judged while a later run is under way: a hand-over is no failure, and failing again and again is one", () => {
    const failed = (from: number, id: string) => run(from, from - 5, { status: "failed", id });
    expect(failedRuns([failed(300, "stopped"), run(290)], at)).toEqual([]);
    expect(failedRuns([failed(300, "first"), failed(290, "second"), run(280)], at)).toEqual(["first"]);
    expect(failedRuns([failed(300, "first"), failed(290, "second"), failed(280, "third")], at)).toEqual(["first", "second", "third"]);
    expect(failedRuns([failed(300, "of another feed"), run(290, undefined, { feed: "trades" })], at)).toEqual(["of another feed"]);
    // One that began before it, or for longer than a run may take, makes nothing good.
    expect(failedRuns([run(310), failed(300, "later")], at)).toEqual(["later"]);
    expect(failedRuns([failed(300, "stuck"), run(290)], { ...at, timeoutMs: 290_000 })).toEqual(["stuck"]);
  });

  test("a retry counts from the age of the window on; a given-up one for the look-back", () => {
    const item = (status: string, created: number, updated = created) => ({ id: `${status}-${created}`, status, created_at: ago(created), updated_at: ago(updated) });
    const unresolved = (...items: ReturnType<typeof item>[]) => unresolvedRetries(items, { ...at, lookBackMs: 86_400_000 });
    expect(unresolved(item("pending", 599), item("pending", 600), item("processing", 900), item("succeeded", 900))).toEqual(["pending-600", "processing-900"]);
    expect(unresolved(item("failed", 86_399), item("failed", 86_401), item("failed", 100_000, 60))).toEqual(["failed-86399", "failed-100000"]);
  });
});

test("only an enabled source seen within its own limit proves that data arrives", () => {
  const row = (seen: string | null, more: object = {}) => ({ pair: "BTC-USDT", source_type: "bingx_trades", enabled: true, last_seen_at: seen, freshness_threshold_seconds: 120, ...more });
  expect(provesFreshness([row(ago(120))], NOW)).toBe(true);
  for (const rows of [[row(ago(121))], [row(null)], [row(ago(1), { enabled: false })], [row("soon")], [row(ago(1), { freshness_threshold_seconds: undefined })], [], {}, undefined]) expect(provesFreshness(rows, NOW)).toBe(false);
});
