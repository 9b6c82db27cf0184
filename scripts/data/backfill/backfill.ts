/**
 * The backfill, pair by pair: calls of a few batches each, until the window is covered or the exchange gives no more.
 * Each call is short, is followed to its end in the app's own records when its answer does not come, and is written
 * down before and after, so that nothing is done twice unseen.
 */
import type { Duration } from "../../../contracts/units";
import type { Progress, ProgressStep } from "../progress";
import { windowOf, type CoverageSettings } from "./assess";
import { makeCall, type BackfillSources } from "./call";
import { followCall, type Waiting } from "./follow";
import { intervalMs } from "./interval";
import type { PairOutcome, PairResult } from "./journal";
import type { CandleEdges, MarketData } from "./market-data";

/** The app asks the exchange for so many at once. */
const CANDLES_A_BATCH = 500;

export interface BackfillOptions {
  readonly pairs: readonly string[];
  readonly settings: CoverageSettings;
  /** The most batches of 500 candles of each interval in one call; a call that needs fewer asks for fewer. */
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
      const said = `${result.outcome}, ${result.calls} call${result.calls === 1 ? "" : "s"}, ${result.rows} rows${result.note ? `; ${result.note}` : ""}`;
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
    const needed = await uncovered(data, edges, settings);
    const open = [...needed.keys()];
    if (open.length === 0 && !first) return result("covered");
    if (calls >= maxCalls) return result("calls-used-up", `${open.join(", ")} ${open.length === 1 ? "does" : "do"} not reach back ${settings.history}; repeat with more --max-calls or --max-batches`);
    // As many as the interval with the least to do needs: one call has one number for all, and years of days help nobody.
    const batches = Math.min(maxBatches, ...(open.length > 0 ? needed.values() : [1]));
    const called = await makeCall({ pair, intervals: open.length > 0 ? open : settings.intervals, maxBatches: batches }, ++calls, sources, waiting, options.signal);
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

/** Intervals that do not reach from the window's begin to the newest whole candle, with the batches that each needs. */
async function uncovered(data: MarketData, edges: ReadonlyMap<string, CandleEdges>, settings: CoverageSettings): Promise<ReadonlyMap<string, number>> {
  const now = await data.now();
  const needed = new Map<string, number>();
  for (const [interval, { oldest = now, newest }] of edges) {
    const step = intervalMs(interval);
    const { from } = windowOf("candles", settings, now, interval);
    const fresh = newest !== undefined && now - (newest + step) <= settings.maxSilence.candles.milliseconds;
    if (!fresh || oldest >= from + step) needed.set(interval, Math.max(1, Math.ceil((oldest - from) / step / CANDLES_A_BATCH)));
  }
  return needed;
}

const same = (a: CandleEdges | undefined, b: CandleEdges | undefined): boolean => a?.oldest === b?.oldest && a?.newest === b?.newest;
