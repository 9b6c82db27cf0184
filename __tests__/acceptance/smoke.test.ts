import { Duration } from "../../contracts/units";
import type { Feed } from "../../contracts/markets";
import { foldChecks, runAcceptance, type Checked } from "../../scripts/acceptance/result";
import { smokeChecks, type SmokeOptions } from "../../scripts/acceptance/smoke";
import { AppDouble, RowsDouble, TOKEN } from "./app-double";

const signal = new AbortController().signal;
const SILENCE = Duration.seconds(30);
const FEEDS: readonly Feed[] = ["candles", "orderbook", "trades", "funding", "open_interest", "mark_index", "ticker"];

let app: AppDouble;
let rows: RowsDouble;
let workerRuns: boolean;
beforeEach(async () => {
  [app, rows, workerRuns] = [await new AppDouble().start(), new RowsDouble(), true];
});
afterEach(() => app.close());

const smoke = (more: Partial<SmokeOptions> = {}): Promise<Checked[]> => runAcceptance(smokeChecks(options(more)), signal);

function options(more: Partial<SmokeOptions> = {}): SmokeOptions {
  return {
    side: "nomad",
    apis: [app.url],
    frontends: [app.url],
    rlServices: [app.url],
    token: TOKEN,
    pairs: ["BTC-USDT", "ETH-USDT"],
    data: rows,
    maxSilence: Object.fromEntries(FEEDS.map((feed) => [feed, feed === "candles" ? Duration.minutes(2) : SILENCE])) as Record<Feed, Duration>,
    interval: "1m",
    apart: Duration.seconds(15),
    workerRuns: () => Promise.resolve(workerRuns),
    wait: (time) => Promise.resolve(void (rows.time += time.milliseconds)),
    commands: { why: "gvfx why", lease: "gvfx lease status" },
    ...more,
  };
}
/** What did not pass, by check. */
const wrong = (checks: readonly Checked[]) => Object.fromEntries(checks.filter(({ outcome }) => outcome.verdict !== "pass").map(({ id, outcome }) => [id, `${outcome.verdict}: ${outcome.detail}`]));

test("a side that works passes, and is asked for itself, wherever users are sent", async () => {
  const checks = await smoke();
  expect(wrong(checks)).toEqual({});
  expect(checks.map(({ id }) => id)).toEqual(["api-health", "api-gaps", "api-alerts", "api-token", "rl-health", "frontend", "frontend-api", "fresh", "alive"]);
  expect(foldChecks(checks, "gvfx smoke")).toEqual({ verdict: "pass", detail: "9 checks passed" });
});

test("planted: a gateway that answers for another side proves nothing of this one", async () => {
  app.heeds = false;
  expect(wrong(await smoke())).toMatchObject({ "api-health": expect.stringMatching(/^fail: .*answered 200 by legacy, and not by nomad/), frontend: expect.stringContaining("by legacy") });
  // Legacy is asked itself, without a gateway.
  app.side = undefined;
  expect(wrong(await smoke({ side: "legacy" }))).toEqual({});
});

test.each<[string, string, (double: AppDouble) => void, RegExp]>([
  ["api-gaps", "a 200 of another form", (it) => (it.gaps = { generated_at: "2026-01-01T12:00:00Z", totals: {} }), /^fail: .*answered 200 in another form: totals\.open/],
  ["api-alerts", "an object where a list must be", (it) => (it.alerts = {}), /^fail: .*in another form: the whole/],
  ["frontend", "a page that is none", (it) => (it.page = { status: 200, type: "application/json", text: "{}" }), /^fail: .*200 and no page/],
  ["frontend", "an error page", (it) => (it.page = { ...it.page, status: 500 }), /^fail: .*answered 500/],
])("planted: %s: %s", async (id, _what, plant, said) => {
  plant(app);
  expect(wrong(await smoke())).toEqual({ [id]: expect.stringMatching(said), ...(id === "api-alerts" ? { "frontend-api": expect.anything() } : {}) });
});

test("planted: an API that tells without a token is a failure; where the app is given none it is not asked", async () => {
  app.open = true;
  expect(wrong(await smoke())).toEqual({ "api-token": expect.stringMatching(/^fail: .*answered 200 without a token/) });
  expect((await smoke({ token: undefined })).map(({ id }) => id)).not.toContain("api-token");
});

test("planted: one path that wants no token, and an RL service without its models", async () => {
  app.exempt = ["/ops/gaps/health"];
  expect(wrong(await smoke())).toEqual({ "api-token": expect.stringContaining("/ops/gaps/health answered 200 without a token") });
  app.exempt = [];
  const ill = await new AppDouble().start();
  try {
    ill.health = { status: 503, body: { detail: { error: "ml_dependencies_missing" } } };
    expect(wrong(await smoke({ rlServices: [ill.url] }))).toEqual({ "rl-health": expect.stringMatching(/^fail: .*\/health answered 503/) });
  } finally {
    await ill.close();
  }
});

test("interrupted, it could not be judged: that is no failure of the side", async () => {
  const found = await runAcceptance(smokeChecks(options()), AbortSignal.abort());
  const verdict = (id: string) => found.find((check) => check.id === id)!.outcome.verdict;
  expect(["api-health", "api-token", "rl-health", "frontend", "fresh"].map(verdict)).toEqual(Array(5).fill("inconclusive"));
  expect(found.some(({ outcome }) => outcome.verdict === "fail")).toBe(false);
});

test("planted: a 200 with zeros is no evidence: stale rows fail, and are named", async () => {
  rows.stoppedAt = rows.time - Duration.minutes(5).milliseconds;
  const found = wrong(await smoke());
  expect(found).toEqual({ fresh: expect.stringMatching(/^fail: 12 of 12 pairs and feeds are stale: BTC-USDT candles \(older than 2m/), alive: expect.stringMatching(/^fail: BTC-USDT: no new row/) });
});

test("planted: one feed of one pair that is missing is seen", async () => {
  rows.missing.add("ETH-USDT mark_index");
  expect(wrong(await smoke())).toEqual({ fresh: "fail: 1 of 12 pairs and feeds are stale: ETH-USDT mark_index (older than 30s, or none)" });
});

test("young rows to which nothing is added: a failure while a worker runs, inconclusive while none does", async () => {
  rows.stoppedAt = rows.time;
  expect(wrong(await smoke())).toEqual({ alive: expect.stringMatching(/^fail: .*although a worker runs/) });
  workerRuns = false;
  rows.stoppedAt = rows.time;
  expect(wrong(await smoke())).toEqual({ alive: expect.stringMatching(/^inconclusive: .*no worker runs/) });
});

test("what cannot be reached fails by its address, beside what can", async () => {
  const gone = "http://127.0.0.1:9";
  const found = wrong(await smoke({ apis: [app.url, gone] }));
  expect(Object.keys(found)).toEqual(["api-health", "api-gaps", "api-alerts", "api-token"]);
  expect(found["api-health"]).toContain(gone);
  expect(found["api-health"]).not.toContain(`${app.url}:`);
});
