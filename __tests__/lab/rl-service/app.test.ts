import { allPairs, DEFAULT_CATALOG } from "../../../contracts/markets";
import { RL_SERVICE_WRITES } from "../../../contracts/http-writes";
import { answer, type RlService } from "../../../lab/doubles/rl-service/app";
import { RL_PATHS } from "../../../lab/doubles/rl-service/requests";
import { rlServiceSettings } from "../../../lab/doubles/rl-service/settings";

const PERIOD = { period_start: "2026-01-01T00:00:00Z", period_end: "2026-01-01T01:00:00Z" };
const rows = (n: number): { close: number }[] => Array.from({ length: n }, (_, close) => ({ close }));
const candles = (...closes: number[]) => closes.map((close) => ({ timestamp: "2026-01-01T00:00:00Z", open: close, high: close, low: close, close, volume: 1 }));

function service(env: Record<string, string> = {}, uptimeMs = 60_000): RlService & { readonly slept: number[] } {
  const slept: number[] = [];
  return { settings: rlServiceSettings({ RL_ENV: "production", ...env }), uptimeMs: () => uptimeMs, sleep: async (ms) => void slept.push(ms), answered: new Map(), slept };
}

async function call(target: RlService, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const request = new Request(`http://rl:9101${path}`, body === undefined ? undefined : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });
  const response = await answer(request, target);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("health of the RL service's double", () => {
  it("is 503 with the app's body until it is loaded, then 200", async () => {
    expect(await call(service({ DOUBLE_LOAD_MS: "5000" }, 4999), "/health")).toEqual({ status: 503, body: { detail: { error: "ml_dependencies_missing", ml_dependencies: { stable_baselines3: false, nautilus_trader: false } } } });
    expect(await call(service({ DOUBLE_LOAD_MS: "5000" }, 5000), "/health")).toEqual({
      status: 200,
      body: { status: "ok", environment: "production", ml_dependencies: { stable_baselines3: true, nautilus_trader: true }, strict_model_inference: true, strict_backtest: true, timestamp: expect.any(String), double: "rl-service" },
    });
  });

  it("is 200 at once when ML is not required", async () => {
    expect((await call(service({ RL_HEALTH_REQUIRE_ML: "false" }, 0), "/health")).status).toBe(200);
  });
});

describe("calls of the RL service's double", () => {
  it("are those that the contract decides on, each for every pair of the default catalog", async () => {
    expect([...RL_PATHS].sort()).toEqual(RL_SERVICE_WRITES.map((w) => w.path).sort());
    for (const pair of allPairs(DEFAULT_CATALOG)) {
      expect((await call(service(), "/datasets/preview", { pair, start_at: PERIOD.period_start, end_at: PERIOD.period_end })).body).toMatchObject({ version: { pair, interval: "1m", window_size: 30 }, window_count: 31 });
    }
  });

  it("refuse a wrong body as FastAPI does", async () => {
    expect(await call(service(), "/monitoring/drift", { agent_id: "a", metric: 1, baseline_value: 1, current_value: "2" })).toEqual({
      status: 422,
      body: {
        detail: [
          { type: "string_type", loc: ["body", "metric"], msg: "Input should be a valid string" },
          { type: "float_type", loc: ["body", "current_value"], msg: "Input should be a valid number" },
          { type: "missing", loc: ["body", "threshold"], msg: "Field required" },
        ],
      },
    });
    expect((await call(service(), "/inference", "{")).status).toBe(422);
    expect((await call(service(), "/inference", { pair: "DOGE-USDT", market: { pair: "BTC-USDT", candles: [] } })).body.detail).toEqual([expect.objectContaining({ type: "enum", loc: ["body", "pair"] })]);
    expect((await call(service(), "/inference")).status).toBe(405);
    expect((await call(service(), "/elsewhere")).status).toBe(404);
  });

  it("train for as long as the timesteps say, and make an artifact that inference takes", async () => {
    const target = service({ DOUBLE_TRAINING_MS_PER_1000_TIMESTEPS: "50" });
    const trained = await call(target, "/training/run", { pair: "BTC-USDT", ...PERIOD, dataset_features: rows(40), timesteps: 120_000, seed: 7 });
    expect(target.slept).toEqual([6000]);
    expect(trained).toMatchObject({ status: 200, body: { algorithm_label: "double", artifact_size_bytes: expect.any(Number) } });
    const inference = { pair: "BTC-USDT", market: { pair: "BTC-USDT", candles: candles(100, 150) }, policy_version: "v1", artifact_base64: trained.body.artifact_base64, artifact_checksum: trained.body.artifact_checksum };
    expect(await call(target, "/inference", inference)).toEqual({
      status: 200,
      body: { decision: { action: "long", confidence_score: 0.25, size: null, reason: "double", risk_check_result: "pass", policy_version: null }, features: { price_change: 0.5, aux_score: 0 }, warnings: [], model_version: "v1" },
    });
    expect(await call(target, "/inference", { ...inference, artifact_checksum: "0" })).toEqual({ status: 500, body: { detail: "Model inference failed: Artifact checksum mismatch" } });
  });

  it("want data to train on", async () => {
    expect(await call(service(), "/training/run", { pair: "BTC-USDT", ...PERIOD })).toEqual({ status: 400, body: { detail: "dataset_features are required for training" } });
    expect(await call(service(), "/training/run", { pair: "BTC-USDT", ...PERIOD, dataset_features: rows(29) })).toEqual({ status: 400, body: { detail: "No training windows generated" } });
  });

  it("want a model when they are strict, and hold when the risk limits leave no room", async () => {
    const body = { pair: "BTC-USDT", market: { pair: "BTC-USDT", candles: candles(100, 10) }, risk_limits: { max_position_size: 0, leverage_cap: 1, max_daily_loss: 1, max_drawdown: 1, max_open_positions: 1 }, learning_enabled: false };
    expect(await call(service(), "/inference", body)).toEqual({ status: 400, body: { detail: "Strict inference requires policy_version and artifact payload" } });
    expect((await call(service({ RL_STRICT_MODEL_INFERENCE: "false" }), "/inference", body)).body).toMatchObject({ decision: { action: "hold", risk_check_result: "fail" }, warnings: ["model_unavailable", "risk_limits_blocked", "learning_disabled"] });
  });

  it("evaluate and compare", async () => {
    expect((await call(service(), "/evaluations", { pair: "BTC-USDT", ...PERIOD })).body).toMatchObject({ pair: "BTC-USDT", status: "pass", trade_count: 31, metadata: { double: "rl-service" } });
    expect((await call(service(), "/monitoring/drift", { agent_id: "a", metric: "win_rate", baseline_value: 0.6, current_value: 0.4, threshold: 0.1 })).body).toMatchObject({ drifted: true, metric: "win_rate" });
    expect((await call(service(), "/monitoring/drift", { agent_id: "a", metric: "m", baseline_value: 1, current_value: 1, threshold: -1 })).status).toBe(400);
  });

  it("are counted by path and status", async () => {
    const target = service();
    await call(target, "/training/run", {});
    const text = await (await answer(new Request("http://rl:9101/metrics"), target)).text();
    expect(text).toContain('rl_service_double_answers_total{path="/training/run",status="422"} 1');
  });
});

describe("settings of the RL service's double", () => {
  it("refuse what breaks the contract, all at once", () => {
    expect(() => rlServiceSettings({ RL_SERVICE_PORT: "x", RL_HEALTH_REQUIRE_ML: "maybe", DOUBLE_LOAD_MS: "-1" })).toThrow(/RL_SERVICE_PORT is "x"[\s\S]*RL_HEALTH_REQUIRE_ML is "maybe"[\s\S]*DOUBLE_LOAD_MS is "-1"/);
  });
});
