/** Asks several things again and again, and keeps when each answered: what users would have seen while something was broken. */
import type { Figure, Lane } from "../result";

export interface Target {
  /** "api by server-1". */
  readonly label: string;
  /** @throws Error when it does not work */
  ask(signal: AbortSignal): Promise<void>;
}

export interface Sample {
  /** Milliseconds since the watch began, when it was asked. */
  readonly at: number;
  readonly tookMs: number;
  /** Undefined when it worked. */
  readonly failure: string | undefined;
}

export interface Watched {
  readonly label: string;
  readonly samples: readonly Sample[];
}

export interface WatchOptions {
  /** Milliseconds between two questions to one target, when it answers in time. @default 250 */
  readonly everyMs?: number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

/** Until the signal; what is asked then is waited for. */
export async function watch(targets: readonly Target[], { everyMs = 250, signal, now, wait }: WatchOptions): Promise<Watched[]> {
  const began = now();
  const never = new AbortController().signal;
  return Promise.all(
    targets.map(async ({ label, ask }) => {
      const samples: Sample[] = [];
      while (!signal.aborted) {
        const at = now() - began;
        const failure = await ask(never).then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error)));
        samples.push({ at, tookMs: now() - began - at, failure });
        await wait(Math.max(0, everyMs - samples.at(-1)!.tookMs));
      }
      return { label, samples };
    }),
  );
}

/** Longest time from an answer to the next one with a failure in between: 0 when none failed. Milliseconds. */
export function longestOutage({ samples }: Watched): number {
  let longest = 0;
  let lastGood = 0;
  let failed = false;
  for (const { at, tookMs, failure } of samples) {
    if (failure !== undefined) failed = true;
    else {
      if (failed) longest = Math.max(longest, at + tookMs - lastGood);
      lastGood = at + tookMs;
      failed = false;
    }
  }
  const end = samples.at(-1);
  return failed && end ? Math.max(longest, end.at + end.tookMs - lastGood) : longest;
}

/** A bar for each run of answers and of failures. */
export function laneOf({ label, samples }: Watched): Lane {
  const stretches: { from: number; to: number; kind: "good" | "bad"; what: string }[] = [];
  for (const { at, tookMs, failure } of samples) {
    const kind = failure === undefined ? "good" : "bad";
    const last = stretches.at(-1);
    if (last?.kind === kind) last.to = at + tookMs;
    else stretches.push({ from: at, to: at + tookMs, kind, what: failure ?? "answered" });
  }
  return { label, stretches };
}

export function figuresOf(watched: readonly Watched[], atMostMs?: number): Figure[] {
  return watched.map((it) => ({ title: `${it.label}: longest time without an answer`, value: Math.round(longestOutage(it)), unit: "ms", ...(atMostMs === undefined ? {} : { atMost: atMostMs }) }));
}
