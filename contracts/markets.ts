/** The market catalog: pairs by section and the feeds that each pair is ingested on. */

export const SECTIONS = ["gold", "crypto"] as const;
export type Section = (typeof SECTIONS)[number];

/** Pairs in the order in which they are shown and ingested. */
export interface MarketCatalog {
  readonly gold: readonly string[];
  readonly crypto: readonly string[];
}

export const DEFAULT_CATALOG: MarketCatalog = {
  gold: ["Gold-USDT", "XAUTUSDT", "PAXGUSDT"],
  crypto: ["ALGO-USDT", "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "BNB-USDT"],
};

/** The seven feeds, and the Convex table that each is written to. */
export const FEEDS = {
  candles: "bingx_candles",
  orderbook: "bingx_orderbook_snapshots",
  trades: "bingx_trades",
  funding: "bingx_funding_rates",
  open_interest: "bingx_open_interest",
  mark_index: "bingx_mark_index_prices",
  ticker: "bingx_tickers",
} as const;
export type Feed = keyof typeof FEEDS;

/** A pair as the exchange compares them: case and dashes do not make another market. */
function canonical(pair: string): string {
  return pair.replace(/-/g, "").toUpperCase();
}

/** All pairs of the catalog, gold first. */
export function allPairs(catalog: MarketCatalog): string[] {
  return [...catalog.gold, ...catalog.crypto];
}

/** What is wrong with a catalog: one sentence for each duplicate or overlap, none when it is sound. */
export function catalogErrors(catalog: MarketCatalog): string[] {
  const errors: string[] = [];
  const seen = new Map<string, { pair: string; section: Section }>();
  for (const section of SECTIONS) {
    for (const pair of catalog[section]) {
      const before = seen.get(canonical(pair));
      if (before && before.section === section) errors.push(`${section} lists ${pair} twice (as ${before.pair}); keep one of them`);
      else if (before) errors.push(`${pair} is in ${section} and, as ${before.pair}, in ${before.section}; a pair belongs to one section`);
      else seen.set(canonical(pair), { pair, section });
    }
  }
  return errors;
}

/** The catalog as the app's environment keys. `override` replaces the union for BINGX_MARKET_DATA_PAIRS. */
export function catalogEnv(catalog: MarketCatalog, override?: readonly string[]): Record<string, string> {
  return {
    MARKET_GOLD_PAIRS: catalog.gold.join(","),
    MARKET_CRYPTO_PAIRS: catalog.crypto.join(","),
    BINGX_MARKET_DATA_PAIRS: (override ?? allPairs(catalog)).join(","),
  };
}

/** The catalog as the keys that Next.js inlines when the frontend is built. */
export function catalogBuildArguments(catalog: MarketCatalog): Record<string, string> {
  return {
    NEXT_PUBLIC_MARKET_GOLD_PAIRS: catalog.gold.join(","),
    NEXT_PUBLIC_MARKET_CRYPTO_PAIRS: catalog.crypto.join(","),
  };
}
