/** What data.ts of the app fills in where a row lacks it. */
import { randomUUID } from "node:crypto";
import type { Fields } from "../values/value";

/** Times of some tables' own, set to the call's time. */
const TIMES: Readonly<Record<string, string>> = {
  ideas: "ingested_at",
  telegram_posts: "ingested_at",
  news_items: "ingested_at",
  signals: "generated_at",
  sync_runs: "started_at",
  ingestion_runs: "started_at",
  trade_executions: "executed_at",
  trade_state_events: "recorded_at",
  account_risk_policies: "effective_from",
  observability_metrics: "recorded_at",
  ops_alerts: "triggered_at",
  idea_revisions: "recorded_at",
  tradingview_ideas: "scraped_at",
  tradingview_idea_updates: "scraped_at",
};

export function withId(row: Fields): Fields {
  return row.id ? row : { ...row, id: randomUUID() };
}

export function withInsertDefaults(table: string, row: Fields, now: string): Fields {
  const filled = withId(row);
  for (const field of ["created_at", "updated_at", ...(table in TIMES ? [TIMES[table]] : [])]) filled[field] ??= now;
  if (table === "trades") filled.closed_at ??= null;
  return filled;
}

export function withUpdateDefaults(row: Fields, now: string): Fields {
  return { ...row, updated_at: row.updated_at ?? now };
}
