/** What operations read. Where the app hides a failure of its store behind a 200, so does the double. */
import { gapHealth } from "../../gaps";
import { pairNamed } from "../../pairs";
import { sourceStatuses } from "../../sources";
import { eq, rows, upsert, type Row } from "../../store";
import { FEED_NAMES } from "../../feeds";
import { countOf, invalid, objectBody, Refusal, type Call, type Handler, type Reply, type Routes } from "../router";

/** Answers 200 with `instead` when the store fails, as the app does on this path: zeros are then no evidence. */
function forgiving(handler: Handler, instead: (call: Call) => unknown): Handler {
  return async (call): Promise<Reply> => {
    try {
      return await handler(call);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      call.api.log(`answered without the store: ${error instanceof Error ? error.message : String(error)}`);
      return { body: instead(call) };
    }
  };
}

const list = (table: string, newestBy: string, standard: number, most = 500): Handler => async ({ api, query }) => ({ body: await rows(api.store, table, { newestBy, limit: countOf(query, "limit", standard, most) }) });

const generated = ({ api }: Call): { generated_at: string } => ({ generated_at: new Date(api.now()).toISOString() });

const statuses: Handler = async ({ api, query }) => {
  const asked = query.get("pair");
  const pairs = asked === null ? api.settings.pairs : [pairNamed(asked, api.settings.pairs) ?? asked];
  return { body: await sourceStatuses(api.store, pairs, api.now()) };
};

const gaps: Handler = async ({ api, query }) => {
  const [pair, source, limit] = [query.get("pair"), query.get("source_type"), query.get("limit")];
  if (pair !== null && !pairNamed(pair, api.settings.pairs)) throw new Refusal(400, { error: "Invalid pair" });
  if (limit !== null && !(Number.parseInt(limit, 10) > 0)) throw new Refusal(400, { error: "Invalid limit" });
  const filters = [{ field: "status", op: "in" as const, value: ["open", "healing"] }, ...(pair ? [eq("pair", pair)] : []), ...(source ? [eq("source_type", source)] : [])];
  return { body: gapHealth(await rows(api.store, "data_gap_events", { filters, newestBy: "detected_at", limit: countOf(query, "limit", 100, 250) }), api.now()) };
};

const runs: Handler = async ({ api, query }) => {
  const optional = Object.fromEntries(["source_type", "source_id", "feed"].flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : [])));
  const { data } = await api.store.query<{ data: Row[] }>("ingestion_runs:list", { ...optional, page: countOf(query, "page", 1, 100_000), page_size: countOf(query, "page_size", 25, 250) });
  return { body: { data, total: data.length } };
};

const ingestionStatus: Handler = async (call) => {
  const { api } = call;
  const sources = await Promise.all(
    FEED_NAMES.map(async (feed) => {
      const run = await api.store.query<Row | null>("ingestion_runs:latest", { source_type: "bingx", source_id: null, feed });
      const state = run ? (run.status === "succeeded" ? "ok" : run.status) : "unavailable";
      return { source_type: "bingx", source_id: null, feed, enabled: true, refresh_interval_seconds: 60, backoff_base_seconds: null, backoff_max_seconds: null, last_run: run, state, last_run_at: run?.started_at ?? null, next_run_at: null };
    }),
  );
  return { body: { ...generated(call), sources } };
};

const dashboard: Handler = async ({ api }) => {
  const [ideas, signals, trades] = await Promise.all(["ideas", "signals", "trades"].map((table) => rows(api.store, table)));
  const [run] = await rows(api.store, "sync_runs", { newestBy: "started_at", limit: 1 });
  return { body: { idea_count: ideas.length, signal_count: signals.length, trade_count: trades.length, last_sync_status: run?.status ?? null, last_sync_at: run?.finished_at ?? null } };
};

const configureSources: Handler = async (call) => {
  const { sources } = await objectBody(call);
  if (!Array.isArray(sources)) throw invalid("sources must be a list");
  const changed = (sources as { sourceType: string; enabled: boolean; freshnessThresholdSeconds?: number }[]).flatMap((source) =>
    call.api.settings.pairs.map((pair) => ({ pair, source_type: source.sourceType, enabled: source.enabled, freshness_threshold_seconds: source.freshnessThresholdSeconds ?? 120 })),
  );
  await upsert(call.api.store, "data_source_configs", changed, ["pair", "source_type"]);
  return { body: { sources: changed.map((c) => ({ pair: c.pair, sourceType: c.source_type, enabled: c.enabled, freshnessThresholdSeconds: c.freshness_threshold_seconds })) } };
};

export const operationsRoutes: Routes = {
  "GET /ops/gaps/health": forgiving(gaps, ({ api }) => gapHealth([], api.now())),
  "GET /ops/alerts": list("ops_alerts", "triggered_at", 100),
  "GET /ops/ingestion/runs": forgiving(runs, () => ({ data: [], total: 0 })),
  "GET /ops/ingestion/status": forgiving(ingestionStatus, (call) => ({ ...generated(call), sources: [] })),
  "GET /ops/retry-queue": list("retry_queue", "created_at", 50),
  "GET /ops/audit": forgiving(async ({ api, query }) => ({ body: { data: await rows(api.store, "ops_audit_events", { newestBy: "created_at", limit: countOf(query, "limit", 100, 500) }) } }), () => ({ data: [] })),
  "GET /data-sources/status": statuses,
  "PATCH /data-sources/config": configureSources,
  "GET /bingx/market-data/status": statuses,
  "GET /sync/runs": async ({ api, query }) => ({ body: (await api.store.query<{ data: Row[] }>("sync_runs:list", query.get("source_id") ? { source_id: query.get("source_id") } : {})).data }),
  "GET /risk-limits": list("risk_limit_sets", "created_at", 100),
  "GET /datasets": list("dataset_versions", "created_at", 100),
  "GET /dashboard/summary": forgiving(dashboard, () => ({ idea_count: 0, signal_count: 0, trade_count: 0, last_sync_status: null, last_sync_at: null })),
};
