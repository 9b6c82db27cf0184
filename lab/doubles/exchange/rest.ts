/** Market data by REST: paths, parameters and field names of BingX's swap API, as the app reads them. */
import { book, candles, FUNDING_INTERVAL_MS, fundingRate, indexPrice, intervalMs, lastTradeId, LISTED_AT, openInterest, priceAt, pricePrecision, SYMBOLS, trade } from "./market";

/** BingX answers 200 and says in `code` what is wrong. */
export interface Envelope {
  readonly code: number;
  readonly msg: string;
  readonly data?: unknown;
}

export const success = (data: unknown): Envelope => ({ code: 0, msg: "", data });
export const failure = (code: number, msg: string): Envelope => ({ code, msg });
/** The app recognises an unknown symbol by "not exist". */
const unknownSymbol = (symbol: string): Envelope => failure(109425, `${symbol || "symbol"} not exist`);
const badParameter = (what: string): Envelope => failure(109400, what);

type Quote = (symbol: string, params: URLSearchParams, nowMs: number) => Envelope;

const MAX_CANDLES = 1440;
const MAX_ROWS = 1000;
const text = (value: number): string => String(value);

function limitOf(params: URLSearchParams, standard: number, most: number): number {
  const limit = Number(params.get("limit") ?? standard);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, most) : standard;
}

function timeOf(params: URLSearchParams, name: string): number | undefined {
  const value = Number(params.get(name) ?? Number.NaN);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

const klines: Quote = (symbol, params, nowMs) => {
  const length = intervalMs(params.get("interval") ?? "");
  if (!length) return badParameter(`interval "${params.get("interval") ?? ""}" is none; use for example 1m`);
  const rows = candles(symbol, length, { from: timeOf(params, "startTime"), to: timeOf(params, "endTime"), limit: limitOf(params, 500, MAX_CANDLES) }, nowMs);
  // Newest first, as the exchange has it.
  return success(rows.reverse().map((c) => ({ open: text(c.open), close: text(c.close), high: text(c.high), low: text(c.low), volume: text(c.volume), time: c.openTime })));
};

const depth: Quote = (symbol, params, nowMs) => success({ T: nowMs, ...book(symbol, limitOf(params, 20, MAX_ROWS), nowMs) });

const trades: Quote = (symbol, params, nowMs) => {
  const last = lastTradeId(nowMs);
  const rows = Array.from({ length: limitOf(params, 500, MAX_ROWS) }, (_, i) => trade(symbol, last - i));
  return success(rows.map((t) => ({ id: String(t.id), time: t.at, isBuyerMaker: t.isBuyerMaker, price: text(t.price), qty: text(t.quantity), quoteQty: text(t.price * t.quantity) })));
};

const funding: Quote = (symbol, params, nowMs) => {
  const newest = Math.floor(Math.min(timeOf(params, "endTime") ?? nowMs, nowMs) / FUNDING_INTERVAL_MS);
  const oldest = Math.ceil(Math.max(timeOf(params, "startTime") ?? 0, LISTED_AT) / FUNDING_INTERVAL_MS);
  const count = Math.min(limitOf(params, 100, MAX_ROWS), Math.max(0, newest - oldest + 1));
  return success(Array.from({ length: count }, (_, i) => (newest - i) * FUNDING_INTERVAL_MS).map((at) => ({ symbol, fundingRate: text(fundingRate(symbol, at)), fundingTime: at })));
};

const ticker: Quote = (symbol, _params, nowMs) => {
  const [last, dayAgo] = [priceAt(symbol, nowMs), priceAt(symbol, nowMs - 86_400_000)];
  return success({ symbol, priceChange: text(last - dayAgo), priceChange24h: last - dayAgo, priceChangePercent: (((last - dayAgo) / dayAgo) * 100).toFixed(2), lastPrice: text(last), volume: "172800", time: nowMs });
};

const premiumIndex: Quote = (symbol, _params, nowMs) =>
  success({ symbol, markPrice: text(priceAt(symbol, nowMs)), indexPrice: text(indexPrice(symbol, nowMs)), lastFundingRate: text(fundingRate(symbol, nowMs)), nextFundingTime: (Math.floor(nowMs / FUNDING_INTERVAL_MS) + 1) * FUNDING_INTERVAL_MS, time: nowMs });

const interest: Quote = (symbol, _params, nowMs) => success({ symbol, openInterest: text(openInterest(symbol, nowMs)), time: nowMs });

const contract = (symbol: string): object => ({ symbol, contractId: String(SYMBOLS.indexOf(symbol) + 100), asset: symbol.split("-")[0], currency: "USDT", pricePrecision: pricePrecision(symbol), quantityPrecision: 3, tickSize: 10 ** -pricePrecision(symbol), stepSize: 0.001, minQty: 0.001, tradeMinQuantity: 0.001, tradeMinUSDT: 2, status: 1 });

/** Without a symbol it lists all contracts. */
const contracts: Quote = (symbol, params) => success((params.has("symbol") ? [symbol] : SYMBOLS).map(contract));

const QUOTES: Readonly<Record<string, Quote>> = {
  "/openApi/swap/v3/quote/klines": klines,
  "/openApi/swap/v2/quote/klines": klines,
  "/openApi/swap/v2/quote/depth": depth,
  "/openApi/swap/v2/quote/trades": trades,
  "/openApi/swap/v2/quote/fundingRate": funding,
  "/openApi/swap/v2/quote/openInterest": interest,
  "/openApi/swap/v2/quote/premiumIndex": premiumIndex,
  "/openApi/swap/v2/quote/ticker": ticker,
  "/openApi/swap/v2/quote/contracts": contracts,
};

/** The answer to a question about the market; undefined when the path is none. */
export function quote(path: string, params: URLSearchParams, nowMs: number): Envelope | undefined {
  if (!Object.hasOwn(QUOTES, path)) return path === "/openApi/swap/v2/server/time" ? success({ serverTime: nowMs }) : undefined;
  const symbol = params.get("symbol") ?? "";
  if (!SYMBOLS.includes(symbol) && !(path.endsWith("/contracts") && !params.has("symbol"))) return unknownSymbol(symbol);
  return QUOTES[path](symbol, params, nowMs);
}
