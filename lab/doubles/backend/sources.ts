/** When each pair's data was last seen, as the app keeps it in data_source_status. */
import { FEEDS, type Feed } from "../../../contracts/markets";
import { rows, upsert, type Row, type Store } from "./store";

/** Seconds after which what was seen last is stale, as in the app. */
export const FRESH_FOR: Readonly<Record<string, number>> = {
  bingx_candles: 120,
  bingx_orderbook: 60,
  bingx_trades: 120,
  bingx_funding: 8 * 3600,
  bingx_open_interest: 120,
  bingx_mark_price: 120,
  bingx_index_price: 120,
  bingx_ticker: 120,
  ideas: 3600,
  signals: 3600,
  news: 6 * 3600,
  ocr_text: 12 * 3600,
  trades: 900,
};

/** The app's names of what a feed brings. */
export const SOURCES_OF: Readonly<Record<Feed, readonly string[]>> = {
  candles: ["bingx_candles"],
  orderbook: ["bingx_orderbook"],
  trades: ["bingx_trades"],
  funding: ["bingx_funding"],
  open_interest: ["bingx_open_interest"],
  mark_index: ["bingx_mark_price", "bingx_index_price"],
  ticker: ["bingx_ticker"],
};

/** Writes when pairs were last seen. @param seen ISO times by feed and pair */
export async function recordSeen(store: Store, seen: ReadonlyMap<Feed, ReadonlyMap<string, string>>, nowMs: number): Promise<void> {
  const statuses = (Object.keys(FEEDS) as Feed[]).flatMap((feed) =>
    [...(seen.get(feed) ?? [])].flatMap(([pair, last_seen_at]) =>
      SOURCES_OF[feed].map((source_type) => ({ pair, source_type, last_seen_at, freshness_threshold_seconds: FRESH_FOR[source_type], status: freshness(last_seen_at, FRESH_FOR[source_type], nowMs), updated_at: new Date(nowMs).toISOString() })),
    ),
  );
  if (statuses.length > 0) await upsert(store, "data_source_status", statuses, ["pair", "source_type"]);
}

export function freshness(lastSeenAt: string | null, seconds: number, nowMs: number): "ok" | "stale" | "unavailable" {
  const last = lastSeenAt ? Date.parse(lastSeenAt) : Number.NaN;
  if (Number.isNaN(last)) return "unavailable";
  return nowMs - last > seconds * 1000 ? "stale" : "ok";
}

/** Every pair with every source. As the app has it, a source that was never seen and is not configured counts as ok. */
export async function sourceStatuses(store: Store, pairs: readonly string[], nowMs: number): Promise<Row[]> {
  const [seen, configured] = await Promise.all([rows(store, "data_source_status"), rows(store, "data_source_configs")]);
  const key = (pair: unknown, source: unknown): string => `${String(pair)}:${String(source)}`;
  const bySource = new Map(seen.map((row) => [key(row.pair, row.source_type), row]));
  const configs = new Map(configured.map((row) => [key(row.pair, row.source_type), row]));
  return pairs.flatMap((pair) =>
    Object.entries(FRESH_FOR).map(([source_type, standard]) => {
      const [row, config] = [bySource.get(key(pair, source_type)), configs.get(key(pair, source_type))];
      const seconds = Number(config?.freshness_threshold_seconds ?? standard);
      const last_seen_at = (row?.last_seen_at as string | undefined) ?? null;
      const status = row ? freshness(last_seen_at, seconds, nowMs) : config ? "unavailable" : "ok";
      return { pair, source_type, enabled: config ? config.enabled : source_type.startsWith("bingx_"), status, last_seen_at, freshness_threshold_seconds: seconds, updated_at: row?.updated_at ?? null };
    }),
  );
}
