/** What the ticks and the exchange's record say of one policy in one run of a case. */
import { gapsOf, lengthOf, longest, overlapsOf, sumOf, within, type Held, type Interval, type Overlap } from "./analysis-intervals";
import { FROZEN_AFTER_MS, STALLED_FOR_MS, TICK_MS, type CaseRun, type Connection, type DrillEvent, type Policy, type PolicyMeasures, type Stretch } from "./result";

/**
 * Who ticked before and after a shorter pause may have run in it: the machine had no
 * core to spare. The shortest freeze that a case makes is 40 s.
 */
const LEAST_FREEZE_MS = 5_000;

/** What a run's measures are taken from. */
export type Observed = Pick<CaseRun, "from" | "to" | "events" | "stretches" | "connections">;

export function measuresOf(policy: Policy, run: Observed): PolicyMeasures {
  const own = stretchesIn(policy, run);
  const gaps = pausesOf(policy, run);
  const last = gaps.at(-1);
  const began = disturbedAt(run);
  return {
    overlapMs: round(sumOf(overlapsOf(own))),
    overlapAtMostMs: round(sumOf(overlapsOf(atMost(policy, run)))),
    connectionOverlapMs: round(sumOf(overlapsOf(heard(policy, run)))),
    longestGapMs: round(longestLength(gaps)),
    starts: startedIn(policy, run).length,
    undisturbed: new Set(own.map(({ instance }) => instance)).size === 1 && longestLength(gaps) <= STALLED_FOR_MS,
    downForMs: last && last.to >= run.to ? null : last && last.to > began ? round(last.to - began) : 0,
  };
}

/** Times in which two certainly ran, for the drawing. */
export function overlapsIn(policy: Policy, run: Observed): Overlap[] {
  return overlapsOf(stretchesIn(policy, run));
}

/**
 * Times within the run in which none ran. What is missing at its two ends is
 * none if it is no longer than a pause between two ticks may be: the run begins
 * and ends between ticks.
 */
export function pausesOf(policy: Policy, run: Observed): Interval[] {
  return gapsOf(stretchesIn(policy, run), run).filter((gap) => lengthOf(gap) > FROZEN_AFTER_MS || (gap.from > run.from && gap.to < run.to));
}

/** When the run's first fault or action was: what is before it is the calm; the beginning of a run that has none. */
export function disturbedAt({ events, from }: { readonly events: readonly DrillEvent[]; readonly from: number }): number {
  const faults = events.filter(({ kind }) => kind === "fault" || kind === "action").map(({ at }) => at);
  return faults.length > 0 ? Math.min(...faults) : from;
}

/**
 * Longest time while something was broken in which nothing came of what should come all the time,
 * in milliseconds. Something must have come before and after it: what never comes is no silence.
 *
 * @param arrivals stamps
 */
export function silenceOf(arrivals: readonly number[], events: readonly DrillEvent[]): number {
  const [broken, healed] = [events.find(({ kind }) => kind === "fault"), events.findLast(({ kind }) => kind === "heal")];
  if (!broken || !healed) return 0;
  const inOrder = arrivals.toSorted((a, b) => a - b);
  return round(longestLength(within(inOrder.slice(1).map((to, before) => ({ from: inOrder[before], to })), { from: broken.at, to: healed.at })));
}

function stretchesIn(policy: Policy, { stretches, ...window }: Observed): Stretch[] {
  return within(stretches.filter((stretch) => stretch.policy === policy), window);
}

/** A worker may have run for up to a tick after the last that it wrote, and through a pause that no case makes. */
function atMost(policy: Policy, { stretches, ...window }: Observed): Held[] {
  const own = stretches.filter((stretch) => stretch.policy === policy).sort((a, b) => a.from - b.from);
  const running = own.map(({ instance, from, to }) => {
    const next = own.find((later) => later.instance === instance && later.from > to);
    return { instance, from, to: next && next.from - to < LEAST_FREEZE_MS ? next.from : to + TICK_MS };
  });
  return within(running, window);
}

/** Until the worker was heard last, not until the socket was closed: that of a worker that is cut off stays open without it. */
function heard(policy: Policy, { connections, ...window }: Observed): Held[] {
  const own = connections.filter((connection: Connection) => connection.policy === policy);
  return within(own.map(({ instance, from, heardAt }) => ({ instance, from, to: heardAt })), window);
}

/** Instances whose first tick is in the run. */
function startedIn(policy: Policy, { stretches, from, to }: Observed): string[] {
  const first = new Map<string, number>();
  for (const stretch of stretches) if (stretch.policy === policy) first.set(stretch.instance, Math.min(stretch.from, first.get(stretch.instance) ?? Infinity));
  // One that ran already writes its next tick within the time that a pause may take.
  return [...first].filter(([, at]) => at > from + FROZEN_AFTER_MS && at < to).map(([instance]) => instance);
}

function longestLength(intervals: readonly Interval[]): number {
  const found = longest(intervals);
  return found ? lengthOf(found) : 0;
}

/** To a tenth of a millisecond: finer than the clock of a busy machine means anything. */
function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
