/** ingestion_runs.ts and sync_runs.ts of the app. */
import { randomUUID } from "node:crypto";
import type { Reader } from "../store/documents";
import { fieldsOf, stripped } from "../values/document";
import type { StoredDocument } from "../values/document";
import type { Fields, Value } from "../values/value";
import type { Functions, MutationFunction, QueryFunction } from "./definition";
import { v } from "./validate";

const nullableString = v.optional(v.nullable(v.string));
const nullableNumber = v.optional(v.nullable(v.number));
const quality = { error_summary: nullableString, coverage_pct: nullableNumber, missing_fields_count: nullableNumber, parse_confidence: nullableNumber };

interface Run {
  readonly document: StoredDocument;
  readonly fields: Fields;
}

/** Fields that every new run has, whatever its table. */
function newRun(args: Fields, now: string): Fields {
  return {
    id: randomUUID(),
    status: args.status,
    started_at: args.started_at ?? now,
    finished_at: null,
    new_count: args.new_count ?? 0,
    updated_count: args.updated_count ?? 0,
    error_count: args.error_count ?? 0,
    error_summary: args.error_summary ?? null,
    coverage_pct: args.coverage_pct ?? null,
    missing_fields_count: args.missing_fields_count ?? null,
    parse_confidence: args.parse_confidence ?? null,
    created_at: now,
    updated_at: now,
  };
}

const ingestionRun = (args: Fields, now: string): Fields => ({
  ...newRun(args, now),
  source_type: args.source_type,
  source_id: args.source_id ?? null,
  feed: args.feed ?? null,
  trigger: args.trigger,
});

/** Newest first. With a feed, it looks among 25 times as many runs (100 to 1000), as the app does. */
async function ingestionRuns(db: Reader, args: Fields, count: number): Promise<Run[]> {
  const requested = Math.max(1, count);
  const equal: [string, string | null][] = [];
  if (args.source_type) {
    equal.push(["source_type", args.source_type as string]);
    if (args.source_id !== undefined) equal.push(["source_id", args.source_id as string | null]);
  }
  const limit = args.feed === undefined ? requested : Math.min(1000, Math.max(requested * 25, 100));
  const documents = await db.range({ table: "ingestion_runs", equal, by: { field: "started_at" }, order: "desc", limit });
  const runs = documents.map((document) => ({ document, fields: fieldsOf(document) }));
  return (args.feed === undefined ? runs : runs.filter(({ fields }) => (fields.feed ?? null) === args.feed)).slice(0, requested);
}

async function syncRuns(db: Reader, args: Fields, count: number): Promise<Run[]> {
  const equal: [string, string | null][] = args.source_id === undefined ? [] : [["source_id", args.source_id as string | null]];
  const documents = await db.range({ table: "sync_runs", equal, by: { field: "started_at" }, order: "desc", limit: count });
  return documents.map((document) => ({ document, fields: fieldsOf(document) }));
}

function list(collect: typeof ingestionRuns, args: QueryFunction["args"], defaultSize: number): QueryFunction {
  return {
    kind: "query",
    args: { ...args, page: v.optional(v.number), page_size: v.optional(v.number) },
    async run(db, given) {
      const page = Math.max(1, (given.page as number | undefined) ?? 1);
      const size = Math.min(250, Math.max(1, (given.page_size as number | undefined) ?? defaultSize));
      const from = (page - 1) * size;
      const runs = await collect(db, given, from + size);
      return { data: runs.slice(from, from + size).map(({ fields }) => stripped(fields)), count: null };
    },
  };
}

function complete(table: string): MutationFunction {
  return {
    kind: "mutation",
    args: { id: v.string, status: v.string, new_count: v.number, updated_count: v.number, error_count: v.number, ...quality },
    tables: () => [table],
    async run(db, args) {
      const [document] = await db.range({ table, equal: [["id", args.id as string]], limit: 1 });
      if (!document) return null;
      const now = new Date().toISOString();
      const fields: Fields = {
        status: args.status,
        finished_at: now,
        new_count: args.new_count,
        updated_count: args.updated_count,
        error_count: args.error_count,
        error_summary: args.error_summary ?? null,
        coverage_pct: args.coverage_pct ?? null,
        missing_fields_count: args.missing_fields_count ?? null,
        parse_confidence: args.parse_confidence ?? null,
        updated_at: now,
      };
      await db.patch(table, [{ document, fields }]);
      return stripped({ ...fieldsOf(document), ...fields });
    },
  };
}

const create = (table: string, args: MutationFunction["args"], row: (given: Fields, now: string) => Fields): MutationFunction => ({
  kind: "mutation",
  args,
  tables: () => [table],
  async run(db, given) {
    const fields = row(given, new Date().toISOString());
    await db.insert(table, [fields]);
    return fields;
  },
});

const startIfIdle: MutationFunction = {
  kind: "mutation",
  args: { source_type: v.string, source_id: nullableString, feed: nullableString, trigger: v.string, timeout_minutes: v.optional(v.number), started_at: v.optional(v.string) },
  tables: () => ["ingestion_runs"],
  async run(db, args): Promise<Value> {
    const nowMs = Date.now();
    const now = new Date(nowMs).toISOString();
    const timeoutMs = Math.max(0, (args.timeout_minutes as number | undefined) ?? 0) * 60_000;
    const runs = await ingestionRuns(db, { source_type: args.source_type, source_id: args.source_id ?? null, feed: args.feed ?? null }, 100);
    const running = runs.filter(({ fields }) => fields.status === "running");
    const age = ({ fields }: Run) => nowMs - (typeof fields.started_at === "string" && fields.started_at ? new Date(fields.started_at).getTime() : Number.NaN);
    // A run whose start cannot be read is never stale: it blocks.
    const stale = running.filter((run) => timeoutMs > 0 && age(run) > timeoutMs);
    await db.patch("ingestion_runs", stale.map(({ document, fields }) => ({
      document,
      fields: { status: "failed", finished_at: now, error_count: ((fields.error_count as number | undefined) ?? 0) + 1, error_summary: "timeout", updated_at: now },
    })));
    const timedOut = stale.map(({ fields }) => fields.id).find((id) => typeof id === "string") ?? null;
    const active = running.find((run) => !stale.includes(run));
    if (active) return { created: false, reason: "running", run: stripped(active.fields), timed_out_run_id: timedOut };
    const run = ingestionRun({ ...args, status: "running" }, now);
    await db.insert("ingestion_runs", [run]);
    return { created: true, reason: stale.length > 0 ? "timeout_reclaimed" : "started", run, timed_out_run_id: timedOut };
  },
};

const latest: QueryFunction = {
  kind: "query",
  args: { source_type: v.string, source_id: nullableString, feed: nullableString },
  async run(db, args) {
    const [run] = await ingestionRuns(db, args, 1);
    return run ? stripped(run.fields) : null;
  },
};

const counts = { new_count: v.optional(v.number), updated_count: v.optional(v.number), error_count: v.optional(v.number) };

export const RUN_FUNCTIONS: Functions = {
  "ingestion_runs:create": create(
    "ingestion_runs",
    { source_type: v.string, source_id: nullableString, feed: nullableString, trigger: v.string, status: v.string, ...counts, ...quality, started_at: v.optional(v.string) },
    ingestionRun,
  ),
  "ingestion_runs:startIfIdle": startIfIdle,
  "ingestion_runs:complete": complete("ingestion_runs"),
  "ingestion_runs:list": list(ingestionRuns, { source_type: v.optional(v.string), source_id: nullableString, feed: nullableString }, 25),
  "ingestion_runs:latest": latest,
  "sync_runs:create": create("sync_runs", { source_id: v.string, status: v.optional(v.string) }, (given, now) => ({ ...newRun({ status: given.status ?? "running" }, now), source_id: given.source_id })),
  "sync_runs:complete": complete("sync_runs"),
  "sync_runs:list": list(syncRuns, { source_id: nullableString }, 50),
};
