/** Pairs of the app and symbols of the exchange, as the app maps them (backend/src/config/market_catalog.ts). */
import { allPairs, DEFAULT_CATALOG } from "../../../contracts/markets";

const token = (value: string): string => value.trim().toUpperCase().replace(/[^A-Z0-9]/g, "");

/** The exchange's symbol of a pair; "Gold" is traded as XAUT. */
export function symbolOf(pair: string): string {
  const name = token(pair);
  if (name === "GOLDUSDT" || name === "GOLD" || name === "XAUTUSDT") return "XAUT-USDT";
  if (name === "PAXGUSDT") return "PAXG-USDT";
  const upper = pair.trim().toUpperCase();
  if (upper.includes("-")) return upper;
  return upper.endsWith("USDT") && upper.length > 4 ? `${upper.slice(0, -4)}-USDT` : upper;
}

/**
 * The pairs that a process works on.
 * @default the nine pairs of the catalog. The app's own default, when no key is set, is the catalog without Gold-USDT.
 */
export function pairsFrom(env: Readonly<Record<string, string | undefined>>): string[] {
  const listed = (key: string): string[] => (env[key] ?? "").split(",").map((pair) => pair.trim()).filter(Boolean);
  const explicit = listed("BINGX_MARKET_DATA_PAIRS");
  if (explicit.length > 0) return explicit;
  const sections = [...listed("MARKET_GOLD_PAIRS"), ...listed("MARKET_CRYPTO_PAIRS")];
  return sections.length > 0 ? sections : allPairs(DEFAULT_CATALOG);
}

/** The pair of the list that a text names, whatever its case and dashes. */
export function pairNamed(text: string, pairs: readonly string[]): string | undefined {
  return pairs.find((pair) => token(pair) === token(text)) ?? pairs.find((pair) => symbolOf(pair) === symbolOf(text));
}

/** Pairs of each symbol: two where the app trades one contract under two names. */
export function pairsBySymbol(pairs: readonly string[]): Map<string, string[]> {
  const bySymbol = new Map<string, string[]>();
  for (const pair of pairs) bySymbol.set(symbolOf(pair), [...(bySymbol.get(symbolOf(pair)) ?? []), pair]);
  return bySymbol;
}
