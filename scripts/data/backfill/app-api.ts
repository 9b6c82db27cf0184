/**
 * The app's call that ingests from the exchange. It answers when the ingest is done, and only then: an answer that does
 * not come says nothing, since the app goes on without its caller.
 *
 * `POST /ingestion/bingx/backfill` rather than `/bingx/market-data/backfill`: the latter counts as a scheduled run, skips
 * feeds that ran within the worker's interval, and answers 202 in any case. This one ingests all feeds and says what it did.
 */
import { z } from "zod";
import { LONGEST_CALL } from "../../../contracts/http";
import { Duration } from "../../../contracts/units";
import { request, Unreachable, type Answer } from "../../clients/http";
import { parseJson } from "../../json";

export const BACKFILL_PATH = "/ingestion/bingx/backfill";
/** The gateway gives up after LONGEST_CALL, and its answer is worth having. */
const ANSWER_TIMEOUT = LONGEST_CALL.plus(Duration.seconds(30));
/** Nothing of the call can have reached anybody. */
const NOTHING_SENT = ["refused", "unrouted", "name", "untrusted", "not-tls", "client-certificate"];

export interface IngestCall {
  readonly pair: string;
  readonly intervals: readonly string[];
  /** Batches of 500 candles backwards in time, for each interval; of funding rates, 1,000 each. */
  readonly maxBatches: number;
}

export type IngestAnswer =
  /** Done. `pair` is the name under which the app wrote it; `rows` counts what it wrote, new or again. */
  | { readonly outcome: "ingested"; readonly pair: string; readonly rows: number }
  /** Another ingest has the app's lock: nothing was done. */
  | { readonly outcome: "skipped" }
  /** The app does not take such a call: nothing was done. */
  | { readonly outcome: "refused"; readonly status: number; readonly reason: string }
  /** Whether it runs, ran or never began is not known from here. */
  | { readonly outcome: "lost"; readonly reason: string };

export interface AppApi {
  /** For sentences. */
  readonly address: string;
  /** @throws Error when nobody was asked: nothing was done */
  ingest(call: IngestCall, signal?: AbortSignal): Promise<IngestAnswer>;
}

const summarySchema = z.array(z.looseObject({ pair: z.string() }));

/** @param token API_TOKEN of the app; an app without one takes every call */
export function appApi(address: string, token: string | undefined, answerTimeout = ANSWER_TIMEOUT): AppApi {
  return {
    address,
    async ingest({ pair, intervals, maxBatches }, signal) {
      const body = JSON.stringify({ pairs: [pair], intervals, max_batches: maxBatches });
      try {
        return read(await request(`${address}${BACKFILL_PATH}`, { method: "POST", headers: { "content-type": "application/json", "x-actor": "gvfx", ...(token ? { authorization: `Bearer ${token}` } : {}) }, body, answerTimeout, signal }));
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        if (NOTHING_SENT.includes(error.reason)) throw new Error(`the app's api at ${address} was not reached, so nothing was ingested: ${error.message}`);
        return { outcome: "lost", reason: error.message };
      }
    },
  };
}

function read({ status, text }: Answer): IngestAnswer {
  if (status === 202 || status === 200) {
    const summaries = summarySchema.safeParse(parseJson(text));
    if (!summaries.success) return { outcome: "lost", reason: `it answered ${status} with something else than a summary` };
    const [summary] = summaries.data;
    if (!summary) return { outcome: "skipped" };
    const rows = Object.entries(summary).reduce((sum, [name, value]) => sum + (name.endsWith("Inserted") && typeof value === "number" ? value : 0), 0);
    return { outcome: "ingested", pair: summary.pair, rows };
  }
  const said = reasonOf(text);
  // 408 and 429 may come from something on the way, after the call was passed on.
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) return { outcome: "refused", status, reason: said };
  return { outcome: "lost", reason: `it answered ${status}${said ? `: ${said}` : ""}` };
}

function reasonOf(text: string): string {
  const body = z.looseObject({ error: z.string(), details: z.array(z.unknown()).optional() }).safeParse(parseJson(text));
  return (body.success ? [body.data.error, ...(body.data.details ?? []).map((detail) => (typeof detail === "string" ? detail : JSON.stringify(detail)))].join("; ") : text.trim().split("\n")[0]).slice(0, 300);
}
