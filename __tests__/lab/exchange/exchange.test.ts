/** The exchange's double: market data that follows from the time, and what it remembers. */
import fc from "../../properties";
import { AlertSink } from "../../../lab/doubles/exchange/alerts";
import { Exchange } from "../../../lab/doubles/exchange/app";
import { IdCounts } from "../../../lab/doubles/exchange/counting";
import { candleAt, candles, intervalMs, lastTradeId, LISTED_AT, priceAt, SYMBOLS, trade } from "../../../lab/doubles/exchange/market";
import { dueTimes, parseRequest, topicOf } from "../../../lab/doubles/exchange/stream";

const NOW = Date.parse("2026-01-01T12:34:56.789Z");
const MINUTE = 60_000;
const SIGNED = "timestamp=1&signature=s";

async function ask(exchange: Exchange, method: string, path: string, options: { readonly headers?: Record<string, string>; readonly body?: string; readonly source?: string } = {}): Promise<{ status: number; body: { code?: number; msg?: string; data?: unknown } }> {
  const { source = "10.0.0.9", ...init } = options;
  const response = await exchange.answer(new Request(`http://exchange.test${path}`, { method, ...init }), source, NOW);
  return { status: response.status, body: (await response.json()) as { code?: number } };
}

describe("market", () => {
  test("who goes back in time finds an end, of candles and of funding rates", async () => {
    const month = 30 * 24 * 60 * MINUTE;
    expect(candles("BTC-USDT", month, { limit: 500 }, NOW)[0].openTime).toBeGreaterThanOrEqual(LISTED_AT);
    expect(candles("BTC-USDT", MINUTE, { to: LISTED_AT - 1, limit: 500 }, NOW)).toEqual([]);
    expect((await ask(new Exchange(() => []), "GET", `/openApi/swap/v2/quote/fundingRate?symbol=BTC-USDT&startTime=1&endTime=${LISTED_AT - 1}`)).body.data).toEqual([]);
  });

  test("candles are contiguous: each opens where the one before it closed, whenever they are asked for", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SYMBOLS), fc.integer({ min: 1, max: 100 }), (symbol, limit) => {
        const rows = candles(symbol, MINUTE, { limit }, NOW);
        expect(rows).toHaveLength(limit);
        expect(rows.slice(1).filter((row, i) => row.openTime !== rows[i].openTime + MINUTE || row.open !== rows[i].close)).toEqual([]);
        expect(rows.filter(({ high, low, open, close }) => low > Math.min(open, close) || high < Math.max(open, close))).toEqual([]);
      }),
    );
  });

  test("a range, its bounds included; a start alone gives the oldest, an end alone the newest", () => {
    const opens = (range: { from?: number; to?: number; limit: number }) => candles("BTC-USDT", MINUTE, range, NOW).map((c) => c.openTime);
    const base = Math.floor(NOW / MINUTE) * MINUTE - 60 * MINUTE;
    expect(opens({ from: base, to: base + 2 * MINUTE, limit: 500 })).toEqual([base, base + MINUTE, base + 2 * MINUTE]);
    expect(opens({ from: base, limit: 2 })).toEqual([base, base + MINUTE]);
    expect(opens({ to: base, limit: 2 })).toEqual([base - MINUTE, base]);
    expect(opens({ from: NOW + MINUTE, limit: 5 })).toEqual([]);
  });

  test("the newest candle is not over, and becomes what it will be", () => {
    const open = Math.floor(NOW / MINUTE) * MINUTE;
    expect(candleAt("ETH-USDT", open, MINUTE, NOW).close).toBe(priceAt("ETH-USDT", NOW));
    expect(candleAt("ETH-USDT", open, MINUTE, NOW + MINUTE).close).toBe(priceAt("ETH-USDT", open + MINUTE));
  });

  test("prices stay near where they are", () => {
    fc.assert(fc.property(fc.constantFrom(...SYMBOLS), fc.integer({ min: 0, max: 1e9 }), (symbol, offset) => Math.abs(priceAt(symbol, NOW + offset) / priceAt(symbol, NOW) - 1) < 0.08));
  });

  test("trades are numbered without a gap", () => {
    const last = lastTradeId(NOW);
    expect(lastTradeId(NOW + 500)).toBe(last + 1);
    expect(trade("BTC-USDT", last).at).toBeLessThanOrEqual(NOW);
  });

  test.each([["1m", MINUTE], ["4h", 4 * 3_600_000], ["1M", 30 * 86_400_000], ["0m", undefined], ["1x", undefined], ["", undefined]])("interval %s", (text, ms) => expect(intervalMs(text)).toBe(ms));
});

describe("REST", () => {
  test.each([
    ["/openApi/swap/v3/quote/klines?symbol=BTC-USDT&interval=1m&limit=3", 3],
    ["/openApi/swap/v2/quote/trades?symbol=BTC-USDT&limit=7", 7],
    ["/openApi/swap/v2/quote/fundingRate?symbol=BTC-USDT&limit=2", 2],
    ["/openApi/swap/v2/quote/contracts", SYMBOLS.length],
  ])("%s", async (path, length) => {
    const { body } = await ask(new Exchange(() => []), "GET", path);
    expect(body).toMatchObject({ code: 0 });
    expect(body.data).toHaveLength(length);
  });

  test("an unknown symbol is refused in words that the app understands, a bad interval too", async () => {
    const exchange = new Exchange(() => []);
    expect((await ask(exchange, "GET", "/openApi/swap/v2/quote/ticker?symbol=DOGE-USDT")).body.msg).toMatch(/not exist/);
    expect((await ask(exchange, "GET", "/openApi/swap/v3/quote/klines?symbol=BTC-USDT&interval=7q")).body.code).not.toBe(0);
  });
});

describe("orders", () => {
  const order = `/openApi/swap/v2/trade/order?symbol=BTC-USDT&side=BUY&type=MARKET&quantity=1&clientOrderId=c1`;
  const key = { "X-BX-APIKEY": "k" };

  test("without key, signature or time they are refused, and not kept", async () => {
    const exchange = new Exchange(() => []);
    expect((await ask(exchange, "POST", `${order}&${SIGNED}`)).body.code).toBe(100413);
    expect((await ask(exchange, "POST", `${order}&timestamp=1`, { headers: key })).body.code).toBe(100001);
    expect((await ask(exchange, "POST", `${order}&signature=s`, { headers: key })).body.code).toBe(100421);
    expect(exchange.orders.report().received).toBe(0);
  });

  test("one that comes twice is kept twice, and is a duplicate with who sent it", async () => {
    const exchange = new Exchange(() => []);
    for (const source of ["10.0.0.1", "10.0.0.2"]) expect((await ask(exchange, "POST", `${order}&${SIGNED}`, { headers: key, source })).body.code).toBe(0);
    expect((await ask(exchange, "GET", "/lab/orders")).body).toMatchObject({ received: 2, byClientOrderId: { c1: 2 }, duplicates: [{ clientOrderId: "c1", count: 2, sources: ["10.0.0.1", "10.0.0.2"] }], bySource: { "10.0.0.1": 1, "10.0.0.2": 1 } });
  });

  test("it is found by either id, and can be cancelled; as a form, too", async () => {
    const exchange = new Exchange(() => []);
    const placed = await ask(exchange, "POST", "/openApi/swap/v2/trade/order", { headers: key, body: `symbol=ETH-USDT&quantity=2&clientOrderID=c2&${SIGNED}` });
    const { orderId } = (placed.body.data as { order: { orderId: string } }).order;
    for (const by of [`orderId=${orderId}`, "clientOrderId=c2"]) expect((await ask(exchange, "GET", `/openApi/swap/v2/trade/order?${by}&${SIGNED}`, { headers: key })).body.data).toMatchObject({ order: { orderId, status: "FILLED", executedQty: "2" } });
    expect((await ask(exchange, "DELETE", `/openApi/swap/v2/trade/order?orderId=${orderId}&${SIGNED}`, { headers: key })).body.data).toMatchObject({ order: { status: "CANCELLED" } });
    expect((await ask(exchange, "GET", `/openApi/swap/v2/trade/order?orderId=7&${SIGNED}`, { headers: key })).body.msg).toMatch(/does not exist/);
  });

  test("reset forgets everything", async () => {
    const exchange = new Exchange(() => []);
    await ask(exchange, "POST", `${order}&${SIGNED}`, { headers: key });
    await ask(exchange, "POST", "/lab/echo", { body: '{"id":"x"}' });
    await ask(exchange, "POST", "/lab/reset");
    expect([exchange.orders.report().received, exchange.ids.report().received, exchange.requests.report()]).toEqual([0, 0, {}]);
  });
});

describe("what it says of itself", () => {
  test("requests by method and path, its own pages left out", async () => {
    const exchange = new Exchange(() => [{ address: "10.0.0.5", since: "2026-01-01T00:00:00.000Z", topics: 40 }]);
    await ask(exchange, "GET", "/openApi/swap/v2/quote/ticker?symbol=BTC-USDT");
    expect((await ask(exchange, "GET", "/lab/requests")).body).toEqual({ requests: { "GET /openApi/swap/v2/quote/ticker": 1 } });
    expect((await ask(exchange, "GET", "/lab/connections")).body).toMatchObject({ connections: [{ address: "10.0.0.5", topics: 40 }] });
  });

  test("ids are counted across reporters, and the oldest are given up when there are too many", () => {
    const ids = new IdCounts();
    for (let i = 0; i < 200_005; i++) ids.add(`id-${i}`, "a", NOW);
    expect(ids.add("id-200004", "b", NOW)).toBe(2);
    expect(ids.report()).toMatchObject({ ids: 200_000, forgotten: 5, duplicates: [{ id: "id-200004", reporters: ["a", "b"] }] });
  });

  test("an echo without an id is refused", async () => {
    for (const body of ["", "{}", '{"id":7}', "[]"]) expect((await ask(new Exchange(() => []), "POST", "/lab/echo", { body })).status).toBe(400);
  });
});

describe("stream", () => {
  test.each(["BTC-USDT@trade", "XAUT-USDT@ticker", "ETH-USDT@markPrice", "SOL-USDT@depth5", "SOL-USDT@depth20@500ms", "BNB-USDT@kline_1m", "XRP-USDT@bookTicker", "XRP-USDT@lastPrice"])("%s is there, and a message says of which kind it is", (dataType) => {
    expect(topicOf(dataType)!.message(NOW)).toMatchObject({ code: 0, dataType });
  });

  test.each(["DOGE-USDT@trade", "BTC-USDT@kline_7q", "BTC-USDT@depth7", "BTC-USDT@depth5@1ms", "BTC-USDT@ticker@100ms", "BTC-USDT", ""])("%s is not", (dataType) => expect(topicOf(dataType)).toBeUndefined());

  test("a beat that comes late sends the newest state once, and every trade", () => {
    const late = NOW - (NOW % 500) + 1_600;
    expect(dueTimes(topicOf("BTC-USDT@ticker")!, late - 1_600, late)).toEqual([late - (late % 100)]);
    expect(dueTimes(topicOf("BTC-USDT@trade")!, late - 1_600, late)).toHaveLength(3);
    expect(dueTimes(topicOf("BTC-USDT@trade")!, late, late + 1)).toEqual([]);
  });

  test("requests of clients", () => {
    expect(parseRequest('{"id":"1","reqType":"sub","dataType":"BTC-USDT@trade"}')).toEqual({ id: "1", kind: "sub", dataType: "BTC-USDT@trade" });
    expect(parseRequest("Pong")).toBe("pong");
    for (const text of ["", "{}", '{"reqType":"dance","dataType":"x"}', "null"]) expect(parseRequest(text)).toBeUndefined();
  });
});

test("alerts and the dead-man's signal are kept, with whether a token came along and never which", async () => {
  const sink = new AlertSink();
  const send = (method: string, path: string, init: RequestInit = {}) => sink.answer(new Request(`http://alerts.test${path}`, { method, ...init }), "10.0.0.3", NOW);
  expect((await send("POST", "/alerts", { headers: { authorization: "Bearer hunter2" }, body: '{"severity":"high"}' })).status).toBe(202);
  expect((await send("GET", "/heartbeat")).status).toBe(200);
  const text = await (await send("GET", "/lab/alerts")).text();
  expect(JSON.parse(text)).toMatchObject({ alerts: [{ body: { severity: "high" }, authorized: true, source: "10.0.0.3" }], heartbeats: [{ method: "GET", authorized: false }] });
  expect(text).not.toMatch(/hunter2/);
});
