/** Overlaps and gaps of times in which somebody ran. Intervals are half-open: two that only touch have no moment in common. */

export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** A time of somebody: a stretch of a worker, or a connection of it. */
export interface Held extends Interval {
  readonly instance: string;
}

/** A time in which more than one ran. */
export interface Overlap extends Interval {
  /** Who did, in the order of their names. */
  readonly instances: readonly string[];
}

/** Times in which two or more different instances ran, in order; those that touch are one. */
export function overlapsOf(times: readonly Held[]): Overlap[] {
  const edges = times.flatMap(({ instance, from, to }) => (to > from ? [{ at: from, instance, by: 1 }, { at: to, instance, by: -1 }] : [])).sort((a, b) => a.at - b.at);
  const running = new Map<string, number>();
  const found: { from: number; to: number; instances: Set<string> }[] = [];
  let since = 0;
  for (const { at, instance, by } of edges) {
    if (running.size > 1 && at > since) {
      const last = found.at(-1);
      if (last?.to === since) {
        last.to = at;
        for (const name of running.keys()) last.instances.add(name);
      } else found.push({ from: since, to: at, instances: new Set(running.keys()) });
    }
    since = at;
    const times = (running.get(instance) ?? 0) + by;
    if (times === 0) running.delete(instance);
    else running.set(instance, times);
  }
  return found.map(({ instances, ...interval }) => ({ ...interval, instances: [...instances].sort() }));
}

/** Times inside the window in which nobody ran, in order. */
export function gapsOf(times: readonly Interval[], window: Interval): Interval[] {
  const gaps: Interval[] = [];
  let until = window.from;
  for (const { from, to } of times.toSorted((a, b) => a.from - b.from)) {
    if (from >= window.to) break;
    if (from > until) gaps.push({ from: until, to: from });
    until = Math.max(until, to);
  }
  if (until < window.to) gaps.push({ from: until, to: window.to });
  return gaps;
}

/** The part inside the window; none when it is outside. */
export function within<T extends Interval>(intervals: readonly T[], window: Interval): T[] {
  return intervals.map((interval) => ({ ...interval, from: Math.max(interval.from, window.from), to: Math.min(interval.to, window.to) })).filter(({ from, to }) => to > from);
}

/** The longest, the earliest of equals; undefined when there is none. */
export function longest<T extends Interval>(intervals: readonly T[]): T | undefined {
  return intervals.reduce<T | undefined>((best, interval) => (best && lengthOf(best) >= lengthOf(interval) ? best : interval), undefined);
}

export function lengthOf({ from, to }: Interval): number {
  return to - from;
}

export function sumOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, interval) => sum + lengthOf(interval), 0);
}
