import fc from "../properties";
import { ENV_CONTRACT, entriesFor, validateEnv, WORKER_ONLY_KEYS, type EnvKind, type EnvSpec } from "../../contracts/env";
import { APP_SERVICES } from "../../contracts/services";

const value = (text: string) => ({ from: "value", value: text }) as const;
const secret = { from: "secret" } as const;
const worker: EnvSpec = { CONVEX_URL: value("http://gvfx-convex.service.consul:3210"), TIMESCALE_URL: secret };

test("a minimal environment honours the contract", () => {
  expect(validateEnv("worker", worker)).toEqual([]);
});

test.each<[string, EnvSpec, RegExp]>([
  ["a key that the contract lacks", { ...worker, NOPE: value("1") }, /^NOPE is not in the contract of worker/],
  ["a key of another service", { ...worker, CORS_ORIGIN: value("x") }, /^CORS_ORIGIN is not in the contract of worker/],
  ["a required key missing", { TIMESCALE_URL: secret }, /^CONVEX_URL is required by worker and missing/],
  ["a required secret missing", { CONVEX_URL: worker.CONVEX_URL }, /^TIMESCALE_URL is required by worker and missing/],
  ["a secret as plain value", { ...worker, BINGX_API_KEY: value("abc") }, /^BINGX_API_KEY is a secret and is given as plain value/],
  ["a secret from a variable", { ...worker, BINGX_API_KEY: { from: "variable", path: "x", value: "abc" } }, /^BINGX_API_KEY is a secret and is given as plain variable/],
  ["a switch that production refuses", { ...worker, NODE_ENV: value("production"), DISABLE_TEST_DATA_IN_DB: value("true"), E2E_RUN: value("true") }, /^E2E_RUN is set while NODE_ENV is production/],
  ["production with test data", { ...worker, NODE_ENV: value("production") }, /^DISABLE_TEST_DATA_IN_DB must be true/],
  ["an unknown enum value", { ...worker, RL_ONLINE_LEARNING_ROLLOUT_MODE: value("blue") }, /use one of shadow, canary, full/],
])("refuses %s", (_name, env, expected) => {
  expect(validateEnv("worker", env)).toEqual([expect.stringMatching(expected)]);
});

test("the forbidden key is refused even as a secret", () => {
  expect(validateEnv("frontend", { NEXT_PUBLIC_API_TOKEN: secret })).toEqual([expect.stringMatching(/^NEXT_PUBLIC_API_TOKEN is forbidden/)]);
});

const WRONG: Readonly<Record<EnvKind, string[]>> = {
  url: ["", "localhost:9101", "/path", "http//x"],
  int: ["", "1.5", "abc", "1e3", "99999999999999999999"],
  number: ["", "abc", "1,5", "."],
  boolean: ["", "yes", "1", "TRUE"],
  csv: ["", "a, b", "a,,b", ","],
  enum: ["", "x"],
  string: [""],
};

test.each(ENV_CONTRACT.filter((e) => !e.secret).map((e) => [e.key, e] as const))("%s refuses values that are not of its kind", (_key, entry) => {
  for (const wrong of WRONG[entry.kind]) {
    const errors = validateEnv(entry.services[0], { ...worker, [entry.key]: value(wrong) });
    expect(errors.some((error) => error.startsWith(`${entry.key} `))).toBe(true);
  }
});

test("every default of the contract is of its own kind", () => {
  for (const entry of ENV_CONTRACT.filter((e) => e.default !== null && e.default !== "" && !e.secret)) {
    const errors = validateEnv(entry.services[0], { [entry.key]: value(entry.default!) });
    expect(errors.filter((error) => error.startsWith(`${entry.key} `))).toEqual([]);
  }
});

test("worker-only keys are the worker's schedulers and its market data socket", () => {
  expect(WORKER_ONLY_KEYS.has("BINGX_WS_ENABLED")).toBe(true);
  expect(WORKER_ONLY_KEYS.has("TRADINGVIEW_SYNC_INTERVAL_MIN")).toBe(true);
  for (const key of ["BINANCE_WS_ENABLED", "BINANCE_MARKET_DATA_ENABLED", "BINANCE_BACKFILL_ENABLED"]) expect(WORKER_ONLY_KEYS.has(key)).toBe(true);
  for (const key of WORKER_ONLY_KEYS) expect(entriesFor("worker").some((e) => e.key === key)).toBe(true);
});

test("a key that is the name of something every object has is no key of the contract", () => {
  for (const key of ["toString", "constructor", "__proto__"]) expect(validateEnv("api", Object.fromEntries([[key, value("1")]]))).toContainEqual(expect.stringMatching(/is not in the contract of api/));
});

test("property: any key that is not of the contract is refused for every service", () => {
  fc.assert(
    fc.property(fc.constantFrom(...APP_SERVICES), fc.string().filter((key) => !ENV_CONTRACT.some((e) => e.key === key)), (service, key) =>
      validateEnv(service, Object.fromEntries([[key, value("1")]])).some((error) => error.startsWith(`${key} is not in the contract of ${service}`)),
    ),
  );
});
