/**
 * What ingestion_runs says of this process: one run for each feed, over all pairs,
 * for each stretch of ten seconds, begun where the one before ended. While it runs,
 * it is marked with the time of the last progress, so that a killed worker's run
 * tells when it really ended.
 */
import { randomUUID } from "node:crypto";
import type { Feed } from "../../../../contracts/markets";
import { FEED_NAMES, iso } from "../feeds";
import { eq, rows, update, upsert, type Row, type Store } from "../store";

/** 420 runs in ten minutes: whoever looks for duplicates reads the newest 1,000, and must see ten minutes even of two workers. */
export const WINDOW_MS = 10_000;
const TABLE = "ingestion_runs";
/** The row of a run has it from its insert on: it finds the row again by an index. */
const KEY = ["id", "source_type", "started_at"];

export class RunWindow {
  private readonly ids = new Map<Feed, string>(FEED_NAMES.map((feed) => [feed, randomUUID()]));
  private readonly written = new Map<Feed, number>();
  private ticks = 0;
  private lastTickMs: number;
  private longestPauseMs = 0;
  private endMs: number | undefined;
  private stored = false;

  /** @param carriedMs time of the last progress before this window, so that a pause across its border shows */
  constructor(readonly instance: string, readonly startMs: number, private readonly pairs: number, carriedMs = startMs) {
    this.lastTickMs = carriedMs;
  }

  get lastProgressMs(): number {
    return this.lastTickMs;
  }

  /** Notes that data came. */
  tick(atMs: number): void {
    this.ticks += 1;
    this.longestPauseMs = Math.max(this.longestPauseMs, atMs - this.lastTickMs);
    this.lastTickMs = Math.max(this.lastTickMs, atMs);
  }

  wrote(feed: Feed, count: number): void {
    this.written.set(feed, (this.written.get(feed) ?? 0) + count);
  }

  end(atMs: number): void {
    this.longestPauseMs = Math.max(this.longestPauseMs, atMs - this.lastTickMs);
    this.endMs = atMs;
  }

  get ended(): boolean {
    return this.endMs !== undefined;
  }

  private marks(): Row {
    return { last_tick_at: iso(Math.max(this.lastTickMs, this.startMs)), ticks: this.ticks, max_pause_ms: this.longestPauseMs };
  }

  /** The rows as they are now. */
  rows(): Row[] {
    const failed = this.ended && this.ticks === 0;
    return FEED_NAMES.map((feed) => ({
      id: this.ids.get(feed),
      source_type: "bingx",
      source_id: null,
      feed,
      trigger: "schedule",
      status: !this.ended ? "running" : failed ? "failed" : "succeeded",
      started_at: iso(this.startMs),
      finished_at: this.endMs === undefined ? null : iso(this.endMs),
      new_count: this.written.get(feed) ?? 0,
      updated_count: 0,
      error_count: failed ? 1 : 0,
      error_summary: failed ? "nothing came from the exchange" : null,
      coverage_pct: null,
      missing_fields_count: null,
      parse_confidence: null,
      instance: this.instance,
      pairs: this.pairs,
      ...this.marks(),
    }));
  }

  /** Writes the window: whole when it is new or has ended, otherwise only its marks. Safe to repeat. */
  async persist(store: Store): Promise<void> {
    if (this.stored && !this.ended) {
      await update(store, TABLE, [eq("source_type", "bingx"), eq("started_at", iso(this.startMs)), eq("instance", this.instance)], this.marks());
      return;
    }
    await upsert(store, TABLE, this.rows(), KEY);
    this.stored = true;
  }
}

/**
 * Ends the runs that a killed worker left behind, at their last progress. The app
 * leaves them for INGESTION_RUN_TIMEOUT_MIN, and refuses to run meanwhile: in the
 * lab that would hide how long a hand-over really takes.
 * @returns how many there were
 */
export async function endAbandoned(store: Store): Promise<number> {
  const left = await rows(store, TABLE, { filters: [eq("source_type", "bingx"), eq("status", "running")] });
  const feeds = new Set<unknown>(FEED_NAMES);
  const own = left.filter((run) => (run.source_id ?? null) === null && feeds.has(run.feed));
  for (const run of own) await update(store, TABLE, [eq("id", run.id)], { status: "failed", finished_at: run.last_tick_at ?? run.started_at, error_count: 1, error_summary: "abandoned by its worker" });
  return own.length;
}
