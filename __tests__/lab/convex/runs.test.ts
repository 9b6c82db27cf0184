import type { Fields } from "../../../lab/doubles/convex/values/value";
import { MemoryStore } from "./memory-store";

const ask = { source_type: "bingx", source_id: "Gold-USDT", feed: "ticker", trigger: "schedule" };
const finish = { status: "succeeded", new_count: 1, updated_count: 2, error_count: 0 };

let store: MemoryStore;
const start = async (args: Fields = {}) => (await store.call("ingestion_runs:startIfIdle", { ...ask, ...args })) as { created: boolean; reason: string; run: Fields; timed_out_run_id: string | null };

beforeEach(() => {
  store = new MemoryStore();
});

describe("startIfIdle", () => {
  test("a running run blocks the next one of its feed, and of no other", async () => {
    const first = await start();
    expect(first).toMatchObject({ created: true, reason: "started", timed_out_run_id: null, run: { status: "running", finished_at: null, feed: "ticker" } });
    expect(await start({ timeout_minutes: 30 })).toMatchObject({ created: false, reason: "running", run: { id: first.run.id } });
    expect((await start({ feed: "trades" })).created).toBe(true);
    expect((await start({ source_id: "other" })).created).toBe(true);
  });

  test("a finished run does not block", async () => {
    const { run } = await start();
    expect(await store.call("ingestion_runs:complete", { id: run.id, ...finish })).toMatchObject({ status: "succeeded", new_count: 1, finished_at: expect.any(String) });
    expect((await start()).created).toBe(true);
  });

  test("a run older than the timeout is failed, and reclaimed", async () => {
    const { run } = await start({ started_at: new Date(Date.now() - 31 * 60_000).toISOString() });
    expect(await start({ timeout_minutes: 30 })).toMatchObject({ created: true, reason: "timeout_reclaimed", timed_out_run_id: run.id });
    expect(store.rows("ingestion_runs").find(({ id }) => id === run.id)).toMatchObject({ status: "failed", error_summary: "timeout", error_count: 1, finished_at: expect.any(String) });
  });

  test("without a timeout an old run blocks for ever", async () => {
    await start({ started_at: "2020-01-01T00:00:00.000Z" });
    expect((await start()).created).toBe(false);
  });
});

test("complete answers null for a run that is not there", async () => {
  expect(await store.call("ingestion_runs:complete", { id: "none", ...finish })).toBeNull();
});

test("list is newest first, by page, and shows no _id", async () => {
  for (const day of [2, 3, 1]) await store.call("ingestion_runs:create", { source_type: "bingx", feed: day === 1 ? null : "ticker", trigger: "t", status: "running", started_at: `2026-01-0${day}` });
  const list = async (args: Fields) => ((await store.call("ingestion_runs:list", args)) as { data: Fields[] }).data.map((run) => run.started_at);
  expect(await list({})).toEqual(["2026-01-03", "2026-01-02", "2026-01-01"]);
  expect(await list({ page: 2, page_size: 2 })).toEqual(["2026-01-01"]);
  expect(await list({ feed: "ticker" })).toEqual(["2026-01-03", "2026-01-02"]);
  expect(await list({ feed: null })).toEqual(["2026-01-01"]);
  expect(await list({ source_type: "other" })).toEqual([]);
  expect(await store.call("ingestion_runs:latest", { source_type: "bingx", feed: "ticker" })).not.toHaveProperty("_id");
});

test("sync runs start, end and are listed by source", async () => {
  const run = (await store.call("sync_runs:create", { source_id: "s" })) as Fields;
  expect(run).toMatchObject({ status: "running", source_id: "s", finished_at: null });
  expect(await store.call("sync_runs:complete", { id: run.id, ...finish })).toMatchObject({ status: "succeeded" });
  expect(await store.call("sync_runs:list", { source_id: "s" })).toMatchObject({ data: [{ id: run.id }], count: null });
  expect(await store.call("sync_runs:list", { source_id: "t" })).toEqual({ data: [], count: null });
});
