/** Training, which the rl-service does and the caller waits for; and what the api knows of the rl-service. */
import { pairNamed } from "../../pairs";
import { candleRows } from "../../feeds";
import { insert, rows, type Row } from "../../store";
import { invalid, objectBody, type Api, type Handler, type Routes } from "../router";
import { audit } from "./market";

/** As the app asks with: an ordinary training window. */
const MOST_FEATURES = 1_000;
const HEALTH_TIMEOUT_MS = 3_000;

async function askRl<T>({ settings, fetcher }: Api, path: string, body?: object): Promise<T> {
  const { url, timeoutMs } = settings.rlService;
  const response = await fetcher(`${url}${path}`, { ...(body ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {}), signal: AbortSignal.timeout(body ? timeoutMs : HEALTH_TIMEOUT_MS) });
  const text = await response.text();
  if (!response.ok) throw new Error(`RL service answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}

/** Candles of the period from the store; the exchange's where the store has none. */
async function features(api: Api, pair: string, interval: string, start: string, end: string): Promise<Row[]> {
  const stored = await api.store.query<Row[]>("bingx_candles:listByRange", { pair, interval, start, end, limit: MOST_FEATURES });
  const candles = stored.length > 0 ? stored : await candleRows(api.bingx, pair, interval, { startTime: Date.parse(start), endTime: Date.parse(end), limit: MOST_FEATURES });
  return candles.map(({ open_time, open, high, low, close, volume }) => ({ timestamp: open_time, open, high, low, close, volume }));
}

const train: Handler = async (call) => {
  const { api } = call;
  const body = await objectBody(call);
  const pair = pairNamed(String(body.pair), api.settings.pairs);
  const [start, end] = [String(body.periodStart), String(body.periodEnd)];
  if (!pair || Number.isNaN(Date.parse(start)) || Number.isNaN(Date.parse(end))) throw invalid("pair must be one that is ingested, periodStart and periodEnd times");
  const interval = typeof body.interval === "string" ? body.interval : "1m";
  const dataset_features = await features(api, pair, interval, start, end);
  const optional = Object.fromEntries([["windowSize", "window_size"], ["stride", "stride"], ["timesteps", "timesteps"], ["seed", "seed"]].flatMap(([from, to]) => (body[from] === undefined ? [] : [[to, body[from]]])));
  const result = await askRl<Row>(api, "/training/run", { pair, period_start: start, period_end: end, interval, dataset_features, ...optional });
  const datasetVersion = await insert(api.store, "dataset_versions", { pair, interval, start_at: start, end_at: end, row_count: dataset_features.length });
  const { artifact_base64, ...described } = result;
  const artifact = await insert(api.store, "model_artifacts", { ...described, size_bytes: typeof artifact_base64 === "string" ? Math.floor((artifact_base64.length * 3) / 4) : 0 });
  const agentVersion = await insert(api.store, "agent_versions", { name: `double-${pair}-${new Date(api.now()).toISOString()}`, status: "draft", artifact_uri: `double://model_artifacts/${String(artifact.id)}`, dataset_version_id: datasetVersion.id });
  await audit(call, "agent.training.run", "agent_version", body, String(agentVersion.id));
  return { status: 201, body: { agentVersion, datasetVersion, artifact } };
};

const status: Handler = async ({ api }) => {
  const checkedAt = new Date(api.now()).toISOString();
  const health = await askRl<Row>(api, "/health").then(
    (answer) => ({ status: "ok", checkedAt, environment: answer.environment, error: null }),
    (error: Error) => ({ status: "unavailable", checkedAt, error: error.message }),
  );
  return { body: { generatedAt: checkedAt, config: {}, rlService: { url: api.settings.rlService.url, mock: false, health }, latestUpdates: [], latestReport: null, latestReportsByPair: [] } };
};

export const learningRoutes: Routes = {
  "POST /agents/:agentId/training": train,
  "GET /agents/:agentId/versions": async ({ api }) => ({ body: await rows(api.store, "agent_versions", { newestBy: "created_at", limit: 100 }) }),
  "GET /ops/learning/status": status,
};
