/** e2e.ts of the app: the probe, and the reset of its end-to-end tests. */
import type { Writer } from "../store/documents";
import type { Functions } from "./definition";
import { v } from "./validate";

const RESET_TOKEN = "local-e2e";
const RESET_TABLES = [
  "ideas", "enrichments", "signals", "telegram_posts", "news_items", "ocr_items", "trades", "trade_decisions", "trade_executions",
  "trade_state_events", "agent_runs", "agent_versions", "agent_configurations", "dataset_versions", "feature_set_versions",
  "model_artifacts", "risk_limit_sets", "data_source_status", "data_source_configs", "sources", "ops_alerts", "ops_audit_events",
  "retry_queue", "ingestion_runs", "sync_runs",
];

async function emptied(db: Writer, table: string) {
  const ids: string[] = [];
  for await (const { id } of db.scan(table)) ids.push(id);
  await db.remove(table, ids);
  return { table, deleted: ids.length };
}

export const PROBE_FUNCTIONS: Functions = {
  "e2e:ping": { kind: "query", args: {}, run: async () => ({ ok: true, timestamp: new Date().toISOString() }) },
  "e2e:reset": {
    kind: "mutation",
    args: { token: v.string },
    tables: () => RESET_TABLES,
    async run(db, args) {
      if (args.token !== RESET_TOKEN) throw new Error("Invalid reset token.");
      const results = [];
      for (const table of RESET_TABLES) results.push(await emptied(db, table));
      return { ok: true, results };
    },
  },
};
