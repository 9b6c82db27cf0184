/**
 * The backfill, pair by pair: calls of a few batches each, until the window is covered or the exchange gives no more.
 * Each call is short, is followed to its end in the app's own records when its answer does not come, and is written
 * down before and after, so that nothing is done twice unseen.
 */
import type { Duration } from "../../../contracts/units";
import type { Progress, ProgressStep } from "../progress";
import type { AppApi, IngestAnswer } from "./app-api";
import { windowOf, type CoverageSettings } from "./assess";
import { followCall, runOf, whenIdle, type MadeCall, type Waiting } from "./follow";
import { intervalMs } from "./interval";
import type { BackfillJournal, PairOutcome, PairResult } from "./journal";
import type { CandleEdges, MarketData } from "./market-data";

/** The worker's cycles may take the lock just before each call; a backfill that never gets it is told so. */
const MAX_SKIPS = 20;

export interface BackfillOptions {
  readonly pairs: readonly string[];
  readonly settings: CoverageSettings;
  /** Batches of 500 candles of each interval in one call. */
  readonly maxBatches: number;
  /** Calls for one pair. */
  readonly maxCalls: number;
  /** How long the app lets a run be before it takes it for dead. */
  readonly runTimeout: Duration;
  readonly progress: Progress;
  readonly say: (line: string) => void;
  readonly wait: (time: Duration) => Promise<void>;
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number;
  readonly signal?: AbortSignal;
}

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

type CallResult = { readonly rows: number; readonly writtenAs?: string } | Trouble;

/**
 * @returns a result for each pair, those of an earlier run of the same journal included
 * @throws OtherDatabase, an AbortError when interrupted, or Error when the api or Convex cannot be asked
 */
export async function backfill(sources: BackfillSources, options: BackfillOptions): Promise<PairResult[]> {
  const { journal, data } = sources;
  const waiting: Waiting = { runTimeout: options.runTimeout, wait: options.wait, clock: options.clock, say: options.say };
  const earlier = new Map(journal.state.done.map((result) => [result.pair, result]));
  if (journal.resumed) options.say(`goes on with ${journal.path}: ${earlier.size} of ${options.pairs.length} pairs are done`);
  const { open } = journal.state;
  if (open) {
    options.say(`an earlier run ended while it waited for the answer about ${open.pair}; asking the app's records what became of it`);
    const fate = await followCall(data, open, waiting);
    const before = journal.state.begun.get(open.pair);
    journal.write({ event: "called", pair: open.pair, call: (before?.calls ?? 0) + 1, outcome: fate.outcome, rows: "run" in fate ? fate.run.rows : 0 });
  }
  const results: PairResult[] = [];
  for (const pair of options.pairs) {
    const done = earlier.get(pair);
    if (done) {
      results.push(done);
      continue;
    }
    options.signal?.throwIfAborted();
    const step = options.progress.step(`backfill of ${pair}`);
    try {
      const result = await backfillPair(pair, sources, options, waiting, step);
      journal.write({ event: "pair", result: { ...result } });
      results.push(result);
      const said = `${result.outcome}, ${result.calls} calls, ${result.rows} rows${result.note ? `; ${result.note}` : ""}`;
      if (result.outcome === "covered" || result.outcome === "exhausted") step.done(said);
      else step.failed(said);
    } catch (error) {
      step.failed(options.signal?.aborted ? "interrupted" : "not done");
      throw error;
    }
  }
  if (results.every(({ outcome }) => outcome === "covered" || outcome === "exhausted")) journal.write({ event: "ended", at: new Date().toISOString() });
  return results;
}

async function backfillPair(pair: string, sources: BackfillSources, options: BackfillOptions, waiting: Waiting, step: ProgressStep): Promise<PairResult> {
  const { data, journal } = sources;
  const { settings, maxCalls, maxBatches } = options;
  const begun = journal.state.begun.get(pair);
  let [calls, rows] = [begun?.calls ?? 0, begun?.rows ?? 0];
  let notes: string | undefined;
  const result = (outcome: PairOutcome, note = notes): PairResult => ({ pair, outcome, calls, rows, ...(note ? { note } : {}) });
  let edges = await edgesOf(data, pair, settings);
  // The first call is made in any case: it brings the feeds that have no past, and the newest rows.
  for (let first = true; ; first = false) {
    const open = await uncovered(data, edges, settings);
    if (open.length === 0 && !first) return result("covered");
    if (calls >= maxCalls) return result("calls-used-up", `${open.join(", ")} ${open.length === 1 ? "does" : "do"} not reach back ${settings.history}; repeat with more --max-calls or --max-batches`);
    const called = await makeCall({ pair, intervals: open.length > 0 ? open : settings.intervals, maxBatches }, ++calls, sources, options, waiting);
    if ("outcome" in called) return result(called.outcome, called.note);
    rows += called.rows;
    step.advance(called.rows);
    if (called.writtenAs !== undefined && called.writtenAs !== pair) notes = `the app takes ${pair} for ${called.writtenAs}, and wrote its rows there`;
    const after = await edgesOf(data, pair, settings);
    if (open.length > 0 && open.every((interval) => same(edges.get(interval), after.get(interval)))) return result("exhausted", notes ?? `the exchange gives nothing more of ${open.join(", ")}`);
    edges = after;
  }
}

async function edgesOf(data: MarketData, pair: string, { intervals }: CoverageSettings): Promise<ReadonlyMap<string, CandleEdges>> {
  const edges = new Map<string, CandleEdges>();
  for (const interval of intervals) edges.set(interval, await data.edges(pair, interval));
  return edges;
}

/** Intervals that do not reach from the window's begin to the newest whole candle. */
async function uncovered(data: MarketData, edges: ReadonlyMap<string, CandleEdges>, settings: CoverageSettings): Promise<string[]> {
  const now = await data.now();
  return [...edges].flatMap(([interval, { oldest, newest }]) => {
    const step = intervalMs(interval);
    const { from } = windowOf("candles", settings, now, interval);
    const whole = oldest !== undefined && newest !== undefined && oldest < from + step && now - (newest + step) <= settings.maxSilence.candles.milliseconds;
    return whole ? [] : [interval];
  });
}

const same = (a: CandleEdges | undefined, b: CandleEdges | undefined): boolean => a?.oldest === b?.oldest && a?.newest === b?.newest;

async function makeCall(call: Parameters<AppApi["ingest"]>[0], number: number, { api, data, journal }: BackfillSources, { say, signal }: BackfillOptions, waiting: Waiting): Promise<CallResult> {
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
    const result = await settle(answer, made, pair, { api, data, journal }, say, waiting);
    if (result !== "skipped") {
      written("outcome" in result ? result.outcome : "ingested", "rows" in result ? result.rows : 0);
      return result;
    }
    written("skipped", 0);
    if (skips >= MAX_SKIPS) return { outcome: "failed", note: `the app's own ingest had the lock ${skips + 1} times when this call came; pause it (POST /ops/ingestion/bingx/pause for each feed), or repeat when it is calmer` };
  }
}

async function settle(answer: IngestAnswer, made: MadeCall, pair: string, { api, data }: BackfillSources, say: (line: string) => void, waiting: Waiting): Promise<CallResult | "skipped"> {
  switch (answer.outcome) {
    case "skipped":
      return "skipped";
    case "ingested":
      // A run that Convex has no record of was written elsewhere.
      if (!runOf(await data.lockRuns(), made)) throw new OtherDatabase(api.address, data.address);
      return { rows: answer.rows, writtenAs: answer.pair };
    case "refused":
      // With another token or role, or without that route, every further call is refused too.
      if ([401, 403, 404, 501].includes(answer.status)) throw new Error(refusal(api.address, answer.status, answer.reason));
      return { outcome: "refused", note: `the app refused ${pair} (${answer.status}): ${answer.reason}` };
    case "lost": {
      say(`no answer about ${pair} (${answer.reason}); it may be at work all the same: looking into its records`);
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
