/**
 * Rows that wait to be written. As in the app: every trade and candle, and the newest of what only has a state.
 * Of the stream's order books, the first of each second: two workers write the very same ones, and that shows.
 */
import type { Feed } from "../../../../contracts/markets";
import { FEED_NAMES } from "../feeds";
import type { Row } from "../store";
import { STREAM_SOURCE } from "./stream";

const KEYS: Readonly<Record<Feed, (row: Row) => string>> = {
  candles: (row) => `${String(row.pair)}:${String(row.interval)}:${String(row.open_time)}`,
  trades: (row) => `${String(row.pair)}:${String(row.trade_id)}`,
  funding: (row) => `${String(row.pair)}:${String(row.funding_time)}`,
  orderbook: (row) => `${String(row.pair)}:${String(row.captured_at)}`,
  open_interest: (row) => String(row.pair),
  mark_index: (row) => String(row.pair),
  ticker: (row) => String(row.pair),
};
/** Three quarters of an hour of trades; beyond it the oldest are given up, and REST brings what it still has. */
const MOST_WAITING = 50_000;
/** Rows of one mutation. */
const CHUNK = 1_000;

export class Pending {
  /** Second of the last order book of each pair that came by the stream. */
  private readonly bookSecond = new Map<string, number>();
  private readonly waiting = new Map<Feed, Map<string, Row>>(FEED_NAMES.map((feed) => [feed, new Map()]));

  /** Adds rows; a row with the key of one that waits takes its place. */
  add(feed: Feed, rows: readonly Row[]): void {
    const waiting = this.waiting.get(feed)!;
    for (const row of rows) if (feed !== "orderbook" || this.firstOfItsSecond(row)) waiting.set(KEYS[feed](row), row);
    while (waiting.size > MOST_WAITING) waiting.delete(waiting.keys().next().value as string);
  }

  private firstOfItsSecond({ pair, captured_at, source }: Row): boolean {
    if (source !== STREAM_SOURCE) return true;
    const second = Math.floor(Date.parse(String(captured_at)) / 1_000);
    if (second <= (this.bookSecond.get(String(pair)) ?? 0)) return false;
    this.bookSecond.set(String(pair), second);
    return true;
  }

  /** Takes what waits, in lists short enough for one mutation each. */
  take(): { readonly feed: Feed; readonly rows: readonly Row[] }[] {
    return FEED_NAMES.flatMap((feed) => {
      const waiting = this.waiting.get(feed)!;
      const rows = [...waiting.values()];
      waiting.clear();
      return Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, i) => ({ feed, rows: rows.slice(i * CHUNK, (i + 1) * CHUNK) }));
    });
  }

  /**
   * Gives back what could not be written; what has come since is newer and stays.
   * Order books are let go: nobody can tell whether they were written, and a second time would count as a second worker.
   */
  giveBack(feed: Feed, rows: readonly Row[]): void {
    if (feed === "orderbook") return;
    const waiting = this.waiting.get(feed)!;
    for (const row of rows) if (!waiting.has(KEYS[feed](row))) waiting.set(KEYS[feed](row), row);
  }
}
