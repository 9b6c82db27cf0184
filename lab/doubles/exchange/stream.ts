/** Market data by WebSocket: data types, messages and rhythm. */
import { book, candleAt, intervalMs, lastTradeId, priceAt, SYMBOLS, trade, TRADE_INTERVAL_MS } from "./market";

/** What moves without pause is sent ten times a second: a gap of a tenth of a second can be told. */
const FAST_MS = 100;
/** A candle's newest state; more often would only repeat it. */
const CANDLE_MS = 1_000;
/** The exchange asks every five seconds whether somebody is there. */
export const PING_MS = 5_000;

/** Something that can be subscribed to. */
export interface Topic {
  readonly dataType: string;
  /** Milliseconds between messages; they are sent at whole multiples of it, whoever listens. */
  readonly everyMs: number;
  /** The message that is due at a time. */
  readonly message: (atMs: number) => object;
}

type Data = (symbol: string, atMs: number) => unknown;

function topic(dataType: string, symbol: string, everyMs: number, data: Data): Topic {
  return { dataType, everyMs, message: (atMs) => ({ code: 0, dataType, data: data(symbol, atMs), timestamp: atMs, ts: atMs }) };
}

const tradeData: Data = (symbol, at) => {
  const { id, at: T, price, quantity, isBuyerMaker } = trade(symbol, lastTradeId(at));
  return { t: String(id), T, E: at, s: symbol, p: String(price), q: String(quantity), m: isBuyerMaker };
};
const tickerData: Data = (symbol, at) => ({ e: "24hTicker", E: at, s: symbol, c: String(priceAt(symbol, at)), p: String(priceAt(symbol, at) - priceAt(symbol, at - 86_400_000)), v: "172800" });
const markData: Data = (symbol, at) => ({ e: "markPriceUpdate", E: at, s: symbol, p: String(priceAt(symbol, at)) });
const lastData: Data = (symbol, at) => ({ e: "lastPriceUpdate", E: at, s: symbol, p: String(priceAt(symbol, at)) });
const bookTickerData: Data = (symbol, at) => {
  const { bids: [[b, B]], asks: [[a, A]] } = book(symbol, 1, at);
  return { e: "bookTicker", E: at, s: symbol, b, B, a, A };
};
const depthData = (levels: number): Data => (symbol, at) => ({ ...book(symbol, levels, at), timestamp: at });
const klineData = (lengthMs: number): Data => (symbol, at) => {
  const candle = candleAt(symbol, Math.floor(at / lengthMs) * lengthMs, lengthMs, at);
  return [{ t: candle.openTime, T: candle.closeTime, o: String(candle.open), h: String(candle.high), l: String(candle.low), c: String(candle.close), v: String(candle.volume) }];
};

const DEPTH_LEVELS = [5, 10, 20, 50, 100];

/** The topic of a data type such as "BTC-USDT@kline_1m"; undefined when there is none. */
export function topicOf(dataType: string): Topic | undefined {
  const [symbol, kind, speed] = dataType.split("@");
  if (!SYMBOLS.includes(symbol) || !kind) return undefined;
  const depth = /^depth(\d+)$/.exec(kind);
  if (depth && DEPTH_LEVELS.includes(Number(depth[1]))) {
    const every = speed === undefined ? FAST_MS : Number(/^(\d+)ms$/.exec(speed)?.[1]);
    return every >= FAST_MS ? topic(dataType, symbol, every, depthData(Number(depth[1]))) : undefined;
  }
  if (speed !== undefined) return undefined;
  const kline = /^kline_(.+)$/.exec(kind);
  const length = kline ? intervalMs(kline[1]) : undefined;
  if (length) return topic(dataType, symbol, CANDLE_MS, klineData(length));
  const simple = SIMPLE[kind];
  return simple && topic(dataType, symbol, simple.everyMs, simple.data);
}

const SIMPLE: Readonly<Record<string, { readonly everyMs: number; readonly data: Data } | undefined>> = {
  trade: { everyMs: TRADE_INTERVAL_MS, data: tradeData },
  ticker: { everyMs: FAST_MS, data: tickerData },
  markPrice: { everyMs: FAST_MS, data: markData },
  lastPrice: { everyMs: FAST_MS, data: lastData },
  bookTicker: { everyMs: FAST_MS, data: bookTickerData },
};

/** Milliseconds between two looks at what is due: the fastest topic's rhythm. */
export const BEAT_MS = FAST_MS;

/** The times in (lastMs, nowMs] at which a topic sends; the newest only, when several were missed, but every trade. */
export function dueTimes({ everyMs, dataType }: Topic, lastMs: number, nowMs: number): number[] {
  const newest = Math.floor(nowMs / everyMs) * everyMs;
  if (newest <= lastMs) return [];
  if (!dataType.endsWith("@trade")) return [newest];
  const missed = Math.min(100, Math.ceil((newest - lastMs) / everyMs));
  return Array.from({ length: missed }, (_, i) => newest - (missed - 1 - i) * everyMs).filter((at) => at > lastMs);
}

/** What a worker of the backend's double says ten times a second, with its own monotonic stamp. */
export interface Tick {
  readonly kind: "tick";
  readonly instance: string;
  readonly job: string;
  readonly at: number;
}

/** What a client asked: {"id","reqType":"sub"|"unsub","dataType"}, the answer to a ping, or that it runs. */
export function parseRequest(text: string): { readonly id: string; readonly kind: "sub" | "unsub"; readonly dataType: string } | Tick | "pong" | undefined {
  if (/^pong$/i.test(text)) return "pong";
  try {
    const { id, reqType, dataType, instance, job, at } = JSON.parse(text) as Record<string, unknown>;
    if ((reqType === "sub" || reqType === "unsub") && typeof dataType === "string") return { id: typeof id === "string" ? id : "", kind: reqType, dataType };
    if (reqType === "tick" && typeof instance === "string" && typeof job === "string" && typeof at === "number") return { kind: "tick", instance, job, at };
  } catch {
    return undefined;
  }
  return undefined;
}
