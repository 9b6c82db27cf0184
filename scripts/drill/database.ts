/** What the workers wrote into the database within a case, and what of it is there twice. */
import { z } from "zod";
import { FEEDS } from "../../contracts/markets";
import { Duration } from "../../contracts/units";
import { duplicateRows, duplicateRuns, type IngestionRun } from "../../lab/doubles/backend/count";
import { json, request, UnexpectedAnswer } from "../clients/http";
import type { Duplicates } from "./result";

const runSchema = z.object({ id: z.string().optional(), source_type: z.string(), source_id: z.string().nullish(), feed: z.string().nullish(), pair: z.string().nullish(), status: z.string().optional(), started_at: z.string(), finished_at: z.string().nullish(), instance: z.string().optional(), last_tick_at: z.string().nullish(), max_pause_ms: z.number().optional() });
/** One worker may see a book both by REST and in the stream, and writes both; by the same way and twice, there were two. */
const BOOK_KEY = ["pair", "captured_at", "source"] as const;
const bookSchema = z.object({ pair: z.string(), captured_at: z.string(), source: z.string() });
const answerSchema = <T extends z.ZodType>(row: T) => z.object({ status: z.literal("success"), value: z.object({ data: z.array(row) }) });

/** A table that a long drill has filled is read from one end to the other. */
const ANSWER_TIMEOUT = Duration.seconds(60);
/** Longer than a run of the worker's double, so that one that had begun before is seen too. */
const RUN_LASTS = Duration.seconds(15);

export interface CountWindow {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Workers that ticked within the case: a clock that an earlier one moved has left runs in the future. */
  readonly instances: ReadonlySet<string>;
}

export class DatabaseRecord {
  constructor(private readonly convex: string) {}

  async count({ from, to, instances }: CountWindow): Promise<Pick<Duplicates, "runs" | "rows">> {
    const iso = (ms: number): string => new Date(ms).toISOString();
    const [runs, books] = await Promise.all([
      this.query("ingestion_runs", runSchema, [{ field: "source_type", op: "eq", value: "bingx" }, { field: "started_at", op: "gte", value: iso(from - RUN_LASTS.milliseconds) }]),
      this.query(FEEDS.orderbook, bookSchema, [{ field: "captured_at", op: "gte", value: iso(from) }, { field: "captured_at", op: "lte", value: iso(to) }], BOOK_KEY),
    ]);
    return { runs: countRuns(runs, instances), rows: duplicateRows(books, BOOK_KEY).length };
  }

  private async query<T extends z.ZodType>(table: string, row: T, filters: readonly object[], select?: readonly string[]): Promise<z.output<T>[]> {
    const what = `the database's table ${table}`;
    const answer = await request(`${this.convex}/api/query`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path: "data:query", args: { table, filters, ...(select ? { select } : {}) }, format: "json" }), answerTimeout: ANSWER_TIMEOUT });
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    return answerSchema(row).parse(json(answer, what)).value.data;
  }
}

export function countRuns(runs: readonly IngestionRun[], instances: ReadonlySet<string>): number {
  return duplicateRuns(runs.filter(({ source_id, instance }) => !source_id && instances.has(instance ?? ""))).length;
}
