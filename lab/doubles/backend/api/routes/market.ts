/** Pairs, candles and backfills. */
import { DEFAULT_CATALOG } from "../../../../../contracts/markets";
import { ingest, type PairSummary } from "../../ingest";
import { pairNamed, symbolOf } from "../../pairs";
import { insert } from "../../store";
import { countOf, invalid, objectBody, Refusal, type Call, type Handler, type Reply, type Routes } from "../router";

function section(pair: string): "gold" | "crypto" {
  return DEFAULT_CATALOG.gold.some((gold) => symbolOf(gold) === symbolOf(pair)) ? "gold" : "crypto";
}

const pairs: Handler = ({ api, query }) => {
  const asked = query.get("section");
  const data = api.settings.pairs.map((pair) => ({ pair, bingxSymbol: symbolOf(pair), section: section(pair) }));
  return { body: { data: asked ? data.filter((entry) => entry.section === asked) : data } };
};

const candles: Handler = async ({ api, query }) => {
  const asked = query.get("pair") ?? api.settings.pairs[0];
  const pair = pairNamed(asked, api.settings.pairs);
  if (!pair) throw new Refusal(400, { error: `Unsupported pair ${asked}` });
  const bounds = Object.fromEntries(["start", "end"].flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : [])));
  return { body: { data: await api.store.query("bingx_candles:listByRange", { pair, interval: query.get("interval") ?? "1m", ...bounds, limit: countOf(query, "limit", 500, 5_000) }) } };
};

/** Who asked, as the app reads it. */
export const actorOf = ({ headers }: Call): string => headers.get("x-actor") ?? headers.get("x-user") ?? headers.get("x-ops-actor") ?? "system";

/** A line in the audit, as the app writes one for everything that changes something. */
export async function audit(call: Call, action: string, resource_type: string, metadata: object, resource_id: string | null = null): Promise<void> {
  await insert(call.api.store, "ops_audit_events", { actor: actorOf(call), action, resource_type, resource_id, metadata });
}

function texts(value: unknown, name: string): string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string" && entry !== "")) throw invalid(`${name} must be a list of texts`);
  return value as string[];
}

/** Runs an ingest over what the body asks for. `batchesKey` is how the path spells the number of batches. */
async function run(call: Call, action: string, batchesKey: "maxBatches" | "max_batches", standardBatches: number): Promise<PairSummary[]> {
  const { settings, store, bingx, instance, now } = call.api;
  const body = await objectBody(call);
  const batches = body[batchesKey];
  if (batches !== undefined && !(Number.isInteger(batches) && Number(batches) > 0)) throw invalid(`${batchesKey} must be a whole number above 0`);
  const asked = texts(body.pairs, "pairs") ?? settings.pairs;
  const chosen = asked.map((pair) => {
    const known = pairNamed(pair, settings.pairs);
    if (!known) throw invalid(`pairs has ${pair}, which is not ingested`);
    return known;
  });
  const intervals = texts(body.intervals, "intervals") ?? settings.intervals;
  const summaries = await ingest(store, bingx, { pairs: chosen, intervals, backfill: action.endsWith("backfill"), batches: Number(batches ?? standardBatches), runTimeoutMinutes: settings.runTimeoutMinutes, instance }, now);
  await audit(call, action, "bingx", body);
  return summaries;
}

const accepted = (handler: (call: Call) => Promise<PairSummary[]>): Handler => async (call): Promise<Reply> => {
  await handler(call);
  return { status: 202, body: { status: "accepted" } };
};
const summarised = (handler: (call: Call) => Promise<PairSummary[]>): Handler => async (call): Promise<Reply> => ({ status: 202, body: await handler(call) });
const backfillBatches = (call: Call): number => call.api.settings.backfillBatches;

/** One pair of the named kind; times are checked and, as in the app, not passed on. */
const sourceBackfill: Handler = async (call) => {
  const body = await objectBody(call);
  if (!String(body.sourceType).startsWith("bingx_")) throw new Refusal(400, { error: "Unsupported source type" });
  for (const name of ["start", "end"]) if (Number.isNaN(Date.parse(String(body[name])))) throw invalid(`${name} must be a time`);
  const pair = pairNamed(String(body.pair), call.api.settings.pairs);
  if (!pair) throw invalid("pair must be one that is ingested");
  await run({ ...call, body: async () => ({ pairs: [pair] }) }, "data_sources.backfill", "maxBatches", backfillBatches(call));
  return { status: 202, body: { status: "accepted" } };
};

/** POST /ops/ingestion/:source/...: the double ingests from the exchange only. */
const bingxOnly = (handler: Handler): Handler => (call) => {
  if (call.params.source !== "bingx") throw ["tradingview", "telegram"].includes(call.params.source) ? new Refusal(501, { error: `the double of the api does not ingest from ${call.params.source}` }) : new Refusal(400, { error: "Unknown source" });
  return handler(call);
};

export const marketRoutes: Routes = {
  "GET /bingx/market-data/pairs": pairs,
  "GET /bingx/market-data/candles": candles,
  "POST /bingx/market-data/backfill": accepted((call) => run(call, "bingx.backfill", "maxBatches", backfillBatches(call))),
  "POST /bingx/market-data/refresh": accepted((call) => run(call, "bingx.refresh", "maxBatches", 1)),
  "POST /ingestion/bingx/backfill": summarised((call) => run(call, "ingestion.bingx.backfill", "max_batches", backfillBatches(call))),
  "POST /ingestion/bingx/refresh": summarised((call) => run(call, "ingestion.bingx.refresh", "max_batches", 1)),
  "POST /ops/ingestion/:source/run": bingxOnly(summarised((call) => run(call, "ingestion.run", "max_batches", 1))),
  "POST /ops/ingestion/:source/backfill": bingxOnly(summarised((call) => run(call, "ingestion.backfill", "max_batches", backfillBatches(call)))),
  "POST /data-sources/backfill": sourceBackfill,
};
