/** The feeds by REST, one pair and feed at each step: all of them in turn, with what was missed while nobody listened. */
import type { Feed } from "../../../../contracts/markets";
import type { Bingx } from "../bingx";
import { candleRows, FEED_NAMES, intervalLength, READ } from "../feeds";
import type { Row, Store } from "../store";

/** The stream brings what is new; REST overlaps it by a few candles. */
const CANDLE_OVERLAP = 2;
const MOST_CANDLES = 500;
/** Trades that reach the exchange's list a little late are not missed. */
const TRADE_OVERLAP_MS = 2_000;
/** The exchange's double has two trades a second; its list has no beginning that could be asked for. */
const TRADES_PER_SECOND = 5;
const MOST_TRADES = 1_000;
const NEWEST_FUNDING = 3;

interface Step {
  readonly feed: Feed;
  readonly pair: string;
  readonly interval: string;
}

export class RestCycle {
  private readonly steps: readonly Step[];
  private next = 0;
  /** Time up to which a pair's trades or candles are known to be there. */
  private readonly caughtUp = new Map<string, number>();
  private prepared = false;

  constructor(private readonly bingx: Bingx, private readonly pairs: readonly string[], private readonly intervals: readonly string[], private readonly now: () => number) {
    // What the stream does not have comes first: mark prices wait for an index price.
    const order: readonly Feed[] = ["mark_index", ...FEED_NAMES.filter((feed) => feed !== "mark_index")];
    this.steps = order.flatMap((feed) => pairs.flatMap((pair) => (feed === "candles" ? intervals : [""]).map((interval) => ({ feed, pair, interval }))));
  }

  /**
   * Reads how far the store is, so that what was missed meanwhile is fetched. To be
   * called before anything is written: afterwards, the newest row is a new one.
   * @throws Error when the store does not answer; call it again
   */
  async prepare(store: Store): Promise<void> {
    const known = new Map<string, number>();
    for (const pair of this.pairs) {
      const trade = await store.query<string | null>("bingx_trades:latestTime", { pair });
      if (trade) known.set(pair, Date.parse(trade));
      for (const interval of this.intervals) {
        const [candle] = await store.query<Row[]>("bingx_candles:listByRange", { pair, interval, order: "desc", limit: 1 });
        if (candle) known.set(`${pair}:${interval}`, Date.parse(String(candle.open_time)));
      }
    }
    for (const [key, ms] of known) this.caughtUp.set(key, ms);
    this.prepared = true;
  }

  /** Steps until every pair and feed has had its turn. */
  get length(): number {
    return this.steps.length;
  }

  /** Reads the next pair and feed; nothing before it is prepared. @throws Error when the exchange does not answer */
  async step(): Promise<{ readonly feed: Feed; readonly rows: readonly Row[] }> {
    const step = this.steps[this.next];
    if (!this.prepared) return { feed: step.feed, rows: [] };
    this.next = (this.next + 1) % this.steps.length;
    return { feed: step.feed, rows: await this.read(step) };
  }

  private async read({ feed, pair, interval }: Step): Promise<readonly Row[]> {
    const now = this.now();
    if (feed === "candles") {
      const key = `${pair}:${interval}`;
      const from = this.caughtUp.get(key) ?? now;
      const missed = Math.ceil((now - from) / intervalLength(interval));
      const rows = await candleRows(this.bingx, pair, interval, { limit: Math.min(MOST_CANDLES, missed + CANDLE_OVERLAP) });
      this.caughtUp.set(key, now);
      return rows;
    }
    if (feed === "funding") return READ.funding(this.bingx, pair, NEWEST_FUNDING);
    if (feed !== "trades") return READ[feed](this.bingx, pair);
    const from = (this.caughtUp.get(pair) ?? now) - TRADE_OVERLAP_MS;
    const rows = await READ.trades(this.bingx, pair, Math.min(MOST_TRADES, Math.ceil(((now - from) / 1_000) * TRADES_PER_SECOND)));
    this.caughtUp.set(pair, now);
    return rows.filter((row) => Date.parse(String(row.executed_at)) > from);
  }
}
