/** Every call of the app that changes something, each decided by what its handler waits for before it answers. */

export interface Write {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  /** As the app's router writes it: `:name` is one segment. */
  readonly path: string;
  /** What it waits for, when that can outlast an ordinary call. Left out: a few reads and writes of the store. */
  readonly long?: string;
}

const ingest = "answers when the ingest is done";
const learning = "answers when the model is trained or evaluated";
// An answer that the gateway cuts off invites the caller to send the order again.
const orders = "waits for the exchange: its orders must not end in a gateway's timeout";

export const API_WRITES: readonly Write[] = [
  { method: "POST", path: "/sync/tradingview", long: ingest },
  { method: "POST", path: "/enrichment/run", long: "answers when every idea named is enriched, one after the other" },
  { method: "PUT", path: "/agent/config" },
  { method: "POST", path: "/agent/enable", long: `runs a whole trading pass; ${orders}` },
  { method: "POST", path: "/agent/disable" },
  { method: "POST", path: "/agents/:agentId/start" },
  { method: "POST", path: "/agents/:agentId/pause" },
  { method: "POST", path: "/agents/:agentId/resume" },
  { method: "POST", path: "/agents/:agentId/stop" },
  { method: "PATCH", path: "/agents/:agentId/config" },
  { method: "POST", path: "/agents/:agentId/runs/:runId/decisions", long: `reads features, asks the model, then ${orders}` },
  // It records metrics that the caller brings, and promotes or rolls back: no learning happens in it.
  { method: "POST", path: "/agents/:agentId/learning-updates" },
  { method: "POST", path: "/agents/:agentId/versions/:versionId/promote" },
  { method: "POST", path: "/agents/:agentId/versions/:versionId/rollback" },
  { method: "POST", path: "/agents/:agentId/evaluations", long: learning },
  { method: "POST", path: "/agents/:agentId/evaluations/confirm-heal", long: "backfills gaps, then evaluates, unless the app queues it" },
  { method: "POST", path: "/agents/:agentId/training", long: learning },
  { method: "PATCH", path: "/agents/:agentId/drift-alerts/:alertId" },
  { method: "POST", path: "/agents/:agentId/drift-alerts/resolve-open" },
  { method: "POST", path: "/agents/:agentId/kill-switch" },
  { method: "PATCH", path: "/agents/:agentId/promotion-gates" },
  { method: "PATCH", path: "/agents/:agentId/source-policies" },
  { method: "POST", path: "/risk-limits" },
  { method: "PATCH", path: "/risk-limits/:riskLimitId" },
  { method: "POST", path: "/trades/:id/cancel", long: orders },
  { method: "POST", path: "/trades/:id/close", long: orders },
  { method: "POST", path: "/telegram/sources" },
  { method: "POST", path: "/telegram/ingest", long: ingest },
  { method: "POST", path: "/ingestion/tradingview/sync", long: ingest },
  { method: "POST", path: "/ingestion/telegram/ingest", long: ingest },
  { method: "POST", path: "/ingestion/bingx/backfill", long: ingest },
  { method: "POST", path: "/ingestion/bingx/refresh", long: ingest },
  { method: "PUT", path: "/ops/ingestion/config" },
  { method: "POST", path: "/ops/ingestion/:source/run", long: ingest },
  { method: "POST", path: "/ops/ingestion/:source/backfill", long: ingest },
  { method: "POST", path: "/ops/ingestion/:source/pause" },
  { method: "POST", path: "/ops/ingestion/:source/resume" },
  { method: "POST", path: "/ops/trading/reconcile", long: "asks the exchange for every open execution, one after the other" },
  { method: "POST", path: "/ops/learning/run", long: learning },
  { method: "PUT", path: "/idea-reviews/:ideaId" },
  { method: "POST", path: "/idea-notes/:ideaId" },
  { method: "POST", path: "/news/ingest", long: ingest },
  { method: "POST", path: "/idea-ocr/run", long: "answers when the text of every image in the batch is read" },
  { method: "PUT", path: "/source-policies" },
  { method: "PATCH", path: "/data-sources/config" },
  { method: "POST", path: "/data-sources/backfill", long: ingest },
  { method: "POST", path: "/bingx/market-data/backfill", long: ingest },
  { method: "POST", path: "/bingx/market-data/refresh", long: ingest },
  { method: "POST", path: "/feature-sets" },
  { method: "POST", path: "/instrument-mappings" },
];

export const RL_SERVICE_WRITES: readonly Write[] = [
  // The app asks with a limit of 15 s (RL_SERVICE_TIMEOUT_MS).
  { method: "POST", path: "/inference" },
  { method: "POST", path: "/evaluations", long: learning },
  { method: "POST", path: "/datasets/preview", long: "builds the whole dataset of a training or an evaluation" },
  { method: "POST", path: "/training/run", long: learning },
  { method: "POST", path: "/monitoring/drift" },
];
