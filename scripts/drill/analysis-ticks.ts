/** Who ran when, from the lines that a worker writes while it runs: `<seq> <monotonic ms> <wall ms> <instance>`. */
import { FROZEN_AFTER_MS, type Policy, type Stretch } from "./result";

export interface Tick {
  readonly seq: number;
  /** Milliseconds of CLOCK_MONOTONIC. */
  readonly at: number;
  /** Milliseconds since 1970 by the worker's wall clock, which a case may move. */
  readonly wall: number;
  readonly instance: string;
}

export interface TickLines {
  readonly ticks: readonly Tick[];
  /** Lines that are none: at most the last one of a worker that was killed while it wrote. */
  readonly unreadable: readonly string[];
}

const LINE = /^(\d+) (\d+(?:\.\d+)?) (\d+(?:\.\d+)?) (\S+)$/;

export function readTicks(text: string): TickLines {
  const ticks: Tick[] = [];
  const unreadable: string[] = [];
  // What follows the last line feed is half a line, which may read like a whole one with another stamp.
  const lines = text.split("\n");
  const half = lines.pop();
  for (const line of lines) {
    const [, seq, at, wall, instance] = LINE.exec(line) ?? [];
    if (instance !== undefined) ticks.push({ seq: Number(seq), at: Number(at), wall: Number(wall), instance });
    else if (line !== "") unreadable.push(line);
  }
  if (half) unreadable.push(half);
  return { ticks, unreadable };
}

/**
 * Stretches of the workers of one policy on one node, in the order in which they
 * began. A single tick lasts one millisecond: it proves that the worker ran, and
 * must not count as nothing when another one did at that moment.
 *
 * @param frozenAfterMs a longer pause between two ticks ends a stretch
 */
export function stretchesOf(policy: Policy, node: string, ticks: readonly Tick[], frozenAfterMs = FROZEN_AFTER_MS): Stretch[] {
  const times = new Map<string, number[]>();
  for (const { instance, at } of ticks) {
    const own = times.get(instance);
    if (own) own.push(at);
    else times.set(instance, [at]);
  }
  const stretches: Stretch[] = [];
  for (const [instance, own] of times) {
    own.sort((a, b) => a - b);
    let first = 0;
    for (let next = 1; next <= own.length; next += 1) {
      if (next < own.length && own[next] - own[next - 1] <= frozenAfterMs) continue;
      stretches.push({ policy, instance, node, from: own[first], to: Math.max(own[next - 1], own[first] + 1), ticks: next - first });
      first = next;
    }
  }
  return stretches.sort((a, b) => a.from - b.from || (a.instance < b.instance ? -1 : 1));
}
