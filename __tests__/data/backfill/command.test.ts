import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duration } from "../../../contracts/units";
import { FEEDS, type Feed } from "../../../contracts/markets";
import { loadEnvironment } from "../../../environments/load";
import type { Environment } from "../../../environments/schema";
import type { Fields } from "../../../lab/doubles/convex/values/value";
import { appApi } from "../../../scripts/data/backfill/app-api";
import { backfillCommands, type BackfillSurroundings } from "../../../scripts/data/backfill/command";
import { convexCalls } from "../../../scripts/data/backfill/convex-calls";
import { convexMarketData } from "../../../scripts/data/backfill/convex-market-data";
import type { CoverageReport } from "../../../scripts/data/backfill/report";
import { silentProgress } from "../../../scripts/data/progress";
import { startPlatform, TOKEN, type Platform } from "./platform";

const MINUTE = 60_000;
const lab = loadEnvironment("lab");
/** Long enough for one settlement of funding after the other, short enough to be written in no time. */
const env: Environment = { ...lab, coverage: { ...lab.coverage, history: Duration.hours(9) } };

let platform: Platform;
let folder: string;
let now: number;
let output: string[];
let complaints: string[];
beforeEach(async () => {
  platform = await startPlatform();
  folder = mkdtempSync(join(tmpdir(), "gvfx-coverage-"));
  now = Date.now();
  [output, complaints] = [[], []];
});
afterEach(async () => {
  await platform.close();
  rmSync(folder, { recursive: true, force: true });
  process.exitCode = 0;
});

const iso = (ms: number): string => new Date(ms).toISOString();

/** Everything that there should be of a pair, as a worker that never rests has written it. @param keep which rows there are */
async function fill(pair: string, keep: (feed: Feed, time: number) => boolean = () => true): Promise<void> {
  const field: Readonly<Record<Feed, string>> = { candles: "open_time", trades: "executed_at", funding: "funding_time", orderbook: "captured_at", open_interest: "captured_at", mark_index: "captured_at", ticker: "captured_at" };
  for (const feed of Object.keys(FEEDS) as Feed[]) {
    const step = feed === "candles" ? MINUTE : feed === "funding" ? 8 * 60 * MINUTE : 10_000;
    const back = feed === "candles" || feed === "funding" ? env.coverage.history.milliseconds : 3 * MINUTE;
    const times: number[] = [];
    for (let time = Math.floor(now / step) * step; time >= now - back; time -= step) times.push(time);
    await platform.store.insert(FEEDS[feed], times.filter((time) => keep(feed, time)).reverse().map((time): Fields => ({ pair, [field[feed]]: iso(time), ...(feed === "candles" ? { interval: "1m" } : {}) })));
  }
}

async function gvfx(words: string, surroundings: BackfillSurroundings = {}): Promise<string> {
  const commands = backfillCommands(() => env, {
    write: (text) => output.push(text),
    complain: (text) => complaints.push(text),
    progress: silentProgress,
    folder: () => folder,
    access: async (_env, _side, signal) => ({ data: convexMarketData(convexCalls(platform.convex, signal, Duration.ms(1))), api: async () => appApi(platform.api, TOKEN) }),
    wait: async () => void (await new Promise((done) => setTimeout(done, 2))),
    ...surroundings,
  });
  const [name, ...args] = words.split(" ");
  await commands.find((command) => command.name() === name)!.exitOverride().configureOutput({ writeErr: () => undefined }).parseAsync(args, { from: "user" });
  return output.at(-1) ?? "";
}

describe("coverage", () => {
  test("of a pair of which everything is there passes in all seven feeds, and the report is kept", async () => {
    await fill("BTC-USDT");
    const text = await gvfx("coverage --pairs btcusdt");
    expect(process.exitCode).toBe(0);
    expect(text).toMatch(/^Coverage of 1 pairs in 7 feeds of "lab" at .*, by nomad's Convex at http:\/\/127/);
    for (const feed of Object.keys(FEEDS)) expect(text).toMatch(new RegExp(`^BTC-USDT +${feed} +pass +\\d+ +20\\S+ \\S+Z +20\\S+ \\S+Z +none +\\d`, "m"));
    expect(text).toMatch(/7 of 7 pass, 0 fail, 0 could not be judged: pass/);
    const [file] = readdirSync(join(folder, "coverage"));
    const report = JSON.parse(readFileSync(join(folder, "coverage", file), "utf8")) as CoverageReport;
    expect(report).toMatchObject({ version: 1, environment: "lab", side: "nomad", verdict: "pass", pairs: ["BTC-USDT"] });
    expect(report.cells.find(({ feed }) => feed === "candles")!.series[0]).toMatchObject({ interval: "1m", rows: 540, missing: 0 });
  });

  test("one candle that is missing fails, with its place", async () => {
    const gone = Math.floor(now / MINUTE) * MINUTE - 77 * MINUTE;
    await fill("BTC-USDT", (feed, time) => feed !== "candles" || time !== gone);
    const text = await gvfx("coverage --pairs BTC-USDT");
    expect(process.exitCode).toBe(1);
    expect(text).toContain(`FAIL  BTC-USDT candles (bingx_candles): 1m: 1 candle missing in 1 gap, the first from ${iso(gone - MINUTE)} to ${iso(gone + MINUTE)}`);
    expect(text).toMatch(/6 of 7 pass, 1 fail, 0 could not be judged: FAIL/);
  });

  test.each(["orderbook", "trades", "open_interest", "mark_index", "ticker", "funding"] as const)("an empty table of %s fails, though nobody reports a gap", async (empty) => {
    await fill("BTC-USDT", (feed) => feed !== empty);
    expect(await gvfx("coverage --pairs BTC-USDT")).toMatch(new RegExp(`^FAIL  BTC-USDT ${empty} \\(${FEEDS[empty]}\\): not one row in the last `, "m"));
    expect(process.exitCode).toBe(1);
  });

  test("a query that fails is no verdict", async () => {
    await fill("BTC-USDT");
    platform.refuse = (path, args) => (path === "data:query" && args.table === "bingx_trades" ? "Too many documents read" : undefined);
    const text = await gvfx("coverage --pairs BTC-USDT");
    expect(process.exitCode).toBe(2);
    expect(text).toMatch(/^BTC-USDT +trades +unknown +- +- +- +- +-$/m);
    expect(text).toContain("unknown  BTC-USDT trades (bingx_trades): could not be read: Convex refused data:query: Too many documents read");
  });

  test("Convex that is away cannot be asked, which is status 2 and no report", async () => {
    await platform.close();
    await gvfx("coverage --pairs BTC-USDT");
    expect(process.exitCode).toBe(2);
    expect(complaints.join()).toMatch(/ECONNREFUSED/);
    expect(existsSync(join(folder, "coverage"))).toBe(false);
    platform = await startPlatform();
  });

  test("--wait looks again until it passes", async () => {
    let waits = 0;
    await gvfx("coverage --pairs BTC-USDT --wait 1m", { wait: async () => void (++waits === 2 && (await fill("BTC-USDT"))) });
    expect([process.exitCode, waits]).toEqual([0, 2]);
  });

  test("all pairs that are not in the catalog are named", async () => {
    await gvfx("coverage --pairs DOGE-USDT,BTC-USDT,PEPE-USDT");
    expect(complaints).toEqual([expect.stringMatching(/^DOGE-USDT, PEPE-USDT are not in the market catalog.*there are Gold-USDT, XAUTUSDT/)]);
    expect(process.exitCode).toBe(2);
  });

  test("the crypto section unless others are named, the gold one on request", async () => {
    const { pairs } = JSON.parse(await gvfx("coverage --json --gold")) as CoverageReport;
    expect(pairs).toEqual([...env.markets.crypto, ...env.markets.gold]);
    expect(JSON.parse(await gvfx("coverage --json"))).toMatchObject({ pairs: env.markets.crypto, verdict: "fail" });
  });
});

describe("backfill", () => {
  // The api's double brings 150 candles a batch in these tests: a few calls fill nine hours.
  test("fills what is missing, and its coverage passes where the worker runs", async () => {
    await fill("BTC-USDT", (feed) => feed !== "candles" && feed !== "funding");
    const text = await gvfx("backfill --pairs BTC-USDT --max-batches 4");
    expect(text).toMatch(/^BTC-USDT: covered, \d calls?, \d+ rows$/m);
    expect(text).toMatch(/7 of 7 pass/);
    expect(process.exitCode).toBe(0);
  });

  test("a table that stays empty is status 1, whatever the app answered", async () => {
    platform.network.push("cut");
    const result = JSON.parse(await gvfx("backfill --pairs BTC-USDT --max-batches 4 --json")) as { backfill: { outcome: string }[]; coverage: CoverageReport };
    expect(result.backfill).toMatchObject([{ outcome: "covered" }]);
    // One snapshot is no two minutes of a feed.
    expect(result.coverage.cells.filter(({ verdict }) => verdict === "fail").map(({ feed }) => feed)).toEqual(expect.arrayContaining(["orderbook", "ticker"]));
    expect(process.exitCode).toBe(1);
    expect(output.every((text) => text.startsWith("{"))).toBe(true);
  });

  test("interrupted, it says how to go on, and goes on", async () => {
    const wait = async (_: Duration, signal: AbortSignal): Promise<void> => {
      process.emit("SIGINT");
      signal.throwIfAborted();
    };
    platform.network.push("swallowed");
    await gvfx("backfill --pairs BTC-USDT", { wait });
    expect(process.exitCode).toBe(130);
    expect(complaints).toEqual([expect.stringMatching(/^Interrupted\. .*repeat this command, and it follows that call/)]);
    let clock = 0;
    await gvfx("backfill --pairs BTC-USDT", { wait: async (time) => void (clock += time.milliseconds), clock: () => clock });
    expect(output.join("\n")).toMatch(/ended while it waited for the answer about BTC-USDT/);
    expect(readdirSync(join(folder, "backfill")).filter((name) => name.endsWith(".pid"))).toEqual([]);
  });

  test.each(["0", "1.5", "many"])("--max-batches %s is refused", async (text) => {
    await expect(gvfx(`backfill --max-batches ${text}`)).rejects.toThrow(/write a whole number above 0/);
  });
});
