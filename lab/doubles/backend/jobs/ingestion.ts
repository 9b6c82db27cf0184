/** The worker's ingestion: steps, windows and flushes, without clocks and sockets of its own, so that it can be tested. */
import type { Feed } from "../../../../contracts/markets";
import { writeRows } from "../feeds";
import { recordSeen } from "../sources";
import type { Row, Store } from "../store";
import { Pending } from "./pending";
import { endAbandoned, RunWindow, WINDOW_MS } from "./run-window";

/** As the app: after a write that failed, twice as long each time. */
const BACKOFF = { firstMs: 2_000, longestMs: 30_000 } as const;
/** Windows that wait for a store that is away: more than an hour. */
const MOST_WINDOWS = 500;

export class Ingestion {
  readonly indexPrices = new Map<string, number>();
  private readonly pending = new Pending();
  private readonly seen = new Map<Feed, Map<string, string>>();
  private window: RunWindow;
  private readonly unwritten: RunWindow[] = [];
  private takenOver = false;
  private progressed = false;
  private flushing = false;
  private backoffMs = 0;
  private notBefore = 0;
  readonly counts = { ticks: 0, flushFailures: 0, restFailures: 0, lateSteps: 0, rows: new Map<Feed, number>() };

  /** @param prepare what must be read from the store before the first row is written; repeated when it fails */
  constructor(private readonly store: Store, private readonly instance: string, private readonly pairs: readonly string[], private readonly prepare: (store: Store) => Promise<void>, private readonly now: () => number, private readonly log: (message: string) => void) {
    this.window = new RunWindow(instance, now(), pairs.length);
  }

  get lastProgressMs(): number {
    return this.window.lastProgressMs;
  }

  /** Takes rows that came, by stream or REST. */
  arrive(feed: Feed, rows: readonly Row[]): void {
    if (rows.length === 0) return;
    this.progressed = true;
    if (feed === "mark_index") for (const row of rows) this.indexPrices.set(String(row.pair), Number(row.index_price));
    this.pending.add(feed, rows);
    const at = new Date(this.now()).toISOString();
    const seen = this.seen.get(feed) ?? new Map<string, string>();
    for (const row of rows) seen.set(String(row.pair), at);
    this.seen.set(feed, seen);
  }

  /** One step of time: notes progress since the last one, and begins a new window when this one is over. */
  tick(): void {
    const now = this.now();
    if (this.progressed) {
      this.counts.ticks += 1;
      this.window.tick(now);
      this.progressed = false;
    }
    if (now - this.window.startMs < WINDOW_MS) return;
    this.window.end(now);
    this.unwritten.push(this.window);
    if (this.unwritten.length > MOST_WINDOWS) this.unwritten.shift();
    this.window = new RunWindow(this.instance, now, this.pairs.length, this.window.lastProgressMs);
  }

  /** Writes everything that waits; never more than one at a time, and not while a failure's pause lasts. */
  async flush(): Promise<void> {
    if (this.flushing || this.now() < this.notBefore) return;
    this.flushing = true;
    try {
      await this.write();
      this.backoffMs = 0;
    } catch (error) {
      this.counts.flushFailures += 1;
      this.backoffMs = Math.min(this.backoffMs ? this.backoffMs * 2 : BACKOFF.firstMs, BACKOFF.longestMs);
      this.notBefore = this.now() + this.backoffMs;
      this.log(`flush failed, next one in ${this.backoffMs} ms: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.flushing = false;
    }
  }

  private async write(): Promise<void> {
    if (!this.takenOver) {
      await this.prepare(this.store);
      const left = await endAbandoned(this.store);
      if (left > 0) this.log(`ended ${left} runs that another worker left behind`);
      this.takenOver = true;
    }
    const window = this.window;
    const results = await Promise.allSettled(
      this.pending.take().map(async ({ feed, rows }) => {
        try {
          await writeRows(this.store, feed, rows);
        } catch (error) {
          this.pending.giveBack(feed, rows);
          throw error;
        }
        window.wrote(feed, rows.length);
        this.counts.rows.set(feed, (this.counts.rows.get(feed) ?? 0) + rows.length);
      }),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
    if (this.unwritten.length > 0) {
      await recordSeen(this.store, this.seen, this.now());
      this.seen.clear();
    }
    while (this.unwritten.length > 0) {
      await this.unwritten[0].persist(this.store);
      this.unwritten.shift();
    }
    await this.window.persist(this.store);
  }
}
