/** The tables and indexes of the app's schema (convex/schema.ts). Other tables come into being by their first document. */
export const INDEXES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  bingx_candles: { by_pair_interval_open_time: ["pair", "interval", "open_time"] },
  bingx_tickers: { by_pair_captured_at: ["pair", "captured_at"] },
  bingx_mark_index_prices: { by_pair_captured_at: ["pair", "captured_at"] },
  bingx_trades: { by_pair_trade_id: ["pair", "trade_id"], by_pair_executed_at: ["pair", "executed_at"] },
  bingx_open_interest: { by_pair_captured_at: ["pair", "captured_at"] },
  bingx_funding_rates: { by_pair_funding_time: ["pair", "funding_time"] },
  bingx_orderbook_snapshots: { by_pair_captured_at: ["pair", "captured_at"] },
  ingestion_runs: {
    by_run_id: ["id"],
    by_started_at: ["started_at"],
    by_source_type_started_at: ["source_type", "started_at"],
    by_source_type_source_id_started_at: ["source_type", "source_id", "started_at"],
  },
  sync_runs: { by_run_id: ["id"], by_started_at: ["started_at"], by_source_id_started_at: ["source_id", "started_at"] },
};

/** Files' metadata; a system table, in snapshots only with file storage. */
export const STORAGE_TABLE = "_storage";
