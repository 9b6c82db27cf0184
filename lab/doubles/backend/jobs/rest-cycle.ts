/** The feeds by REST, one pair and feed at each step: all of them in turn, with what was missed while nobody listened. */
import type { Feed } from "../../../../contracts/markets";
import type { Bingx } from "../bingx";
import { candleRows, FEED_NAMES, intervalLength, READ } from "../feeds";
import type { Row, Store } from "../store";

/** The stream brings what is new; REST overlaps it by a few candles. */
const CANDLE_OVERLAP = 3;
const MOST_CANDLES = 500;
/** Beside what was missed, half a minute of trades: longer than a whole turn. */
const TRADE_OVERLAP_MS = 30_000;
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

  constructor(private readonly store: Store, private readonly bingx: Bingx, pairs: readonly string[], intervals: readonly string[], private readonly now: () => number) {
    // What the stream does not have comes first: mark prices wait for an index price.
    const order: readonly Feed[] = ["mark_index", ...FEED_NAMES.filter((feed) => feed !== "mark_index")];
    this.steps = order.flatMap((feed) => pairs.flatMap((pair) => (feed === "candles" ? intervals : [""]).map((interval) => ({ feed, pair, interval }))));
  }

  /** Steps until every pair and feed has had its turn. */
  get length(): number {
    return this.steps.length;
  }

  /** Reads the next pair and feed. @throws Error when the exchange does not answer, or the store when it is first asked where to begin */
  async step(): Promise<{ readonly feed: Feed; readonly rows: readonly Row[] }> {
    const step = this.steps[this.next];
    this.next = (this.next + 1) % this.steps.length;
    return { feed: step.feed, rows: await this.read(step) };
  }

  private async read({ feed, pair, interval }: Step): Promise<readonly Row[]> {
    const now = this.now();
    if (feed === "candles") {
      const key = `${pair}:${interval}`;
      const from = this.caughtUp.get(key) ?? (await this.lastCandle(pair, interval)) ?? now;
      const missed = Math.ceil((now - from) / intervalLength(interval));
      const rows = await candleRows(this.bingx, pair, interval, { limit: Math.min(MOST_CANDLES, missed + CANDLE_OVERLAP) });
      this.caughtUp.set(key, now);
      return rows;
    }
    const rows = await READ[feed](this.bingx, pair);
    if (feed === "funding") return rows.slice(0, NEWEST_FUNDING);
    if (feed !== "trades") return rows;
    const from = this.caughtUp.get(pair) ?? (await this.lastTrade(pair)) ?? now;
    this.caughtUp.set(pair, now);
    return rows.filter((row) => Date.parse(String(row.executed_at)) > from - TRADE_OVERLAP_MS);
  }

  private async lastCandle(pair: string, interval: string): Promise<number | undefined> {
    const [last] = await this.store.query<Row[]>("bingx_candles:listByRange", { pair, interval, order: "desc", limit: 1 });
    return last ? Date.parse(String(last.open_time)) : undefined;
  }

  private async lastTrade(pair: string): Promise<number | undefined> {
    const last = await this.store.query<string | null>("bingx_trades:latestTime", { pair });
    return last ? Date.parse(last) : undefined;
  }
}
