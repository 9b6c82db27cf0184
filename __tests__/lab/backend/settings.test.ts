/** The environment of the doubles: the app's contract, all errors at once, no values. */
import { allPairs, DEFAULT_CATALOG } from "../../../contracts/markets";
import { backendSettings, breaches, instanceName } from "../../../lab/doubles/backend/settings";
import { pairNamed, pairsBySymbol, pairsFrom, symbolOf } from "../../../lab/doubles/backend/pairs";
import { MINIMAL_ENV } from "./api-double";

test("all errors at once, each with its key, none with a value", () => {
  const errors = breaches("worker", { NODE_ENV: "production", BINGX_WS_URL: "hunter2", BINGX_WS_FLUSH_INTERVAL_MS: "soon", METRICS_PORT: "", LAB_FAULT: "loud", BINGX_API_KEY: "", E2E_RUN: "true" });
  for (const key of ["CONVEX_URL", "TIMESCALE_URL", "BINGX_WS_URL", "BINGX_WS_FLUSH_INTERVAL_MS", "METRICS_PORT", "DISABLE_TEST_DATA_IN_DB", "E2E_RUN", "LAB_FAULT", "BINGX_API_KEY"]) expect(errors.filter((error) => error.startsWith(`${key} `))).toHaveLength(1);
  expect(errors.join("\n")).not.toMatch(/hunter2|soon|loud/);
});

test("a value that is part of the explanation does not hide it", () => {
  expect(breaches("api", { ...MINIMAL_ENV, PORT: "is" }).join()).toMatch(/^PORT is set to something, which is not of kind int; use a whole number/);
});

test("what the jobs give is enough", () => {
  const production = { NODE_ENV: "production", DISABLE_TEST_DATA_IN_DB: "true", TIMESCALE_POOL_MAX: "4", ...MINIMAL_ENV };
  expect(breaches("api", { ...production, PORT: "8787", CORS_ORIGIN: "http://f:3000", OPS_READ_TIMEOUT_MS: "4000" })).toEqual([]);
  expect(breaches("worker", { ...production, BINGX_WS_ENABLED: "true", METRICS_PORT: "9464" })).toEqual([]);
});

test("keys that are absent have the app's defaults", () => {
  expect(backendSettings("worker", MINIMAL_ENV)).toMatchObject({ pairs: allPairs(DEFAULT_CATALOG), webSocket: { enabled: true, flushMs: 1000, depthLevel: 5 }, metricsPort: 0, metricsPrefix: "gvfx_", ingestIntervalMs: 100, fault: "none" });
  expect(backendSettings("api", { ...MINIMAL_ENV, RL_SERVICE_TIMEOUT_MS: "1200000" })).toMatchObject({ port: 8787, corsOrigin: "*", rlService: { timeoutMs: 1_200_000 }, backfillBatches: 10 });
});

test("pairs and symbols are the app's", () => {
  expect(["Gold-USDT", "XAUTUSDT", "PAXGUSDT", "ALGO-USDT", "btcusdt"].map(symbolOf)).toEqual(["XAUT-USDT", "XAUT-USDT", "PAXG-USDT", "ALGO-USDT", "BTC-USDT"]);
  expect(pairsFrom({ MARKET_GOLD_PAIRS: "XAUTUSDT", MARKET_CRYPTO_PAIRS: "BTC-USDT, ETH-USDT" })).toEqual(["XAUTUSDT", "BTC-USDT", "ETH-USDT"]);
  expect(pairNamed("btcusdt", ["ETH-USDT", "BTC-USDT"])).toBe("BTC-USDT");
  expect(pairsBySymbol(["Gold-USDT", "XAUTUSDT"])).toEqual(new Map([["XAUT-USDT", ["Gold-USDT", "XAUTUSDT"]]]));
});

test("two processes of one container have different names", () => {
  expect(new Set(Array.from({ length: 20 }, () => instanceName("host", 7))).size).toBeGreaterThan(1);
});
