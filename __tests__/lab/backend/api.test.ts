/** The api's double: what operations ask it, and what they must not be told. */
import { Exchange } from "../../../lab/doubles/exchange/app";
import { startApi } from "./api-double";

const market = { market: { candles: [{ close: 1 }], lastPrice: 2 } };
const DECIDE = "/agents/gold-rl-agent/runs/run-1/decisions";

describe("who may ask", () => {
  test.each(["/health", "/metrics"])("%s answers everybody", async (path) => {
    expect((await startApi().call("GET", path, { headers: { authorization: "" } })).status).toBe(200);
  });

  test.each(["/ops/alerts", "/data-sources/status", "/lab/requests", "/no/such/path"])("%s wants the token", async (path) => {
    for (const authorization of ["", "Bearer wrong", "Basic token"]) expect(await startApi().call("GET", path, { headers: { authorization } })).toMatchObject({ status: 401, body: { error: "Unauthorized" } });
  });

  test("without API_TOKEN everybody may, as in the app", async () => {
    expect((await startApi({ API_TOKEN: undefined }).call("GET", "/ops/alerts", { headers: { authorization: "" } })).status).toBe(200);
  });
});

describe("what it is", () => {
  test("every answer says that it is a double, and of which version", async () => {
    const { call } = startApi();
    for (const path of ["/health", "/metrics", "/ops/alerts", "/no/such/path"]) {
      const { headers } = await call("GET", path);
      expect([path, headers.get("x-gvfx-double"), headers.get("x-gvfx-double-version")]).toEqual([path, "api", "7"]);
    }
  });

  test("a call of the app that it does not do is a 501, any other a 404", async () => {
    const { call } = startApi();
    expect((await call("POST", "/ops/learning/run")).status).toBe(501);
    expect((await call("POST", "/no/such/path")).status).toBe(404);
  });
});

describe("a store that fails", () => {
  const zeros = { totals: { open: 0, healing: 0 }, open_events: [] };
  test.each([
    ["/ops/gaps/health", 200, zeros],
    ["/ops/ingestion/runs", 200, { data: [], total: 0 }],
    ["/ops/ingestion/status", 200, { sources: [] }],
    ["/ops/audit", 200, { data: [] }],
    ["/agents/a/kill-switch", 200, { enabled: false, reason: null }],
    ["/agent/config", 200, { id: "local-fallback", mode: "paper" }],
    ["/ops/alerts", 500, { error: "Convex is away" }],
    ["/data-sources/status", 500, { error: "Convex is away" }],
    ["/health", 200, { status: "ok" }],
  ])("GET %s answers %i, as the app", async (path, status, body) => {
    const { call, store } = startApi();
    store.down = true;
    expect(await call("GET", path)).toMatchObject({ status, body });
  });

  test("stops an order before it reaches the exchange", async () => {
    const { call, store, exchange } = startApi();
    store.down = true;
    expect((await call("POST", DECIDE, { body: market })).status).toBe(500);
    expect(exchange.orders.report().received).toBe(0);
  });
});

describe("reads", () => {
  test("gaps that are not resolved are summed up by pair and source", async () => {
    const { call, store } = startApi();
    const event = (pair: string, status: string, detected_at: string) => ({ id: pair, pair, source_type: "bingx_candles", status, detected_at });
    store.table("data_gap_events").push(event("BTC-USDT", "open", "2026-01-02T00:00:00.000Z"), event("ETH-USDT", "healing", "2026-01-01T00:00:00.000Z"), event("ETH-USDT", "resolved", "2025-01-01T00:00:00.000Z"));
    expect((await call("GET", "/ops/gaps/health")).body).toMatchObject({
      totals: { open: 1, healing: 1, last_detected_at: "2026-01-02T00:00:00.000Z", oldest_open_at: "2026-01-01T00:00:00.000Z" },
      by_pair: [{ pair: "BTC-USDT", open: 1 }, { pair: "ETH-USDT", healing: 1 }],
      by_source: [{ source_type: "bingx_candles", open: 1, healing: 1 }],
    });
    expect((await call("GET", "/ops/gaps/health?pair=NO-SUCH")).body).toEqual({ error: "Invalid pair" });
  });

  test("sources: fresh ones, stale ones, and ok for what nobody ever saw", async () => {
    const { call, store } = startApi();
    const seen = (source_type: string, ageMs: number) => ({ pair: "BTC-USDT", source_type, last_seen_at: new Date(Date.now() - ageMs).toISOString() });
    store.table("data_source_status").push(seen("bingx_ticker", 1_000), seen("bingx_trades", 130_000));
    const { body } = await call("GET", "/data-sources/status?pair=BTC-USDT");
    const status = Object.fromEntries((body as { source_type: string; status: string }[]).map((row) => [row.source_type, row.status]));
    expect(status).toMatchObject({ bingx_ticker: "ok", bingx_trades: "stale", bingx_candles: "ok" });
  });
});

describe("orders", () => {
  test("a decision is one order at the exchange, under the client order id that the answer names", async () => {
    const { call, store, exchange } = startApi();
    const { status, body } = await call("POST", DECIDE, { body: market });
    expect(status).toBe(200);
    const { clientOrderId } = body as { clientOrderId: string };
    expect(exchange.orders.report()).toMatchObject({ received: 1, duplicates: [], byClientOrderId: { [clientOrderId]: 1 } });
    expect(store.table("trade_executions")).toMatchObject([{ client_order_id: clientOrderId, status: "filled", filled_quantity: 1 }]);
  });

  test("a decision that is sent twice trades twice, as in the app", async () => {
    const { call, exchange } = startApi();
    for (let i = 0; i < 2; i++) await call("POST", DECIDE, { body: market, headers: { "x-request-id": "one" } });
    expect(exchange.orders.report().received).toBe(2);
    expect(exchange.ids.report().duplicates).toMatchObject([{ id: "one", count: 2 }]);
  });

  test("the kill switch stops decisions, and lets what is open be closed", async () => {
    const { call, exchange } = startApi();
    const { body } = await call("POST", DECIDE, { body: market });
    expect((await call("POST", "/agents/a/kill-switch", { body: { enabled: true, reason: "drill" } })).body).toEqual({ enabled: true, reason: "drill" });
    expect((await call("GET", "/agents/a/kill-switch")).body).toEqual({ enabled: true, reason: "drill" });
    expect(await call("POST", DECIDE, { body: market })).toMatchObject({ status: 500, body: { error: "Kill switch enabled. Execution blocked." } });
    expect((await call("POST", `/trades/${(body as { trade: { id: string } }).trade.id}/close`)).status).toBe(200);
    expect(exchange.orders.report().received).toBe(2);
  });

  test("without keys of the exchange no order is sent, and the trade is written as rejected", async () => {
    const { call, store, exchange } = startApi({ BINGX_API_KEY: undefined });
    expect(await call("POST", DECIDE, { body: market })).toMatchObject({ status: 500, body: { error: "Missing BingX API credentials." } });
    expect(exchange.orders.report().received).toBe(0);
    expect(store.table("trades")).toMatchObject([{ status: "rejected" }]);
  });

  test("reconciling settles an order whose answer was lost", async () => {
    const { call, store } = startApi();
    await call("POST", DECIDE, { body: market });
    Object.assign(store.table("trade_executions")[0], { exchange_order_id: null, reconciliation_status: "pending", status: "submitted" });
    expect((await call("POST", "/ops/trading/reconcile")).body).toMatchObject({ checked: 1, updated: 1, errors: 0 });
    expect(store.table("trade_executions")).toMatchObject([{ status: "filled" }]);
  });
});

describe("backfills", () => {
  test("answers when everything is written, in bounded batches", async () => {
    const { call, store } = startApi();
    const { status, body } = await call("POST", "/ingestion/bingx/backfill", { body: { pairs: ["btc-usdt"], max_batches: 2 } });
    expect([status, body]).toMatchObject([202, [{ pair: "BTC-USDT", candlesInserted: 1500, tradesInserted: 1000, tickersInserted: 1 }]]);
    // What is new, and two batches backwards from it.
    expect(new Set(store.table("bingx_candles").map((row) => row.open_time)).size).toBe(1500);
    expect(store.table("ingestion_runs").map((run) => run.status)).toEqual(Array(8).fill("succeeded"));
  });

  test("another one under way: nothing is done, and the answer is an empty list", async () => {
    const { call, store } = startApi();
    store.table("ingestion_runs").push({ id: "other", feed: "__bingx_cycle_lock__", status: "running" });
    expect(await call("POST", "/ingestion/bingx/backfill", { body: { pairs: ["BTC-USDT"] } })).toMatchObject({ status: 202, body: [] });
    expect(store.table("bingx_candles")).toEqual([]);
  });

  test.each([[{ pairs: ["NO-SUCH"] }], [{ pairs: "BTC-USDT" }], [{ max_batches: 0 }]])("%j is refused", async (body) => {
    expect((await startApi().call("POST", "/ingestion/bingx/backfill", { body })).status).toBe(400);
  });
});

test("training asks the rl-service with candles of the period, and answers with what came of it", async () => {
  const { call, trainings } = startApi();
  const { status, body } = await call("POST", "/agents/a/training", { body: { pair: "BTC-USDT", periodStart: "2026-01-01T00:00:00Z", periodEnd: "2026-01-01T01:00:00Z", timesteps: 500 } });
  expect([status, body]).toMatchObject([201, { artifact: { algorithm_label: "double" } }]);
  expect(trainings).toMatchObject([{ pair: "BTC-USDT", timesteps: 500, interval: "1m" }]);
  expect((trainings[0].dataset_features as unknown[]).length).toBe(61);
});

describe("what arrives twice", () => {
  test("is counted over all instances, at the exchange", async () => {
    const exchange = new Exchange(() => []);
    const [first, second] = [startApi({}, exchange), startApi({}, exchange)];
    expect((await first.call("POST", "/lab/echo", { body: { id: "load-1" } })).body).toMatchObject({ id: "load-1", count: 1, here: 1 });
    expect((await second.call("POST", "/lab/echo", { body: { id: "other" }, headers: { "x-request-id": "load-1" } })).body).toMatchObject({ id: "load-1", count: 2, here: 1 });
    expect(exchange.ids.report("load-").duplicates).toMatchObject([{ id: "load-1", count: 2, reporters: [expect.any(String), expect.any(String)] }]);
  });

  test("reads have ids as well, and may come twice", async () => {
    const { call, exchange } = startApi();
    for (let i = 0; i < 2; i++) await call("GET", "/ops/alerts", { headers: { "x-request-id": "r" } });
    expect(exchange.ids.report()).toMatchObject({ received: 0 });
    expect((await call("GET", "/lab/requests")).body).toMatchObject({ version: "7", requests: { "GET /ops/alerts": 2 } });
  });
});

describe("images that misbehave on purpose", () => {
  test("unhealthy: /health is never well, the rest is", async () => {
    const { call } = startApi({ LAB_FAULT: "unhealthy" });
    expect((await call("GET", "/health")).status).toBe(503);
    expect((await call("GET", "/ops/alerts")).status).toBe(200);
  });

  test("half: well for 20 s, then every second request fails, /health too", async () => {
    const api = startApi({ LAB_FAULT: "half" });
    const statuses = async () => [(await api.call("GET", "/health")).status, (await api.call("GET", "/health")).status, (await api.call("GET", "/ops/alerts")).status, (await api.call("GET", "/ops/alerts")).status];
    api.uptimeMs = 19_999;
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    api.uptimeMs = 20_000;
    expect(await statuses()).toEqual([500, 200, 500, 200]);
  });

  test("what fails on purpose has arrived: it is counted", async () => {
    const api = startApi({ LAB_FAULT: "half" });
    api.uptimeMs = 30_000;
    expect((await api.call("POST", DECIDE, { body: market, headers: { "x-request-id": "lost" } })).status).toBe(500);
    expect(api.exchange.ids.report()).toMatchObject({ received: 1 });
  });
});
