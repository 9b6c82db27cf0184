/** The worker's ingestion, with a clock of the test's own. */
import { duplicateRows, duplicateRuns, gaps, overlaps, type IngestionRun } from "../../../lab/doubles/backend/count";
import { Ingestion } from "../../../lab/doubles/backend/jobs/ingestion";
import { metricsText } from "../../../lab/doubles/backend/jobs/metrics";
import { RestCycle } from "../../../lab/doubles/backend/jobs/rest-cycle";
import { dataTypes, StreamReader } from "../../../lab/doubles/backend/jobs/stream";
import { Bingx } from "../../../lab/doubles/backend/bingx";
import { FEED_NAMES } from "../../../lab/doubles/backend/feeds";
import { backendSettings } from "../../../lab/doubles/backend/settings";
import { Exchange } from "../../../lab/doubles/exchange/app";
import { topicOf } from "../../../lab/doubles/exchange/stream";
import { MINIMAL_ENV } from "./api-double";
import { MemoryStore } from "./store-double";

const settings = backendSettings("worker", MINIMAL_ENV);

/** A worker with its clock, and the exchange's double for REST. */
class Worker {
  readonly ingestion: Ingestion;
  readonly cycle: RestCycle;
  readonly log: string[] = [];

  constructor(readonly store: MemoryStore, instance: string, private readonly clock: { now: number }) {
    const exchange = new Exchange(() => []);
    const fetcher = (async (input: string | URL | Request, init?: RequestInit) => exchange.answer(new Request(input, init), "worker", clock.now)) as typeof fetch;
    this.cycle = new RestCycle(new Bingx(settings.exchange, fetcher), settings.pairs, settings.intervals, () => clock.now);
    this.ingestion = new Ingestion(store, instance, settings.pairs, (from) => this.cycle.prepare(from), () => clock.now, (message) => this.log.push(message));
  }

  /** Steps of 100 ms with a flush every second. */
  async run(seconds: number): Promise<void> {
    for (let i = 0; i < seconds * 10; i++) {
      this.clock.now += 100;
      const { feed, rows } = await this.cycle.step();
      this.ingestion.arrive(feed, rows);
      this.ingestion.tick();
      if (i % 10 === 9) await this.ingestion.flush();
    }
  }
}

const runsOf = (store: MemoryStore) => store.table("ingestion_runs") as unknown as IngestionRun[];
const clockAt = () => ({ now: Date.parse("2026-01-01T00:00:00.000Z") });

test("every pair and feed has its rows after one turn, by REST alone", async () => {
  const store = new MemoryStore();
  const worker = new Worker(store, "a", clockAt());
  await worker.run(Math.ceil(worker.cycle.length / 10) + 3);
  for (const table of ["bingx_candles", "bingx_orderbook_snapshots", "bingx_trades", "bingx_funding_rates", "bingx_open_interest", "bingx_mark_index_prices", "bingx_tickers"]) expect([table, new Set(store.table(table).map((row) => row.pair)).size]).toEqual([table, 9]);
});

test("runs cover the time without gaps: one for each feed and ten seconds, with the process that ran it", async () => {
  const store = new MemoryStore();
  await new Worker(store, "a", clockAt()).run(35);
  const runs = runsOf(store);
  expect(runs).toHaveLength(4 * FEED_NAMES.length);
  expect(runs.filter((run) => run.status === "running")).toHaveLength(FEED_NAMES.length);
  expect(new Set(runs.map((run) => run.instance))).toEqual(new Set(["a"]));
  expect([overlaps(runs), duplicateRuns(runs), gaps(runs, 2_000)]).toEqual([[], [], []]);
});

test("a killed worker: the next one ends its runs at the last progress, and fetches the trades that it missed", async () => {
  const store = new MemoryStore();
  const clock = clockAt();
  await new Worker(store, "a", clock).run(14);
  clock.now += 26_000;
  const second = new Worker(store, "b", clock);
  await second.run(12);
  const runs = runsOf(store);
  expect(second.log.join()).toMatch(/ended 7 runs that another worker left behind/);
  expect(overlaps(runs)).toEqual([]);
  const found = gaps(runs, 5_000);
  expect(found).toHaveLength(FEED_NAMES.length);
  for (const { ms, where } of found) expect([where, Math.round(ms / 1_000)]).toEqual(["between", 26]);
  const trades = store.table("bingx_trades").filter((row) => row.pair === "BTC-USDT").map((row) => Number(row.trade_id));
  expect(new Set(trades).size).toBe(Math.max(...trades) - Math.min(...trades) + 1);
});

test("two workers at once are seen", async () => {
  const store = new MemoryStore();
  const clock = clockAt();
  const [first, second] = [new Worker(store, "a", clock), new Worker(store, "b", clock)];
  await first.run(5);
  for (let i = 0; i < 20; i++) {
    await first.run(1);
    await second.run(1);
  }
  expect(overlaps(runsOf(store)).map(({ instances, series }) => [series.split("/")[2], instances])).toEqual(expect.arrayContaining(FEED_NAMES.map((feed) => [feed, ["a", "b"]])));
  expect(duplicateRuns(runsOf(store)).length).toBeGreaterThan(0);
});

test("a store that is away for a minute loses no trade, and no order book is written twice", async () => {
  const store = new MemoryStore();
  const clock = clockAt();
  const worker = new Worker(store, "a", clock);
  await worker.run(10);
  store.down = true;
  await worker.run(60);
  store.down = false;
  await worker.run(35);
  expect(worker.ingestion.counts.flushFailures).toBeGreaterThan(2);
  const trades = store.table("bingx_trades").filter((row) => row.pair === "SOL-USDT").map((row) => Number(row.trade_id));
  expect(new Set(trades).size).toBe(Math.max(...trades) - Math.min(...trades) + 1);
  const books = store.table("bingx_orderbook_snapshots").map((row) => `${String(row.pair)} ${String(row.captured_at)}`);
  expect(new Set(books).size).toBe(books.length);
  expect(gaps(runsOf(store), 2_000)).toEqual([]);
});

test("nothing from the exchange: the run fails, and says so", async () => {
  const store = new MemoryStore();
  const clock = clockAt();
  const ingestion = new Ingestion(store, "a", settings.pairs, async () => undefined, () => clock.now, () => undefined);
  for (let i = 0; i < 12; i++) {
    clock.now += 1_000;
    ingestion.tick();
    await ingestion.flush();
  }
  expect(runsOf(store).filter((run) => run.status === "failed")).toHaveLength(7);
  expect(runsOf(store)[0]).toMatchObject({ error_summary: "nothing came from the exchange", max_pause_ms: 10_000 });
});

test("what the stream brings becomes rows of every pair of its symbol", () => {
  const reader = new StreamReader(settings.pairs, (pair) => (pair === "Gold-USDT" ? 4_000 : undefined));
  const now = Date.parse("2026-01-01T00:00:30.500Z");
  const arrived = Object.fromEntries(
    dataTypes(["XAUTUSDT"], ["1m"], 5).map((dataType) => {
      const { feed, rows } = reader.read(JSON.stringify(topicOf(dataType)!.message(now)))!;
      return [feed, rows.map((row) => row.pair)];
    }),
  );
  const both = ["Gold-USDT", "XAUTUSDT"];
  // A mark price waits for the index price of its pair.
  expect(arrived).toEqual({ trades: both, ticker: both, mark_index: ["Gold-USDT"], orderbook: both, candles: both });
});

test("two workers that listen to one stream write the very same order books, one a second", async () => {
  const store = new MemoryStore();
  const clock = clockAt();
  const workers = ["a", "b"].map((name) => new Ingestion(store, name, settings.pairs, async () => undefined, () => clock.now, () => undefined));
  const reader = new StreamReader(settings.pairs, () => 1);
  for (let i = 0; i < 30; i++) {
    clock.now += 100;
    const { feed, rows } = reader.read(JSON.stringify(topicOf("BTC-USDT@depth5")!.message(clock.now)))!;
    for (const worker of workers) worker.arrive(feed, rows);
    // Their flushes fall at different times.
    await workers[0].flush();
    if (i % 7 === 6) await workers[1].flush();
  }
  await workers[1].flush();
  const books = store.table("bingx_orderbook_snapshots") as { pair: string; captured_at: string }[];
  const twice = duplicateRows(books, ["pair", "captured_at"]);
  expect(twice.length).toBeGreaterThanOrEqual(3);
  expect(twice.map(({ count }) => count)).toEqual(Array(books.length / 2).fill(2));
});

test("metrics name the process and count what was written", async () => {
  const worker = new Worker(new MemoryStore(), "host/7/ab", clockAt());
  await worker.run(3);
  const text = metricsText("gvfx_", "host/7/ab", worker.ingestion);
  expect(text).toMatch(/^gvfx_double_worker_info\{instance="host\/7\/ab"\} 1$/m);
  expect(text).toMatch(/^gvfx_double_worker_rows_total\{feed="mark_index"\} [1-9]/m);
});
