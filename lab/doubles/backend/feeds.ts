/** The seven feeds: what REST answers as rows of the app's tables. */
import { FEEDS, type Feed } from "../../../contracts/markets";
import type { Bingx } from "./bingx";
import type { Row, Store } from "./store";

export const FEED_NAMES = Object.keys(FEEDS) as Feed[];
const SOURCE = "bingx_rest";
/** The most that the app asks for at once. */
const LIMITS = { candles: 500, trades: 1000, funding: 1000, depth: 50 } as const;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, M: 2_592_000_000 };

export const iso = (ms: number): string => new Date(ms).toISOString();

/** Milliseconds of an interval such as "1m"; a month has 30 days, as in the app. */
export function intervalLength(interval: string): number {
  const match = /^(\d+)([mhdwM])$/.exec(interval);
  return match ? Number(match[1]) * UNITS[match[2]] : 60_000;
}

interface Kline {
  readonly time: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
}

/** Candles of a pair; with `endTime`, those that open until then. */
export async function candleRows(bingx: Bingx, pair: string, interval: string, range: { readonly endTime?: number; readonly startTime?: number; readonly limit?: number } = {}): Promise<Row[]> {
  const { limit = LIMITS.candles, ...times } = range;
  const klines = await bingx.quote<Kline[]>("/openApi/swap/v3/quote/klines", pair, { interval, limit, ...times });
  return klines.map((k) => ({
    pair,
    interval,
    open_time: iso(k.time),
    close_time: iso(k.time + intervalLength(interval)),
    open: Number(k.open),
    high: Number(k.high),
    low: Number(k.low),
    close: Number(k.close),
    volume: Number(k.volume),
    quote_volume: null,
    source: SOURCE,
  }));
}

/** @param limit of trades and funding rates. @default as many as the app asks for */
type Reader = (bingx: Bingx, pair: string, limit?: number) => Promise<Row[]>;

/** The newest rows of each feed but candles, which have an interval besides. */
export const READ: Readonly<Record<Exclude<Feed, "candles">, Reader>> = {
  orderbook: async (bingx, pair) => {
    const { bids, asks, T } = await bingx.quote<{ bids: unknown[]; asks: unknown[]; T: number }>("/openApi/swap/v2/quote/depth", pair, { limit: LIMITS.depth });
    return [{ pair, captured_at: iso(T), depth_level: Math.max(bids.length, asks.length), bids, asks, source: SOURCE }];
  },
  trades: async (bingx, pair, limit = LIMITS.trades) => {
    const trades = await bingx.quote<{ id: string; price: string; qty: string; isBuyerMaker: boolean; time: number }[]>("/openApi/swap/v2/quote/trades", pair, { limit });
    return trades.map((t) => ({ pair, trade_id: t.id, price: Number(t.price), quantity: Number(t.qty), side: t.isBuyerMaker ? "sell" : "buy", executed_at: iso(t.time), source: SOURCE }));
  },
  funding: async (bingx, pair, limit = LIMITS.funding) => {
    const rates = await bingx.quote<{ fundingRate: string; fundingTime: number }[]>("/openApi/swap/v2/quote/fundingRate", pair, { limit });
    return rates.map((r) => ({ pair, funding_time: iso(r.fundingTime), funding_rate: Number(r.fundingRate), source: SOURCE }));
  },
  open_interest: async (bingx, pair) => {
    const { openInterest, time } = await bingx.quote<{ openInterest: string; time: number }>("/openApi/swap/v2/quote/openInterest", pair);
    return [{ pair, captured_at: iso(time), open_interest: Number(openInterest), source: SOURCE }];
  },
  mark_index: async (bingx, pair) => {
    const { markPrice, indexPrice, time } = await bingx.quote<{ markPrice: string; indexPrice: string; time: number }>("/openApi/swap/v2/quote/premiumIndex", pair);
    return [{ pair, captured_at: iso(time), mark_price: Number(markPrice), index_price: Number(indexPrice), source: SOURCE }];
  },
  ticker: async (bingx, pair) => {
    const { lastPrice, volume, priceChange, time } = await bingx.quote<{ lastPrice: string; volume: string; priceChange: string; time: number }>("/openApi/swap/v2/quote/ticker", pair);
    return [{ pair, captured_at: iso(time), last_price: Number(lastPrice), volume_24h: Number(volume), price_change_24h: Number(priceChange), source: SOURCE }];
  },
};

/** Writes rows of a feed, of any pairs, in one mutation. Order books are only ever added, as in the app. */
export async function writeRows(store: Store, feed: Feed, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  if (feed === "orderbook") await store.mutation("data:write", { table: FEEDS.orderbook, action: "insert", payload: rows, select: ["id"] });
  else await store.mutation(`${FEEDS[feed]}:upsertBatch`, { rows });
}
