/** Of the app's tables, those that a move looks at itself. As in the app, rows are not validated. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema(
  {
    ingestion_runs: defineTable({
      id: v.string(),
      source_type: v.string(),
      source_id: v.optional(v.union(v.string(), v.null())),
      feed: v.optional(v.union(v.string(), v.null())),
      trigger: v.string(),
      status: v.string(),
      started_at: v.optional(v.string()),
      finished_at: v.optional(v.union(v.string(), v.null())),
    }),
  },
  { schemaValidation: false },
);
