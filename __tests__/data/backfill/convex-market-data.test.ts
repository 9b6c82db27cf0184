import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "../../properties";
import { Duration } from "../../../contracts/units";
import { convexCalls, QueryFailed, type ConvexCalls } from "../../../scripts/data/backfill/convex-calls";
import { convexMarketData } from "../../../scripts/data/backfill/convex-market-data";

const BEGIN = Date.parse("2026-01-01T00:00:00Z");
const iso = (ms: number): string => new Date(ms).toISOString();
type Args = Record<string, unknown> & { readonly start?: string; readonly limit: number };

function calls(query: (path: string, args: Args, adminKey: string | undefined) => unknown): ConvexCalls & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    address: "http://convex.test",
    clockAhead: async () => 0,
    query: async (path, args, { adminKey } = {}) => {
      asked.push(path);
      return query(path, args as Args, adminKey);
    },
  };
}

describe("pages", () => {
  const offsets = fc.array(fc.integer({ min: -50, max: 500 }), { maxLength: 120 });

  test("every candle from the window's begin on comes once, whatever the page", async () => {
    await fc.assert(
      fc.asyncProperty(offsets, fc.integer({ min: 2, max: 30 }), async (minutes, rowsAtOnce) => {
        const opens = [...new Set(minutes)].sort((a, b) => a - b).map((minute) => BEGIN + minute * 60_000);
        const convex = calls((_, { start, limit }) => opens.map(iso).filter((time) => time >= start!).slice(0, limit));
        expect(await convexMarketData(convex, undefined, rowsAtOnce).openTimes("BTC-USDT", "1m", BEGIN)).toEqual(opens.filter((open) => open >= BEGIN));
      }),
    );
  });

  test("so does every row of a feed that is listed", async () => {
    await fc.assert(
      fc.asyncProperty(offsets, fc.integer({ min: 2, max: 30 }), async (seconds, rowsAtOnce) => {
        const times = [...new Set(seconds)].sort((a, b) => a - b).map((second) => BEGIN + second * 1_000);
        const convex = calls((_, { start, limit }) => times.map(iso).filter((time) => time >= start!).slice(0, limit).map((captured_at) => ({ captured_at, pair: "BTC-USDT" })));
        expect(await convexMarketData(convex, undefined, rowsAtOnce).times("ticker", "BTC-USDT", BEGIN)).toEqual(times.filter((time) => time >= BEGIN));
      }),
    );
  });

  test("rows that all have one time are an error, not a loop and not a loss", async () => {
    const convex = calls(() => [iso(BEGIN), iso(BEGIN), iso(BEGIN)]);
    await expect(convexMarketData(convex, undefined, 3).openTimes("BTC-USDT", "1m", BEGIN)).rejects.toThrow("3 rows and more have the time 2026-01-01T00:00:00.000Z");
  });
});

test("a row without a time is an error: it must not count as none", async () => {
  await expect(convexMarketData(calls(() => [{ captured_at: null }])).times("ticker", "BTC-USDT", BEGIN)).rejects.toThrow(/bingx_tickers has a row whose captured_at is no time \(null\)/);
});

describe("a table that is too large for the app's own query", () => {
  const rows = Array.from({ length: 1_200 }, (_, i) => ({ pair: i % 2 === 0 ? "BTC-USDT" : "ETH-USDT", executed_at: iso(BEGIN + i * 100 - 60_000), _creationTime: BEGIN + i * 100 - 59_000 })).reverse();
  const large = () =>
    calls((path, args, adminKey) => {
      if (path === "data:query") throw new QueryFailed(path, "Too many documents read in a single function execution (limit: 32000)");
      expect([path, adminKey, args.table, args.order]).toEqual(["_system/cli/tableData:default", "nomad|01aa", "bingx_trades", "desc"]);
      const { cursor, numItems } = args.paginationOpts as { cursor: string | null; numItems: number };
      const from = Number(cursor ?? "0");
      return { page: rows.slice(from, from + numItems), isDone: from + numItems >= rows.length, continueCursor: String(from + numItems) };
    });

  test("is listed by Convex itself from the newest row backwards, once for all pairs", async () => {
    const convex = large();
    const data = convexMarketData(convex, async () => "nomad|01aa");
    const from = BEGIN + 30_000;
    const [btc, eth] = [await data.times("trades", "BTC-USDT", from), await data.times("trades", "ETH-USDT", from)];
    expect(btc).toEqual(rows.filter(({ pair, executed_at }) => pair === "BTC-USDT" && Date.parse(executed_at) >= from).map(({ executed_at }) => Date.parse(executed_at)).reverse());
    expect(btc.length + eth.length).toBe(300);
    // One page of 500 reaches back beyond the window; the second pair costs nothing, and the query that is refused is not tried again.
    expect(convex.asked).toEqual(["data:query", "_system/cli/tableData:default"]);
  });

  test("without the admin key it says both what was refused and what is missing", async () => {
    await expect(convexMarketData(large()).times("trades", "BTC-USDT", BEGIN)).rejects.toThrow(/Convex refused data:query: Too many documents read/);
    const data = convexMarketData(large(), () => Promise.reject(new Error("VAULT_TOKEN is not set")));
    await expect(data.times("trades", "BTC-USDT", BEGIN)).rejects.toThrow(/Too many documents read.*; and Convex's own listing needs the admin key: VAULT_TOKEN is not set/);
  });
});

test("runs are read with what became of them", async () => {
  const run = { id: "1", trigger: "manual", status: "running", started_at: iso(BEGIN), finished_at: null, new_count: 3, updated_count: 4, error_summary: null };
  const convex = calls((path, args) => {
    expect([path, args.feed, args.source_type]).toEqual(["ingestion_runs:list", "__bingx_cycle_lock__", "bingx"]);
    return { data: [run, { ...run, id: "2", status: "failed", finished_at: iso(BEGIN), error_summary: "timeout" }], count: null };
  });
  expect(await convexMarketData(convex).lockRuns()).toEqual([
    { id: "1", trigger: "manual", status: "running", startedAt: BEGIN, finished: false, rows: 7, error: undefined },
    { id: "2", trigger: "manual", status: "failed", startedAt: BEGIN, finished: true, rows: 7, error: "timeout" },
  ]);
});

describe("calls", () => {
  const answers: { status: number; body: unknown }[] = [];
  const server = createServer((_, response) => {
    const { status, body } = answers.shift() ?? { status: 200, body: { status: "success", value: 1 } };
    response.writeHead(status).end(JSON.stringify(body));
  });
  let convex: ConvexCalls;
  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    convex = convexCalls(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, undefined, Duration.ms(1));
  });
  afterAll(() => new Promise((done) => server.close(done)));

  test("a question that a restart cut off is asked again, three times at most", async () => {
    answers.push({ status: 503, body: "" }, { status: 503, body: "" });
    expect(await convex.query("e2e:ping", {})).toBe(1);
    answers.push(...Array.from({ length: 3 }, () => ({ status: 503, body: "" })));
    await expect(convex.query("e2e:ping", {})).rejects.toThrow("Convex's e2e:ping answered with status 503");
    expect(answers).toEqual([]);
  });

  test("a refusal is told by its first line and not asked again; functions that are not there were not deployed", async () => {
    answers.push({ status: 200, body: { status: "error", errorMessage: "Could not find public function for 'bingx_trades:latestTime'.\n  at handler" } });
    await expect(convex.query("bingx_trades:latestTime", {})).rejects.toThrow(/^Convex refused bingx_trades:latestTime: Could not find public function for 'bingx_trades:latestTime'\. \(the app's functions are not deployed there/);
    expect(answers).toEqual([]);
  });
});
