/** The exchange's WebSocket as the app reads it: what is subscribed to, and messages as rows (backend/src/services/bingx_market_data_ws.ts). */
import type { Feed } from "../../../../contracts/markets";
import { intervalLength, iso } from "../feeds";
import { pairsBySymbol } from "../pairs";
import type { Row } from "../store";

/** What rows that came by the stream have as their source. */
export const STREAM_SOURCE = "bingx_ws";

export interface Arrived {
  readonly feed: Feed;
  readonly rows: readonly Row[];
}

/** Data types for all pairs; each symbol once. */
export function dataTypes(pairs: readonly string[], intervals: readonly string[], depthLevel: number): string[] {
  return [...pairsBySymbol(pairs).keys()].flatMap((symbol) => ["trade", "ticker", "markPrice", `depth${depthLevel}`, ...intervals.map((interval) => `kline_${interval}`)].map((kind) => `${symbol}@${kind}`));
}

type Message = { readonly dataType?: string; readonly data?: unknown; readonly timestamp?: number };
type Data = Readonly<Record<string, string | number | boolean | undefined>>;

export class StreamReader {
  private readonly pairs: ReadonlyMap<string, readonly string[]>;

  /** @param indexPrice the last index price of a pair, which the stream does not have */
  constructor(pairs: readonly string[], private readonly indexPrice: (pair: string) => number | undefined) {
    this.pairs = pairsBySymbol(pairs);
  }

  /** Rows of a message, for every pair that the app trades its symbol as; undefined when it brings none. */
  read(text: string): Arrived | undefined {
    const message = JSON.parse(text) as Message;
    const [symbol, kind = ""] = (message.dataType ?? "").split("@");
    const pairs = this.pairs.get(symbol);
    if (!pairs || !message.data) return undefined;
    const arrived = kind.startsWith("kline_") ? candles(kind.slice("kline_".length), message.data as Data[]) : this.single(kind, message.data as Data, message.timestamp ?? 0);
    return arrived && { feed: arrived.feed, rows: arrived.rows.flatMap((row) => pairs.flatMap((pair) => this.complete(arrived.feed, { pair, ...row, source: STREAM_SOURCE }))) };
  }

  private single(kind: string, data: Data, timestamp: number): Arrived | undefined {
    const at = iso(Number(data.E ?? data.timestamp ?? timestamp));
    if (kind === "ticker") return { feed: "ticker", rows: [{ captured_at: at, last_price: Number(data.c), volume_24h: Number(data.v), price_change_24h: Number(data.p) }] };
    if (kind === "markPrice") return { feed: "mark_index", rows: [{ captured_at: at, mark_price: Number(data.p) }] };
    if (kind === "trade") return { feed: "trades", rows: [{ trade_id: String(data.t), price: Number(data.p), quantity: Number(data.q), side: data.m === true ? "sell" : "buy", executed_at: iso(Number(data.T)) }] };
    if (kind.startsWith("depth")) return { feed: "orderbook", rows: [{ captured_at: at, depth_level: Number(kind.slice("depth".length)), bids: data.bids, asks: data.asks }] };
    return undefined;
  }

  /** A mark price waits until the pair's index price is known. */
  private complete(feed: Feed, row: Row): Row[] {
    if (feed !== "mark_index") return [row];
    const index_price = this.indexPrice(String(row.pair));
    return index_price === undefined ? [] : [{ ...row, index_price }];
  }
}

function candles(interval: string, data: readonly Data[]): Arrived {
  const rows = data.map(({ t, T, o, h, l, c, v }) => ({ interval, open_time: iso(Number(t)), close_time: iso(Number(T ?? Number(t) + intervalLength(interval))), open: Number(o), high: Number(h), low: Number(l), close: Number(c), volume: Number(v), quote_volume: null }));
  return { feed: "candles", rows };
}
