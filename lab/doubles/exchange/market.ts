/** What the double trades, and at which price: everything follows from the time, so that two readers always agree. */
import { allPairs, DEFAULT_CATALOG } from "../../../contracts/markets";
import { symbolOf } from "../backend/pairs";

/** The symbols of the nine pairs, without repetition: the app asks for both Gold-USDT and XAUTUSDT as XAUT-USDT. */
export const SYMBOLS: readonly string[] = [...new Set(allPairs(DEFAULT_CATALOG).map(symbolOf))];

const BASE: Readonly<Record<string, number>> = { "XAUT-USDT": 4100, "PAXG-USDT": 4110, "ALGO-USDT": 0.18, "BTC-USDT": 88_000, "ETH-USDT": 2_900, "SOL-USDT": 135, "XRP-USDT": 2.1, "BNB-USDT": 850 };

/** A trade every half second: ids count them, so that one that is missing shows. */
export const TRADE_INTERVAL_MS = 500;
/** Before, nothing was traded: who goes back for ever finds an end. */
export const LISTED_AT = Date.UTC(2021, 0, 1);
/** The exchange settles funding every eight hours. */
export const FUNDING_INTERVAL_MS = 8 * 3_600_000;

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, M: 2_592_000_000 };

/** Milliseconds of an interval such as "1m" or "4h"; undefined when it is none. A month has 30 days. */
export function intervalMs(interval: string): number | undefined {
  const match = /^([1-9]\d?)([mhdwM])$/.exec(interval);
  return match ? Number(match[1]) * UNITS[match[2]] : undefined;
}

/** Decimal places of a symbol's price: about six significant digits. */
export function pricePrecision(symbol: string): number {
  return Math.max(2, 5 - Math.floor(Math.log10(BASE[symbol] ?? 1)));
}

/** Price of a symbol at a time, in USDT. Slow and fast waves: it moves within a second and stays within 3 %. */
export function priceAt(symbol: string, atMs: number): number {
  const base = BASE[symbol] ?? 1;
  const phase = SYMBOLS.indexOf(symbol);
  const wave = 0.02 * Math.sin(atMs / 7_200_000 + phase) + 0.006 * Math.sin(atMs / 97_000 + 2 * phase) + 0.0005 * Math.sin(atMs / 1_300 + 3 * phase);
  return Number((base * (1 + wave)).toFixed(pricePrecision(symbol)));
}

export interface Candle {
  readonly openTime: number;
  readonly closeTime: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** The candle that opens at a time; the newest one closes at `nowMs` so far. Each opens where the one before it closed. */
export function candleAt(symbol: string, openTime: number, lengthMs: number, nowMs: number): Candle {
  const end = Math.min(openTime + lengthMs, Math.max(nowMs, openTime));
  const prices = [0, 0.2, 0.4, 0.6, 0.8, 1].map((part) => priceAt(symbol, openTime + part * (end - openTime)));
  return {
    openTime,
    closeTime: openTime + lengthMs,
    open: prices[0],
    high: Math.max(...prices),
    low: Math.min(...prices),
    close: prices[prices.length - 1],
    volume: Number(((end - openTime) / TRADE_INTERVAL_MS).toFixed(3)),
  };
}

/** Candles whose opening lies in [from, to], oldest first, at most `limit` of them: the newest, or the oldest when only a start is given. */
export function candles(symbol: string, lengthMs: number, range: { readonly from?: number; readonly to?: number; readonly limit: number }, nowMs: number): Candle[] {
  const newest = Math.floor(Math.min(range.to ?? nowMs, nowMs) / lengthMs) * lengthMs;
  const asked = range.from === undefined ? newest - (range.limit - 1) * lengthMs : Math.ceil(range.from / lengthMs) * lengthMs;
  const oldest = Math.max(asked, Math.ceil(LISTED_AT / lengthMs) * lengthMs);
  const count = Math.min(range.limit, Math.max(0, Math.floor((newest - oldest) / lengthMs) + 1));
  const first = range.from !== undefined && range.to === undefined ? oldest : newest - (count - 1) * lengthMs;
  return Array.from({ length: count }, (_, i) => candleAt(symbol, first + i * lengthMs, lengthMs, nowMs));
}

export interface Trade {
  readonly id: number;
  readonly at: number;
  readonly price: number;
  readonly quantity: number;
  readonly isBuyerMaker: boolean;
}

/** The trade with a number; they are numbered from 1970 on without a gap. */
export function trade(symbol: string, id: number): Trade {
  const at = id * TRADE_INTERVAL_MS;
  return { id, at, price: priceAt(symbol, at), quantity: Number((0.1 + ((id * 7 + SYMBOLS.indexOf(symbol)) % 10) / 10).toFixed(1)), isBuyerMaker: id % 2 === 0 };
}

/** Number of the last trade that has happened. */
export const lastTradeId = (nowMs: number): number => Math.floor(nowMs / TRADE_INTERVAL_MS);

/** Levels of the order book, best price first; text, as the exchange sends it. */
export function book(symbol: string, levels: number, nowMs: number): { readonly bids: [string, string][]; readonly asks: [string, string][] } {
  const middle = priceAt(symbol, nowMs);
  const level = (side: 1 | -1) => (i: number): [string, string] => [(middle * (1 + side * 0.0001 * (i + 1))).toFixed(pricePrecision(symbol)), (1 + i * 0.5).toFixed(2)];
  const each = Array.from({ length: levels }, (_, i) => i);
  return { bids: each.map(level(-1)), asks: each.map(level(1)) };
}

/** Open contracts of a symbol. */
export const openInterest = (symbol: string, nowMs: number): number => Number((10_000 + 100 * Math.sin(nowMs / 600_000 + SYMBOLS.indexOf(symbol))).toFixed(2));
/** Rate of the settlement at a time. */
export const fundingRate = (symbol: string, atMs: number): number => Number((0.0001 * Math.cos(atMs / FUNDING_INTERVAL_MS + SYMBOLS.indexOf(symbol))).toFixed(8));
/** The index runs a little below the mark. */
export const indexPrice = (symbol: string, nowMs: number): number => Number((priceAt(symbol, nowMs) * 0.9998).toFixed(pricePrecision(symbol)));
