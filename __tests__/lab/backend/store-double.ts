/** Convex in memory, as far as the backend's doubles use it; the real protocol is tested with the image. */
import { randomUUID } from "node:crypto";
import type { Filter, Row, Store } from "../../../lab/doubles/backend/store";

type Table = Record<string, unknown>[];

export class MemoryStore implements Store {
  readonly tables = new Map<string, Table>();
  /** Set to make every call fail. */
  down = false;
  /** Names of the mutations, in order. */
  readonly mutations: string[] = [];

  table(name: string): Table {
    if (!this.tables.has(name)) this.tables.set(name, []);
    return this.tables.get(name)!;
  }

  async query<T>(path: string, args: Record<string, unknown>): Promise<T> {
    if (this.down) throw new Error("Convex is away");
    if (path === "data:query") return { data: this.select(String(args.table), args.filters as Filter[], args.order as { field: string } | undefined, args.limit as number | undefined) } as T;
    if (path === "ingestion_runs:list") return { data: this.select("ingestion_runs", [], { field: "started_at" }) } as T;
    if (path === "ingestion_runs:latest") return (this.select("ingestion_runs", [{ field: "feed", op: "eq", value: args.feed }], { field: "started_at" })[0] ?? null) as T;
    const [table, fn] = path.split(":");
    const ofPair = this.table(table).filter((row) => row.pair === args.pair);
    if (fn === "latestTime") return (ofPair.map((row) => String(row.executed_at)).sort().at(-1) ?? null) as T;
    // Newest first, but where the oldest are asked for.
    if (fn === "listByRange") return ofPair.sort((a, b) => String(b.open_time).localeCompare(String(a.open_time)) * (args.order === "asc" ? -1 : 1)).slice(0, args.limit as number) as T;
    throw new Error(`no query ${path}`);
  }

  async mutation<T>(path: string, args: Record<string, unknown>): Promise<T> {
    if (this.down) throw new Error("Convex is away");
    this.mutations.push(path === "data:write" ? `${String(args.action)} ${String(args.table)}` : path);
    if (path === "data:write") return this.write(args) as T;
    const [table, fn] = path.split(":");
    if (fn === "upsertBatch") {
      this.table(table).push(...(args.rows as Table));
      return undefined as T;
    }
    const runs = this.table("ingestion_runs");
    if (fn === "complete") return Object.assign(runs.find((run) => run.id === args.id)!, args, { finished_at: new Date().toISOString() }) as T;
    const running = runs.find((run) => run.feed === args.feed && run.status === "running");
    if (fn === "startIfIdle" && running) return { created: false, run: running } as T;
    const run = { id: randomUUID(), started_at: new Date().toISOString(), finished_at: null, status: "running", ...args };
    runs.push(run);
    return (fn === "startIfIdle" ? { created: true, run } : run) as T;
  }

  private select(table: string, filters: readonly Filter[], order?: { readonly field: string }, limit?: number): Row[] {
    const found = this.table(table).filter((row) => filters.every(({ field, op, value }) => (op === "in" ? (value as unknown[]).includes(row[field]) : (row[field] ?? null) === value)));
    if (order) found.sort((a, b) => String(b[order.field]).localeCompare(String(a[order.field])));
    return found.slice(0, limit);
  }

  private write({ table, action, payload, filters = [], onConflict = [] }: Record<string, unknown>): { data: Row[] } {
    const rows = this.table(String(table));
    if (action === "update") {
      const changed = this.select(String(table), filters as Filter[]);
      for (const row of changed) Object.assign(row, payload);
      return { data: changed };
    }
    const given = (Array.isArray(payload) ? payload : [payload]) as Table;
    return {
      data: given.map((row) => {
        const known = action === "upsert" ? rows.find((other) => (onConflict as string[]).every((field) => other[field] === row[field])) : undefined;
        const now = new Date().toISOString();
        const stored = known ? Object.assign(known, row) : { id: randomUUID(), created_at: now, updated_at: now, ...row };
        if (!known) rows.push(stored);
        return stored;
      }),
    };
  }
}
