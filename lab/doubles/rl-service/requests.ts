/** The bodies that the API sends, field by field (backend/rl-service/src/schemas.py of the app). */
import { allPairs, DEFAULT_CATALOG } from "../../../contracts/markets";
import { fields, flag, list, number, oneOf, optional, record, text, time, whole, type Check } from "./fields";

// The app's own list is fixed in its code: the pairs of its default catalog, whatever the environment trades.
const pair = oneOf(allPairs(DEFAULT_CATALOG));

const candle = fields({ timestamp: time, open: number, high: number, low: number, close: number, volume: number });
const auxiliary = fields({ source: text, timestamp: time, score: number, confidence: optional(number) });

/** A part of the body that has a default in the app: it may be left out, and must not be null. */
function defaulted(check: Check): Check {
  return (value, loc) => (value === undefined ? [] : check(value, loc));
}

const window = { window_size: defaulted(whole), stride: defaulted(whole) };
const artifact = { artifact_uri: optional(text), artifact_checksum: optional(text), artifact_download_url: optional(text), artifact_base64: optional(text) };
const features = optional(list(record));

export const REQUESTS = {
  "/inference": fields({
    pair,
    market: fields({ pair, candles: list(candle), last_price: optional(number), spread: optional(number) }),
    ideas: defaulted(list(auxiliary)),
    signals: defaulted(list(auxiliary)),
    news: defaulted(list(auxiliary)),
    ocr: defaulted(list(auxiliary)),
    recent_trades: defaulted(list(fields({ executed_at: time, side: oneOf(["long", "short", "close"]), quantity: number, price: number }))),
    risk_limits: optional(fields({ max_position_size: number, leverage_cap: number, max_daily_loss: number, max_drawdown: number, max_open_positions: whole })),
    learning_enabled: defaulted(flag),
    policy_version: optional(text),
    ...artifact,
  }),
  "/evaluations": fields({
    pair,
    period_start: time,
    period_end: time,
    interval: defaulted(text),
    dataset_hash: optional(text),
    dataset_features: features,
    decision_threshold: optional(number),
    backtest_mode: defaulted(oneOf(["l1", "l2", "l3"])),
    ...window,
    ...artifact,
  }),
  "/datasets/preview": fields({ pair, interval: defaulted(text), start_at: time, end_at: time, feature_set_version_id: optional(text), feature_schema_fingerprint: optional(text), features, ...window }),
  "/training/run": fields({ pair, period_start: time, period_end: time, interval: defaulted(text), dataset_features: features, timesteps: defaulted(whole), seed: optional(whole), ...window }),
  "/monitoring/drift": fields({ agent_id: text, metric: text, baseline_value: number, current_value: number, threshold: number }),
} satisfies Readonly<Record<string, Check>>;

export type RlPath = keyof typeof REQUESTS;
export const RL_PATHS = Object.keys(REQUESTS) as RlPath[];

interface Windowed {
  readonly window_size?: number;
  readonly stride?: number;
}
interface Artifact {
  readonly artifact_uri?: string | null;
  readonly artifact_checksum?: string | null;
  readonly artifact_download_url?: string | null;
  readonly artifact_base64?: string | null;
}
type Features = readonly Record<string, unknown>[];
interface Scored {
  readonly score: number;
  readonly confidence?: number | null;
}

/** What a body is once its check has passed. */
export interface RlRequest {
  readonly "/inference": Artifact & {
    readonly pair: string;
    readonly market: { readonly candles: readonly { readonly close: number }[] };
    readonly ideas?: readonly Scored[];
    readonly signals?: readonly Scored[];
    readonly news?: readonly Scored[];
    readonly ocr?: readonly Scored[];
    readonly risk_limits?: { readonly max_position_size: number; readonly max_open_positions: number } | null;
    readonly learning_enabled?: boolean;
    readonly policy_version?: string | null;
  };
  readonly "/evaluations": Windowed & Artifact & { readonly pair: string; readonly period_start: string; readonly period_end: string; readonly interval?: string; readonly dataset_hash?: string | null; readonly dataset_features?: Features | null; readonly decision_threshold?: number | null };
  readonly "/datasets/preview": Windowed & { readonly pair: string; readonly interval?: string; readonly start_at: string; readonly end_at: string; readonly feature_set_version_id?: string | null; readonly feature_schema_fingerprint?: string | null; readonly features?: Features | null };
  readonly "/training/run": Windowed & { readonly pair: string; readonly dataset_features?: Features | null; readonly timesteps?: number; readonly seed?: number | null };
  readonly "/monitoring/drift": { readonly metric: string; readonly baseline_value: number; readonly current_value: number; readonly threshold: number };
}
