import type { Fields } from "../../../lab/doubles/convex/values/value";
import { MemoryStore } from "./memory-store";

const ticker = (second: number, price: number): Fields => ({ pair: "Gold-USDT", captured_at: `2026-01-01T00:00:0${second}.000Z`, last_price: price });

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
});

describe("upsertBatch", () => {
  test("inserts a row once, however often it comes", async () => {
    await store.call("bingx_tickers:upsertBatch", { rows: [ticker(1, 1), ticker(1, 2), ticker(2, 3)] });
    await store.call("bingx_tickers:upsertBatch", { rows: [ticker(2, 4), ticker(3, 5)] });
    expect(store.rows("bingx_tickers").map((row) => row.last_price)).toEqual([2, 4, 5]);
  });

  test("a new row comes back without id, a changed one whole; created_at stays", async () => {
    const [inserted] = (await store.call("bingx_tickers:upsertBatch", { rows: [{ ...ticker(1, 1), created_at: "then", updated_at: "then" }] })) as Fields[];
    expect(inserted).toEqual({ ...ticker(1, 1), created_at: "then", updated_at: "then" });
    const [changed] = (await store.call("bingx_tickers:upsertBatch", { rows: [ticker(1, 2)] })) as Fields[];
    expect(changed).toMatchObject({ last_price: 2, created_at: "then", _id: expect.any(String) });
    expect(changed.updated_at).not.toBe("then");
  });

  test("pairs and intervals are apart", async () => {
    const candle = (pair: string, interval: string) => ({ pair, interval, open_time: "t", close_time: "u", open: 1, high: 1, low: 1, close: 1, volume: 1 });
    await store.call("bingx_candles:upsertBatch", { rows: [candle("A", "1m"), candle("A", "5m"), candle("B", "1m"), candle("A", "1m")] });
    expect(store.rows("bingx_candles")).toHaveLength(3);
  });

  test("trades are one by pair and trade_id, and the newest is by executed_at", async () => {
    const trade = (trade_id: string, executed_at: string) => ({ pair: "A", trade_id, price: 1, quantity: 1, side: "buy", executed_at });
    await store.call("bingx_trades:upsertBatch", { rows: [trade("10", "2026-01-02"), trade("9", "2026-01-03"), trade("10", "2026-01-02")] });
    expect(store.rows("bingx_trades")).toHaveLength(2);
    expect(await store.call("bingx_trades:latestTime", { pair: "A" })).toBe("2026-01-03");
  });

  test.each([
    ["a missing field", { pair: "A", captured_at: "t" }, "missing the required field `last_price`"],
    ["a field too many", { ...ticker(1, 1), extra: 1 }, "extra field `extra`"],
    ["a wrong type", { ...ticker(1, 1), last_price: "1" }, "Path: .rows[0].last_price"],
    ["an int64 for a float", { ...ticker(1, 1), last_price: 1n }, "v.number()"],
  ])("refuses %s", async (_what, row, message) => {
    await expect(store.call("bingx_tickers:upsertBatch", { rows: [row as Fields] })).rejects.toThrow(message);
  });
});

describe("reads", () => {
  beforeEach(() => store.call("bingx_tickers:upsertBatch", { rows: [3, 1, 2].map((second) => ticker(second, second)) }));
  const prices = async (args: Fields) => ((await store.call("bingx_tickers:listByRange", { pair: "Gold-USDT", ...args })) as Fields[]).map((row) => row.last_price);

  test("listByRange includes both ends, orders and limits", async () => {
    expect(await prices({})).toEqual([1, 2, 3]);
    expect(await prices({ start: "2026-01-01T00:00:02.000Z" })).toEqual([2, 3]);
    expect(await prices({ end: "2026-01-01T00:00:02.000Z", order: "desc" })).toEqual([2, 1]);
    expect(await prices({ limit: 1, order: "desc" })).toEqual([3]);
  });

  test("latestTime is null where there is nothing", async () => {
    expect(await store.call("bingx_tickers:latestTime", { pair: "Gold-USDT" })).toBe("2026-01-01T00:00:03.000Z");
    expect(await store.call("bingx_tickers:latestTime", { pair: "none" })).toBeNull();
    expect(await store.call("bingx_mark_index_prices:latestSnapshot", { pair: "none" })).toBeNull();
  });

  test("order books are never one", async () => {
    const row = { pair: "A", captured_at: "t", depth_level: 5, bids: [[1, 2]], asks: [] };
    await store.call("bingx_orderbook_snapshots:insertOne", { row });
    await store.call("bingx_orderbook_snapshots:insertOne", { row });
    expect(store.rows("bingx_orderbook_snapshots")).toHaveLength(2);
  });

  test("a function that the app lacks is not there", async () => {
    await expect(store.call("bingx_trades:listByRange")).rejects.toThrow("Could not find public function");
    await expect(store.call("toString")).rejects.toThrow("Could not find public function");
  });
});
