/** Which pairs a command is about. */
import { allPairs } from "../../../contracts/markets";
import type { Environment } from "../../../environments/schema";

/** Case and dashes do not make another market. */
const token = (pair: string): string => pair.replace(/-/g, "").toUpperCase();

/**
 * The named pairs, or the crypto section; the gold section besides, when it is asked for. Each once, as the catalog writes it.
 * @throws Error that lists every pair that is not in the catalog
 */
export function selectPairs(markets: Environment["markets"], { pairs, gold }: { readonly pairs?: string; readonly gold: boolean }): string[] {
  const catalog = allPairs(markets);
  const named = pairs?.split(",").map((pair) => pair.trim()).filter(Boolean);
  if (named?.length === 0) throw new Error(`--pairs names no pair; write for example --pairs ${markets.crypto.slice(0, 2).join(",")}`);
  const unknown = named?.filter((pair) => !catalog.some((known) => token(known) === token(pair))) ?? [];
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")} ${unknown.length === 1 ? "is" : "are"} not in the market catalog, so nothing ingests ${unknown.length === 1 ? "it" : "them"}; there are ${catalog.join(", ")} (markets in the environment)`);
  const chosen = named ? named.map((pair) => catalog.find((known) => token(known) === token(pair))!) : markets.crypto;
  return [...new Set([...chosen, ...(gold ? markets.gold : [])])];
}
