/** What became of an ingest whose answer did not come: the app's own record of it says, in Convex. */
import { Duration } from "../../../contracts/units";
import type { IngestionRun, MarketData } from "./market-data";

/** A look costs Convex one small query. */
const LOOK_EVERY = Duration.seconds(2);
/** The worker's cycles leave the lock free for moments only. */
const IDLE_LOOK_EVERY = Duration.ms(500);
/** Two machines' clocks may differ so far. */
const CLOCKS_DIFFER = Duration.seconds(60);
/** The app begins its run within a second of the call; a busy one may need some. */
const BEGINS_WITHIN = Duration.seconds(30);

export interface Waiting {
  /** How long the app lets a run be before it takes it for dead (INGESTION_RUN_TIMEOUT_MIN). */
  readonly runTimeout: Duration;
  readonly wait: (time: Duration) => Promise<void>;
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number;
  /** Told now and then what is waited for. */
  readonly say: (line: string) => void;
}

export type Fate =
  | { readonly outcome: "succeeded"; readonly run: IngestionRun }
  | { readonly outcome: "failed"; readonly run: IngestionRun }
  /** Older than the app lets it be: whoever ran it is gone. */
  | { readonly outcome: "abandoned"; readonly run: IngestionRun }
  /** No such run appeared, so that nothing was done. */
  | { readonly outcome: "never-began" };

/** A call that was made, or was about to be. */
export interface MadeCall {
  /** Milliseconds since 1970 by Convex's clock, just before it. */
  readonly at: number;
  /** Ids of the lock's runs that there were before it. */
  readonly known: readonly string[];
}

/** The run that the call began: one that somebody asked for, and that was not there before. The worker's own are not ours. */
export function runOf(runs: readonly IngestionRun[], { at, known }: MadeCall): IngestionRun | undefined {
  return runs.filter((run) => run.trigger === "manual" && !known.includes(run.id) && run.startedAt >= at - CLOCKS_DIFFER.milliseconds).at(-1);
}

/** Waits for the end of the run that a call began. */
export async function followCall(data: MarketData, call: MadeCall, { runTimeout, wait, clock, say }: Waiting): Promise<Fate> {
  const began = clock();
  let told = false;
  for (;;) {
    const run = runOf(await data.lockRuns(), call);
    if (run?.finished) return { outcome: run.status === "succeeded" ? "succeeded" : "failed", run };
    if (run && clock() - began >= runTimeout.milliseconds) return { outcome: "abandoned", run };
    if (!run && clock() - began >= BEGINS_WITHIN.milliseconds) return { outcome: "never-began" };
    if (run && !told) say(`its run ${run.id} goes on in the app; followed until it ends`);
    told ||= run !== undefined;
    await wait(LOOK_EVERY);
  }
}

/**
 * Waits until no ingest has the app's lock: a call made meanwhile would do nothing.
 * A run that is older than the app lets it be is no hindrance: the app takes its lock.
 * @returns the runs that there are then
 */
export async function whenIdle(data: MarketData, { runTimeout, wait, clock, say }: Waiting): Promise<readonly IngestionRun[]> {
  const began = clock();
  let told = false;
  for (;;) {
    const runs = await data.lockRuns();
    const now = await data.now();
    const running = runs.find((run) => !run.finished && now - run.startedAt <= runTimeout.milliseconds);
    if (!running) return runs;
    if (clock() - began > runTimeout.milliseconds) throw new Error(`the app's ingest has been busy for ${runTimeout} (run ${running.id}, ${running.trigger}), so that no backfill could begin; look at GET /ops/ingestion/runs?source_type=bingx, and repeat this command: it goes on where it was`);
    if (!told) say(`waits for the app's own ingest to end (run ${running.id}, ${running.trigger})`);
    told = true;
    await wait(IDLE_LOOK_EVERY);
  }
}
