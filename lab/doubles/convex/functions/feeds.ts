/** The seven feeds' tables: bingx_*.ts of the app. */
import { fieldsOf } from "../values/document";
import type { StoredDocument } from "../values/document";
import type { Writer } from "../store/documents";
import type { Fields, Value } from "../values/value";
import type { Functions, MutationFunction, QueryFunction } from "./definition";
import { v, type Validator } from "./validate";

interface Feed {
  readonly table: string;
  /** Fields whose values make rows of one group, in the index's order. */
  readonly group: readonly string[];
  /** The index's last field: a time, or a trade's id. */
  readonly last: string;
  readonly row: Readonly<Record<string, Validator>>;
}

const times = { created_at: v.optional(v.string), updated_at: v.optional(v.string) };
const source = { source: v.optional(v.nullable(v.string)), ...times };
const optionalNumber = v.optional(v.nullable(v.number));

const candles: Feed = {
  table: "bingx_candles",
  group: ["pair", "interval"],
  last: "open_time",
  row: {
    pair: v.string, interval: v.string, open_time: v.string, close_time: v.string,
    open: v.number, high: v.number, low: v.number, close: v.number, volume: v.number,
    quote_volume: optionalNumber, source: v.optional(v.string), id: v.optional(v.string), ...times,
  },
};
const captured = (table: string, columns: Feed["row"]): Feed => ({ table, group: ["pair"], last: "captured_at", row: { pair: v.string, captured_at: v.string, ...columns, ...source } });
const tickers = captured("bingx_tickers", { last_price: v.number, volume_24h: optionalNumber, price_change_24h: optionalNumber });
const markIndex = captured("bingx_mark_index_prices", { mark_price: v.number, index_price: v.number });
const openInterest = captured("bingx_open_interest", { open_interest: v.number });
const orderbook = captured("bingx_orderbook_snapshots", { depth_level: v.number, bids: v.any, asks: v.any });
const funding: Feed = { table: "bingx_funding_rates", group: ["pair"], last: "funding_time", row: { pair: v.string, funding_time: v.string, funding_rate: v.number, ...source } };
const trades: Feed = {
  table: "bingx_trades",
  group: ["pair"],
  last: "trade_id",
  row: { pair: v.string, trade_id: v.string, price: v.number, quantity: v.number, side: v.string, executed_at: v.string, ...source },
};

/** Documents of a group's rows that are there already, by the value of the feed's last field. */
async function existing(db: Writer, feed: Feed, rows: readonly Fields[]): Promise<Map<string, StoredDocument>> {
  const keys = rows.map((row) => row[feed.last] as string).sort();
  const documents = await db.range({
    table: feed.table,
    equal: feed.group.map((field) => [field, rows[0][field] as string] as const),
    by: { field: feed.last, from: keys[0], to: keys[keys.length - 1] },
  });
  return new Map(documents.map((document) => [fieldsOf(document)[feed.last] as string, document]));
}

function upsertBatch(feed: Feed): MutationFunction {
  return {
    kind: "mutation",
    args: { rows: v.array(v.object(feed.row)) },
    tables: () => [feed.table],
    async run(db, args) {
      const now = new Date().toISOString();
      const keyed = new Map((args.rows as Fields[]).map((row) => [JSON.stringify([...feed.group, feed.last].map((field) => row[field])), row]));
      const groups = new Map<string, Fields[]>();
      for (const row of keyed.values()) {
        const key = JSON.stringify(feed.group.map((field) => row[field]));
        groups.set(key, [...(groups.get(key) ?? []), row]);
      }
      const results: Value[] = [];
      const inserted: Fields[] = [];
      const changed: { document: StoredDocument; fields: Fields }[] = [];
      for (const rows of groups.values()) {
        const found = await existing(db, feed, rows);
        for (const row of rows) {
          const document = found.get(row[feed.last] as string);
          if (document) {
            const fields = { ...row, updated_at: row.updated_at ?? now };
            changed.push({ document, fields });
            results.push({ ...fieldsOf(document), ...fields });
          } else {
            const fields = { ...row, created_at: row.created_at ?? now, updated_at: row.updated_at ?? now };
            inserted.push(fields);
            results.push(fields);
          }
        }
      }
      await db.insert(feed.table, inserted);
      await db.patch(feed.table, changed);
      return results;
    },
  };
}

const rangeArguments = { start: v.optional(v.string), end: v.optional(v.string), limit: v.optional(v.number) };

function rangeOf(feed: Feed, args: Fields) {
  return {
    table: feed.table,
    equal: feed.group.map((field) => [field, args[field] as string] as const),
    // As in the app: an empty string is no bound.
    by: { field: feed.last, from: (args.start as string | undefined) || undefined, to: (args.end as string | undefined) || undefined },
    limit: args.limit as number | undefined,
  };
}

const groupArguments = (feed: Feed) => Object.fromEntries(feed.group.map((field) => [field, v.string]));

function listByRange(feed: Feed): QueryFunction {
  return {
    kind: "query",
    args: { ...groupArguments(feed), ...rangeArguments, order: v.optional(v.literal("asc", "desc")) },
    run: async (db, args) => (await db.range({ ...rangeOf(feed, args), order: args.order === "desc" ? "desc" : "asc" })).map(fieldsOf),
  };
}

/** A field of a pair's newest (or oldest) document by an index on pair and that field. */
function edgeTime(table: string, field: string, order: "asc" | "desc"): QueryFunction {
  return {
    kind: "query",
    args: { pair: v.string },
    async run(db, args) {
      const [document] = await db.range({ table, equal: [["pair", args.pair as string]], by: { field }, order, limit: 1 });
      return document ? (fieldsOf(document)[field] ?? null) : null;
    },
  };
}

const listOpenTimes: QueryFunction = {
  kind: "query",
  args: { ...groupArguments(candles), ...rangeArguments },
  run: async (db, args) => (await db.range(rangeOf(candles, args))).map((document) => fieldsOf(document).open_time ?? null).filter(Boolean),
};

const latestSnapshot: QueryFunction = {
  kind: "query",
  args: { pair: v.string },
  async run(db, args) {
    const [document] = await db.range({ table: markIndex.table, equal: [["pair", args.pair as string]], by: { field: "captured_at" }, order: "desc", limit: 1 });
    if (!document) return null;
    const { mark_price, index_price, captured_at } = fieldsOf(document);
    return { mark_price, index_price, captured_at };
  },
};

const insertOne: MutationFunction = {
  kind: "mutation",
  args: { row: v.object(orderbook.row) },
  tables: () => [orderbook.table],
  async run(db, args) {
    const now = new Date().toISOString();
    const row = args.row as Fields;
    const fields = { ...row, created_at: row.created_at ?? now, updated_at: row.updated_at ?? now };
    await db.insert(orderbook.table, [fields]);
    return fields;
  },
};

function functionsOf(feed: Feed): Functions {
  return {
    [`${feed.table}:upsertBatch`]: upsertBatch(feed),
    [`${feed.table}:latestTime`]: edgeTime(feed.table, feed.last, "desc"),
    [`${feed.table}:listByRange`]: listByRange(feed),
  };
}

export const FEED_FUNCTIONS: Functions = {
  "bingx_candles:upsertBatch": upsertBatch(candles),
  "bingx_candles:listByRange": listByRange(candles),
  "bingx_candles:listOpenTimesByRange": listOpenTimes,
  ...functionsOf(tickers),
  ...functionsOf(markIndex),
  "bingx_mark_index_prices:latestSnapshot": latestSnapshot,
  ...functionsOf(openInterest),
  ...functionsOf(funding),
  "bingx_funding_rates:earliestTime": edgeTime(funding.table, funding.last, "asc"),
  "bingx_trades:upsertBatch": upsertBatch(trades),
  "bingx_trades:latestTime": edgeTime(trades.table, "executed_at", "desc"),
  "bingx_orderbook_snapshots:insertOne": insertOne,
  "bingx_orderbook_snapshots:latestTime": edgeTime(orderbook.table, "captured_at", "desc"),
};
