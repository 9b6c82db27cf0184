import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LONG_ROUTES, LONGEST_CALL, SAFE_METHODS, WRITES } from "../../contracts/http";

test.each([
  ["api", "POST", "/bingx/market-data/backfill", true],
  ["api", "POST", "/ingestion/bingx/backfill", true],
  ["api", "POST", "/sync/tradingview", true],
  ["api", "POST", "/enrichment/run", true],
  ["api", "POST", "/idea-ocr/run", true],
  ["api", "POST", "/news/ingest", true],
  ["api", "POST", "/telegram/ingest", true],
  ["api", "POST", "/ops/trading/reconcile", true],
  ["api", "POST", "/ops/ingestion/bingx/run", true],
  ["api", "POST", "/ops/ingestion/bingx/pause", false],
  ["api", "GET", "/ops/ingestion/runs", false],
  ["api", "POST", "/agent/enable", true],
  ["api", "POST", "/agents/gold/runs/r1/decisions", true],
  ["api", "POST", "/trades/t1/close", true],
  ["api", "POST", "/agents/gold/training", true],
  ["api", "POST", "/agents/gold/evaluations/confirm-heal", true],
  ["api", "GET", "/agents/gold/evaluations", false],
  ["api", "POST", "/agents/gold/kill-switch", false],
  ["api", "GET", "/health", false],
  ["rl-service", "POST", "/training/run", true],
  ["rl-service", "POST", "/inference", false],
] as const)("%s %s %s long: %s", (service, method, path, long) => {
  expect(LONG_ROUTES.some((route) => route.service === service && route.method === method && route.timeout === LONGEST_CALL && new RegExp(route.path).test(path))).toBe(long);
});

test("each call is decided once, and none is one that may be repeated", () => {
  for (const writes of Object.values(WRITES)) {
    const calls = writes.map(({ method, path }) => `${method} ${path}`);
    expect(calls).toEqual([...new Set(calls)]);
    expect(writes.filter(({ method }) => (SAFE_METHODS as readonly string[]).includes(method))).toEqual([]);
  }
});

interface Call { readonly method: string; readonly path: string }
const contract = join(__dirname, "../../../shared/contracts/http-contract.json");
const present = existsSync(contract);

(present ? test : test.skip)(`every call of the app's contract that changes something is decided${present ? "" : " (skipped: no contract beside the repository)"}`, () => {
  const { api, rlService } = JSON.parse(readFileSync(contract, "utf8")) as { api: Call[]; rlService: Call[] };
  const changing = [...api.map((call) => ({ ...call, service: "api" as const })), ...rlService.map((call) => ({ ...call, service: "rl-service" as const }))].filter(({ method }) => method !== "GET");
  expect(changing.length).toBeGreaterThan(20);
  const undecided = changing.filter(({ service, method, path }) => !WRITES[service].some((write) => write.method === method && write.path === path));
  expect(undecided.map(({ service, method, path }) => `${service} ${method} ${path}`)).toEqual([]);
});
