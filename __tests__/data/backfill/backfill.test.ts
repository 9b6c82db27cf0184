import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import { appApi } from "../../../scripts/data/backfill/app-api";
import { backfill } from "../../../scripts/data/backfill/backfill";
import { convexCalls } from "../../../scripts/data/backfill/convex-calls";
import { convexMarketData } from "../../../scripts/data/backfill/convex-market-data";
import { openJournal, type PairResult } from "../../../scripts/data/backfill/journal";
import { LOCK_FEED, type MarketData } from "../../../scripts/data/backfill/market-data";
import { silentProgress } from "../../../scripts/data/progress";
import { MemoryStore } from "../../lab/convex/memory-store";
import { ROWS_AT_ONCE, startPlatform, TOKEN, type Platform } from "./platform";

const settings = { ...loadEnvironment("lab").coverage, history: Duration.hours(2), intervals: ["1m"] };
const SCOPE = { side: "nomad", pairs: ["BTC-USDT", "ETH-USDT"], intervals: settings.intervals, maxBatches: 1 };

let platform: Platform;
let folder: string;
const said: string[] = [];
beforeEach(async () => {
  platform = await startPlatform();
  folder = mkdtempSync(join(tmpdir(), "gvfx-backfill-"));
  said.length = 0;
});
afterEach(async () => {
  await platform.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Circumstances {
  readonly data?: MarketData;
  readonly token?: string;
  readonly pairs?: readonly string[];
  readonly maxCalls?: number;
  readonly signal?: AbortSignal;
  readonly on?: Platform;
  readonly runTimeout?: Duration;
  readonly onWait?: () => Promise<unknown>;
}

/** One run of the command's work, as after a start of the program. The clock goes by what is waited for. */
async function run({ on = platform, data = convexMarketData(convexCalls(on.convex, undefined, Duration.ms(1))), token = TOKEN, pairs = SCOPE.pairs, maxCalls = 5, runTimeout = Duration.minutes(30), onWait, signal }: Circumstances = {}): Promise<PairResult[]> {
  const journal = openJournal(folder, { ...SCOPE, pairs });
  let clock = 0;
  try {
    return await backfill(
      { api: appApi(on.api, token), data, journal },
      {
        pairs,
        settings,
        maxBatches: 1,
        maxCalls,
        runTimeout,
        progress: silentProgress,
        say: (line) => said.push(line),
        wait: async (time) => {
          signal?.throwIfAborted();
          clock += time.milliseconds;
          await onWait?.();
          await new Promise((done) => setTimeout(done, 2));
        },
        clock: () => clock,
        signal,
      },
    );
  } finally {
    journal.close();
  }
}

const lockRuns = (): unknown[] => platform.rows("ingestion_runs").filter(({ feed }) => feed === LOCK_FEED);
const journalText = (): string => readFileSync(join(folder, readdirSync(folder).find((name) => name.endsWith(".jsonl"))!), "utf8");

test("brings every pair's candles in one bounded call each, and stops when the window is full", async () => {
  const results = await run();
  expect(results).toEqual([expect.objectContaining({ pair: "BTC-USDT", outcome: "covered", calls: 1 }), expect.objectContaining({ pair: "ETH-USDT", outcome: "covered", calls: 1 })]);
  expect(platform.calls).toEqual(SCOPE.pairs.map((pair) => ({ pairs: [pair], intervals: ["1m"], max_batches: 1 })));
  expect(platform.rows("bingx_candles").filter(({ pair }) => pair === "ETH-USDT")).toHaveLength(2 * ROWS_AT_ONCE);
  expect(results[0].rows).toBeGreaterThan(ROWS_AT_ONCE);
});

test.each(["cut", "gateway-timeout"] as const)("an answer that is lost (%s) is followed in the app's records, and the call is not made again", async (network) => {
  platform.network.push(network);
  const [btc] = await run();
  expect(btc).toMatchObject({ outcome: "covered", calls: 1 });
  expect(btc.rows).toBeGreaterThan(ROWS_AT_ONCE);
  expect(platform.calls.map(({ pairs }) => pairs[0])).toEqual(["BTC-USDT", "ETH-USDT"]);
  expect(lockRuns()).toHaveLength(2);
  expect(said).toContainEqual(expect.stringMatching(/^no answer about BTC-USDT \(.+\); it may be at work all the same/));
});

test("a call that never arrived is told so, the other pairs go on, and the next run makes it", async () => {
  platform.network.push("swallowed");
  expect(await run()).toEqual([expect.objectContaining({ pair: "BTC-USDT", outcome: "failed", note: expect.stringMatching(/did not begin anything .*repeat this command/) }), expect.objectContaining({ pair: "ETH-USDT", outcome: "covered" })]);
  expect(await run()).toEqual([expect.objectContaining({ pair: "BTC-USDT", outcome: "covered" }), expect.objectContaining({ pair: "ETH-USDT", outcome: "covered" })]);
  expect(said).toContainEqual(expect.stringMatching(/^goes on with .*: 1 of 2 pairs are done$/));
  expect(platform.calls.map(({ pairs }) => pairs[0])).toEqual(["ETH-USDT", "BTC-USDT"]);
});

test("killed while it waits for an answer, the next run finds what became of the call before it makes another", async () => {
  const stop = new AbortController();
  const data = convexMarketData(convexCalls(platform.convex, undefined, Duration.ms(1)));
  const running = run({ signal: stop.signal });
  while (platform.calls.length === 0) await setImmediate();
  stop.abort();
  await expect(running).rejects.toThrow(/aborted/);
  expect(journalText().trim().split("\n").at(-1)).toMatch(/"event":"calling","pair":"BTC-USDT"/);
  await run({ data });
  expect(said).toContainEqual(expect.stringMatching(/ended while it waited for the answer about BTC-USDT; asking the app's records/));
  const outcomes = journalText().trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ event }) => event === "called").map(({ pair, outcome }) => `${String(pair)} ${String(outcome)}`);
  expect(outcomes[0]).toBe("BTC-USDT succeeded");
});

test("while the app ingests by itself it waits, and calls when the lock is free", async () => {
  await platform.store.call("ingestion_runs:startIfIdle", { source_type: "bingx", source_id: null, feed: LOCK_FEED, trigger: "schedule" });
  const [{ id }] = platform.rows("ingestion_runs");
  const onWait = () => platform.store.call("ingestion_runs:complete", { id, status: "succeeded", new_count: 0, updated_count: 0, error_count: 0 });
  expect(await run({ pairs: ["BTC-USDT"], onWait })).toMatchObject([{ outcome: "covered", calls: 1 }]);
  expect(said[0]).toMatch(/^waits for the app's own ingest to end \(run .*, schedule\)$/);
});

test("a lock that is never free ends with what to look at", async () => {
  await platform.store.call("ingestion_runs:startIfIdle", { source_type: "bingx", source_id: null, feed: LOCK_FEED, trigger: "schedule" });
  await expect(run({ runTimeout: Duration.seconds(20) })).rejects.toThrow(/busy for 20s .*GET \/ops\/ingestion\/runs\?source_type=bingx/);
  expect(platform.calls).toEqual([]);
});

test("a failure in the app is told with its reason, and not made again by itself", async () => {
  const away = platform.store.call.bind(platform.store);
  jest.spyOn(platform.store, "call").mockImplementation(async (path, args) => {
    if (path === "bingx_candles:upsertBatch") throw new Error("Convex is full");
    return away(path, args);
  });
  expect(await run({ pairs: ["BTC-USDT"] })).toEqual([expect.objectContaining({ outcome: "failed", note: expect.stringContaining("failed in the app: Convex is full") })]);
  expect(platform.calls).toHaveLength(1);
});

test("an api that works on another Convex is found out by the first call", async () => {
  const elsewhere = await startPlatform({ otherStore: new MemoryStore() });
  try {
    await expect(run({ on: elsewhere })).rejects.toThrow(/has no record of it: that api works on another Convex.*--side/);
    expect(elsewhere.calls).toHaveLength(1);
  } finally {
    await elsewhere.close();
  }
});

test("a wrong token ends it at once, and leaves no call whose fate would be asked for", async () => {
  await expect(run({ token: "wrong" })).rejects.toThrow(/refuses a backfill \(401: Unauthorized\): API_TOKEN is not the one/);
  await run();
  expect(said.join("\n")).not.toMatch(/ended while it waited/);
});

test("an api that is not there was asked nothing", async () => {
  const gone = await startPlatform();
  await gone.close();
  await expect(run({ on: { ...platform, api: gone.api } })).rejects.toThrow(/was not reached, so nothing was ingested/);
});

test("a pair that the app does not take is refused for itself alone", async () => {
  expect(await run({ pairs: ["DOGE-USDT", "BTC-USDT"] })).toMatchObject([{ outcome: "refused", note: expect.stringMatching(/the app refused DOGE-USDT \(400\)/) }, { outcome: "covered" }]);
});

test("where the exchange gives no more, and where the calls are used up, it says which intervals are short", async () => {
  const long = { ...settings, history: Duration.days(30) };
  Object.assign(settings, { history: long.history });
  try {
    // The first call brings all 200 minutes, and the second nothing more.
    platform.listedAt = Date.now() - 200 * 60_000;
    expect(await run({ pairs: ["BTC-USDT"] })).toMatchObject([{ outcome: "exhausted", calls: 2, note: "the exchange gives nothing more of 1m" }]);
    expect(await run({ pairs: ["ETH-USDT"], maxCalls: 1 })).toMatchObject([{ outcome: "calls-used-up", calls: 1, note: expect.stringMatching(/^1m does not reach back 720h; repeat with more --max-calls/) }]);
  } finally {
    Object.assign(settings, { history: Duration.hours(2) });
  }
});

test("two backfills at once are refused, and a lock of a process that is gone is taken", () => {
  writeFileSync(join(folder, "running.pid"), "1");
  expect(() => openJournal(folder, SCOPE)).toThrow(/another backfill of this environment runs here \(PID 1, /);
  writeFileSync(join(folder, "running.pid"), "999999999");
  openJournal(folder, SCOPE).close();
});

test("a journal that ended, is of another scope or a day old is not gone on with", () => {
  const first = openJournal(folder, SCOPE, { now: () => new Date("2026-01-01T00:00:00Z") });
  first.write({ event: "pair", result: { pair: "BTC-USDT", outcome: "covered", calls: 1, rows: 5 } });
  first.close();
  const at = (text: string) => ({ now: () => new Date(text) });
  const again = openJournal(folder, SCOPE, at("2026-01-01T05:00:00Z"));
  expect([again.path, again.resumed, again.state.done]).toEqual([first.path, true, [expect.objectContaining({ pair: "BTC-USDT" })]]);
  // A line that was cut off by a kill.
  writeFileSync(again.path, `${readFileSync(again.path, "utf8")}{"event":"pair","res`);
  again.close();
  const torn = openJournal(folder, SCOPE, at("2026-01-01T05:00:00Z"));
  torn.write({ event: "ended", at: "2026-01-01T06:00:00Z" });
  torn.close();
  for (const [scope, time] of [[SCOPE, "2026-01-01T07:00:00Z"], [{ ...SCOPE, maxBatches: 2 }, "2026-01-01T07:00:01Z"], [{ ...SCOPE, side: "legacy" }, "2026-01-03T00:00:00Z"]] as const) {
    const other = openJournal(folder, scope, at(time));
    expect(other.resumed).toBe(false);
    other.close();
  }
  const old = openJournal(folder, { ...SCOPE, maxBatches: 2 }, at("2026-01-02T08:00:00Z"));
  expect(old.resumed).toBe(false);
  old.close();
});
