/** data.ts of the app: any table, by filters. */
import type { Reader, Writer } from "../store/documents";
import { fieldsOf, stripped, type StoredDocument } from "../values/document";
import { toText } from "../values/text";
import { isFields, type Fields, type Value } from "../values/value";
import { withId, withInsertDefaults, withUpdateDefaults } from "./defaults";
import type { Functions } from "./definition";
import { narrowing, ordered, predicate, selected, windowed, type Filter } from "./filters";
import { v } from "./validate";

interface Found {
  readonly document: StoredDocument;
  readonly fields: Fields;
}

async function matching(db: Reader, table: string, filters: readonly Filter[], orFilters: readonly Filter[] = []): Promise<Found[]> {
  const passes = predicate(filters, orFilters);
  const found: Found[] = [];
  for await (const document of db.scan(table, narrowing(filters))) {
    const fields = fieldsOf(document);
    if (passes(fields)) found.push({ document, fields });
  }
  return found;
}

const rowsOf = (payload: Value | undefined) => (Array.isArray(payload) ? payload : [payload]).filter(isFields);
const keyOf = (row: Fields, fields: readonly string[]) => fields.map((field) => (row[field] === undefined ? "" : toText(row[field]))).join("|");

async function upsert(db: Writer, table: string, rows: readonly Fields[], onConflict: readonly string[], now: string): Promise<Fields[]> {
  const known = new Map<string, Found>();
  if (onConflict.length > 0 && rows.length > 0) {
    // Fields that have one value in all rows narrow the search.
    const constant = onConflict.filter((field) => rows.every((row) => row[field] !== undefined && toText(row[field]) === toText(rows[0][field] as Value)));
    const filters = constant.map((field) => ({ field, op: "eq", value: rows[0][field] as Value }));
    for (const found of await matching(db, table, filters)) known.set(keyOf(found.fields, onConflict), found);
  }
  const results: Fields[] = [];
  const changed: { document: StoredDocument; fields: Fields }[] = [];
  const inserted: Fields[] = [];
  for (const row of rows.map(withId)) {
    const found = onConflict.length > 0 ? known.get(keyOf(row, onConflict)) : undefined;
    if (found) {
      const fields = withUpdateDefaults(row, now);
      changed.push({ document: found.document, fields });
      results.push({ ...found.fields, ...fields });
    } else {
      const fields = withInsertDefaults(table, row, now);
      inserted.push(fields);
      results.push(fields);
    }
  }
  await db.insert(table, inserted);
  // One by one: a row that comes twice builds on the first.
  for (const change of changed) await db.patch(table, [{ ...change, document: (await db.get(table, change.document.id)) ?? change.document }]);
  return results;
}

const filter = v.object({ field: v.string, op: v.string, value: v.any });

export const DATA_FUNCTIONS: Functions = {
  "data:query": {
    kind: "query",
    args: {
      table: v.string,
      select: v.optional(v.array(v.string)),
      filters: v.array(filter),
      orFilters: v.optional(v.array(filter)),
      order: v.optional(v.object({ field: v.string, direction: v.literal("asc", "desc") })),
      range: v.optional(v.object({ from: v.number, to: v.number })),
      limit: v.optional(v.number),
      includeCount: v.optional(v.boolean),
    },
    async run(db, args) {
      const found = await matching(db, args.table as string, args.filters as unknown as Filter[], args.orFilters as unknown as Filter[] | undefined);
      const docs = ordered(found.map(({ fields }) => fields), args.order as { field: string; direction: "asc" | "desc" } | undefined);
      const page = windowed(docs, args.range as { from: number; to: number } | undefined, args.limit as number | undefined);
      return { data: page.map((doc) => selected(doc, args.select as string[] | undefined)), count: args.includeCount ? docs.length : undefined };
    },
  },
  "data:write": {
    kind: "mutation",
    args: {
      table: v.string,
      action: v.literal("insert", "update", "delete", "upsert"),
      payload: v.optional(v.any),
      filters: v.optional(v.array(filter)),
      onConflict: v.optional(v.array(v.string)),
      select: v.optional(v.array(v.string)),
    },
    tables: (args) => [args.table as string],
    async run(db, args) {
      const table = args.table as string;
      const now = new Date().toISOString();
      const filters = (args.filters ?? []) as unknown as Filter[];
      let results: Fields[] = [];
      if (args.action === "insert") {
        results = rowsOf(args.payload).map((row) => withInsertDefaults(table, { ...row }, now));
        await db.insert(table, results);
      } else if (args.action === "update") {
        const found = await matching(db, table, filters);
        const fields = withUpdateDefaults(isFields(args.payload) ? args.payload : {}, now);
        await db.patch(table, found.map(({ document }) => ({ document, fields })));
        results = found.map((doc) => ({ ...doc.fields, ...fields }));
      } else if (args.action === "delete") {
        const found = await matching(db, table, filters);
        await db.remove(table, found.map(({ document }) => document.id));
        results = found.map(({ fields }) => fields);
      } else {
        results = await upsert(db, table, rowsOf(args.payload), (args.onConflict ?? []) as string[], now);
      }
      return { data: results.map((doc) => selected(stripped(doc), args.select as string[] | undefined)), count: results.length };
    },
  },
};
