/** One call of the app's ingest for one pair: when it may be made, what became of it, and that it wrote where it was meant to. */
import { Duration } from "../../../contracts/units";
import type { AppApi, IngestAnswer, IngestCall } from "./app-api";
import { followCall, runOf, whenIdle, type MadeCall, type Waiting } from "./follow";
import type { BackfillJournal, PairOutcome } from "./journal";
import type { MarketData } from "./market-data";

/** The worker's cycles may take the lock just before each call; a backfill that never gets it is told so. */
const MAX_SKIPS = 20;
/** An api that is busy with an ingest of its own shows it in Convex within that. */
const AFTER_SKIP = Duration.seconds(1);

export interface BackfillSources {
  readonly api: AppApi;
  readonly data: MarketData;
  readonly journal: BackfillJournal;
}

/** The api wrote into another database than the one that was looked at. */
export class OtherDatabase extends Error {
  constructor(api: string, convex: string) {
    super(`the app's api at ${api} ingested, and Convex at ${convex} has no record of it: that api works on another Convex. A gateway sends calls to the legacy api while the traffic is legacy's; choose the side whose Convex its api uses (--side), or move the data first (gvfx data move)`);
    this.name = "OtherDatabase";
  }
}

/** A call ended otherwise than well. */
interface Trouble {
  readonly outcome: Extract<PairOutcome, "failed" | "refused">;
  readonly note: string;
}

export type CallResult = { readonly rows: number; readonly writtenAs?: string } | Trouble;

/**
 * One call, followed to its end.
 * @param number of the call for its pair, from 1
 * @throws OtherDatabase, an AbortError, or Error when every further call would end the same
 */
export async function makeCall(call: IngestCall, number: number, { api, data, journal }: BackfillSources, waiting: Waiting, signal?: AbortSignal): Promise<CallResult> {
  const { pair } = call;
  for (let skips = 0; ; skips++) {
    signal?.throwIfAborted();
    const runs = await whenIdle(data, waiting);
    const made: MadeCall = { at: await data.now(), known: runs.map(({ id }) => id) };
    journal.write({ event: "calling", pair, call: number, at: made.at, known: [...made.known] });
    const written = (outcome: string, rows: number): void => journal.write({ event: "called", pair, call: number, outcome, rows });
    const answer = await api.ingest(call, signal).catch((error: unknown) => {
      // Nothing was sent.
      written("not-asked", 0);
      throw error;
    });
    // The answer may have been cut off by the interruption itself: whoever goes on asks what became of it.
    signal?.throwIfAborted();
    // With another token or role, or without that route, every further call is refused too.
    if (answer.outcome === "refused" && [401, 403, 404, 501].includes(answer.status)) {
      written("refused", 0);
      throw new Error(refusal(api.address, answer.status, answer.reason));
    }
    const result = await settle(answer, made, pair, api, data, waiting);
    if (result !== "skipped") {
      written("outcome" in result ? result.outcome : "ingested", "rows" in result ? result.rows : 0);
      return result;
    }
    written("skipped", 0);
    if (skips >= MAX_SKIPS) return { outcome: "failed", note: `the app's own ingest had the lock ${skips + 1} times when this call came; pause it (POST /ops/ingestion/bingx/pause for each feed), or repeat when it is calmer` };
    await waiting.wait(AFTER_SKIP);
  }
}

async function settle(answer: IngestAnswer, made: MadeCall, pair: string, api: AppApi, data: MarketData, waiting: Waiting): Promise<CallResult | "skipped"> {
  switch (answer.outcome) {
    case "skipped":
      return "skipped";
    case "ingested":
      // A run that Convex has no record of was written elsewhere.
      if (!runOf(await data.lockRuns(), made)) throw new OtherDatabase(api.address, data.address);
      return { rows: answer.rows, writtenAs: answer.pair };
    case "refused":
      return { outcome: "refused", note: `the app refused ${pair} (${answer.status}): ${answer.reason}` };
    case "lost": {
      waiting.say(`no answer about ${pair} (${answer.reason}); it may be at work all the same: looking into its records`);
      const fate = await followCall(data, made, waiting);
      if (fate.outcome === "succeeded") return { rows: fate.run.rows };
      if (fate.outcome === "never-began") return { outcome: "failed", note: `the call did not begin anything (${answer.reason}); repeat this command` };
      if (fate.outcome === "abandoned") return { outcome: "failed", note: `run ${fate.run.id} did not end within ${waiting.runTimeout}: the api that ran it is gone or hangs; the app takes its lock by itself, so repeat this command` };
      return { outcome: "failed", note: `run ${fate.run.id} failed in the app: ${fate.run.error ?? "without a reason"}` };
    }
  }
}

function refusal(address: string, status: number, reason: string): string {
  const what = `the app's api at ${address} refuses a backfill (${status}${reason ? `: ${reason}` : ""})`;
  if (status === 401) return `${what}: API_TOKEN is not the one that it runs with; export the one of Vault's app/api-token`;
  if (status === 403) return `${what}: the caller is no operator there; an API_TOKEN makes one of its caller, and without one the role of the actor "gvfx" must be operator`;
  return `${what}: it has no such route; is this the app's api, or another process on that port?`;
}
