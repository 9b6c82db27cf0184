import { closeRunningRuns, isClosedRun } from "../../../scripts/data/convex/runs";
import { ConvexFake } from "./convex-fake";

let fake: ConvexFake;
beforeEach(async () => (fake = await new ConvexFake().start()));
afterEach(() => fake.close());

const run = (id: string, fields = {}) => ({ _id: `k-${id}`, _creationTime: 1.5, id, source_type: "bingx", feed: "candles", status: "running", started_at: "2026-01-01T00:00:00.000Z", finished_at: null, new_count: 3, updated_count: 2, error_count: 1, error_summary: null, coverage_pct: 97.5, updated_at: "2026-01-01T00:00:00.000Z", ...fields });

test("only runs that run still are failed, with their counts and who did it", async () => {
  fake.tables.set("ingestion_runs", [run("a"), run("b", { status: "succeeded", finished_at: "t" }), run("c", { finished_at: "t" }), run("d", { feed: "trades", coverage_pct: null })]);
  expect(await closeRunningRuns(fake.instance())).toEqual({ closed: 2, withoutId: [] });
  const [a, b, c, d] = fake.tables.get("ingestion_runs")!;
  expect(a).toMatchObject({ status: "failed", error_summary: "closed by data import", new_count: 3, updated_count: 2, error_count: 2, coverage_pct: 97.5 });
  expect(b).toMatchObject({ status: "succeeded", error_summary: null });
  expect(c).toMatchObject({ status: "running" });
  expect(d).toMatchObject({ status: "failed", coverage_pct: null });
  expect(await closeRunningRuns(fake.instance())).toEqual({ closed: 0, withoutId: [] });
});

test("a run without an id is named, not forgotten", async () => {
  fake.tables.set("ingestion_runs", [run("a", { id: undefined })]);
  expect(await closeRunningRuns(fake.instance())).toEqual({ closed: 0, withoutId: ["k-a"] });
});

test("nothing to close needs no functions; something to close says what is missing", async () => {
  fake.deployed = false;
  expect(await closeRunningRuns(fake.instance())).toEqual({ closed: 0, withoutId: [] });
  fake.tables.set("ingestion_runs", [run("a")]);
  await expect(closeRunningRuns(fake.instance())).rejects.toThrow(/no function ingestion_runs:complete.*not deployed/s);
});

test("a run that was closed is told from one that somebody changed", async () => {
  const before = run("a");
  const closed = { ...before, status: "failed", finished_at: "t", updated_at: "t", error_count: 2, error_summary: "closed by data import", missing_fields_count: null, parse_confidence: null };
  expect(isClosedRun(before, closed)).toBe(true);
  expect(isClosedRun(before, { ...closed, new_count: 4 })).toBe(false);
  expect(isClosedRun(before, { ...closed, coverage_pct: 1.5 })).toBe(false);
  expect(isClosedRun(before, { ...closed, error_summary: "timeout" })).toBe(false);
  expect(isClosedRun({ ...before, status: "succeeded" }, closed)).toBe(false);
});
