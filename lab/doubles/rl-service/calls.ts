/** The five calls of the API. Shapes and refusals are the app's; the numbers are the double's. */
import { randomUUID } from "node:crypto";
import { syntheticRows, windowCount } from "./datasets";
import { extractFeatures, mapAction, readArtifact, Refusal, sha256, trainedArtifact } from "./model";
import type { RlPath, RlRequest } from "./requests";
import type { RlServiceSettings } from "./settings";

/** Milliseconds; awaited while a training runs. */
export type Sleep = (ms: number) => Promise<void>;

type Calls = { readonly [P in RlPath]: (body: RlRequest[P], settings: RlServiceSettings, sleep: Sleep) => Promise<Record<string, unknown>> };

export const CALLS: Calls = {
  "/inference": async (body, settings) => {
    const auxiliary = [...(body.ideas ?? []), ...(body.signals ?? []), ...(body.news ?? []), ...(body.ocr ?? [])];
    const features = extractFeatures(body.market.candles.map((c) => c.close), auxiliary);
    const warnings: string[] = [];
    if (body.policy_version && (body.artifact_base64 || body.artifact_download_url)) {
      try {
        readArtifact(await artifactData(body), body.artifact_checksum);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (settings.strictModelInference) throw new Refusal(500, `Model inference failed: ${message}`);
        warnings.push(`model_inference_failed:${message}`);
      }
    } else {
      if (settings.strictModelInference) throw new Refusal(400, "Strict inference requires policy_version and artifact payload");
      warnings.push("model_unavailable");
    }
    const blocked = body.risk_limits && (body.risk_limits.max_open_positions <= 0 || body.risk_limits.max_position_size <= 0);
    const mapped = mapAction(features.aux_score + features.price_change * 0.5);
    if (blocked) warnings.push("risk_limits_blocked");
    if (body.learning_enabled === false) warnings.push("learning_disabled");
    const decision = { ...mapped, ...(blocked ? { action: "hold" } : {}), size: null, reason: "double", risk_check_result: blocked ? "fail" : "pass", policy_version: null };
    return { decision, features, warnings, model_version: body.policy_version ?? null };
  },

  "/evaluations": async (body) => {
    if (Date.parse(body.period_end) <= Date.parse(body.period_start)) throw new Refusal(400, "period_end must be after period_start");
    const rows = body.dataset_features?.length ?? syntheticRows(body.interval ?? "1m", body.period_start, body.period_end);
    const windows = windowCount(rows, body.window_size, body.stride);
    if (windows === 0) throw new Refusal(400, "No evaluation windows generated");
    return {
      id: randomUUID(),
      pair: body.pair,
      win_rate: 0.55,
      net_pnl_after_fees: 0,
      max_drawdown: 0,
      trade_count: windows,
      exposure_by_pair: { [body.pair]: 1 },
      status: "pass",
      dataset_hash: body.dataset_hash ?? null,
      artifact_uri: body.artifact_uri ?? null,
      backtest_run_id: null,
      metadata: { double: "rl-service", window_count: windows },
      created_at: new Date().toISOString(),
    };
  },

  "/datasets/preview": async (body) => {
    const rows = body.features?.length || syntheticRows(body.interval ?? "1m", body.start_at, body.end_at);
    if (rows === 0) throw new Refusal(400, "No features available for dataset window");
    const checksum = sha256(JSON.stringify([body.pair, body.interval ?? "1m", body.start_at, body.end_at, body.window_size ?? 30, body.stride ?? 1, body.features ?? rows]));
    const version = {
      id: randomUUID(),
      pair: body.pair,
      interval: body.interval ?? "1m",
      start_at: body.start_at,
      end_at: body.end_at,
      checksum,
      dataset_hash: checksum,
      window_size: body.window_size ?? 30,
      stride: body.stride ?? 1,
      feature_set_version_id: body.feature_set_version_id ?? null,
      feature_schema_fingerprint: body.feature_schema_fingerprint ?? null,
      created_at: new Date().toISOString(),
    };
    return { version, window_count: windowCount(rows, body.window_size, body.stride) };
  },

  "/training/run": async (body, settings, sleep) => {
    if (!body.dataset_features?.length) throw new Refusal(400, "dataset_features are required for training");
    const windows = windowCount(body.dataset_features.length, body.window_size, body.stride);
    if (windows === 0) throw new Refusal(400, "No training windows generated");
    const timesteps = body.timesteps ?? 5000;
    await sleep((timesteps / 1000) * settings.trainingMsPer1000Timesteps);
    return { ...trainedArtifact(body.pair, windows, timesteps, body.seed ?? null), algorithm_label: "double", hyperparameter_summary: `double: ${timesteps} timesteps over ${windows} windows` };
  },

  "/monitoring/drift": async ({ metric, baseline_value, current_value, threshold }) => {
    if (threshold < 0) throw new Refusal(400, "threshold must be non-negative");
    const delta = current_value - baseline_value;
    return { drifted: Math.abs(delta) >= threshold, metric, baseline_value, current_value, delta };
  },
};

async function artifactData(body: RlRequest["/inference"]): Promise<Buffer> {
  if (body.artifact_base64) return Buffer.from(body.artifact_base64, "base64");
  // The app waits as long.
  const answer = await fetch(String(body.artifact_download_url), { signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(`HTTP Error ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}
