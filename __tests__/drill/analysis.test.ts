import fc from "../properties";
import { disturbedAt, measuresOf, overlapsIn, pausesOf, type Observed } from "../../scripts/drill/analysis";
import { gapsOf, longest, overlapsOf, sumOf, within, type Held } from "../../scripts/drill/analysis-intervals";
import { readTicks, stretchesOf, type Tick } from "../../scripts/drill/analysis-ticks";
import { FROZEN_AFTER_MS, STALLED_FOR_MS, TICK_MS, type Policy, type Stretch } from "../../scripts/drill/result";

/** Ticks of one instance, every 100 ms, the last one included. */
const ticking = (instance: string, from: number, to: number): Tick[] => Array.from({ length: Math.floor((to - from) / TICK_MS) + 1 }, (_, seq) => ({ seq, at: from + seq * TICK_MS, wall: 1_700_000_000_000 + from + seq * TICK_MS, instance }));
const ran = (instance: string, from: number, to: number, policy: Policy = "lease", node = "server-1"): Stretch => ({ policy, instance, node, from, to, ticks: Math.floor((to - from) / TICK_MS) + 1 });
const held = (instance: string, from: number, to: number): Held => ({ instance, from, to });
const run = (stretches: readonly Stretch[], more: Partial<Observed> = {}): Observed => ({ from: 0, to: 10_000, events: [], connections: [], stretches, ...more });

/** The same by looking at every millisecond, without a thought about edges. */
const everyMs = (times: readonly Held[], from: number, to: number): { readonly twoOrMore: number; readonly longestNone: number } => {
  let twoOrMore = 0;
  let none = 0;
  let longestNone = 0;
  for (let at = from; at < to; at += 1) {
    const now = new Set(times.filter((time) => time.from <= at && at < time.to).map(({ instance }) => instance));
    if (now.size > 1) twoOrMore += 1;
    none = now.size === 0 ? none + 1 : 0;
    longestNone = Math.max(longestNone, none);
  }
  return { twoOrMore, longestNone };
};

const someTimes = fc.array(fc.record({ instance: fc.constantFrom("a", "b", "c"), from: fc.nat(300), length: fc.nat(120) }).map(({ instance, from, length }) => held(instance, from, from + length)), { maxLength: 12 });

describe("ticks", () => {
  test("are read; half a line of a killed worker is none, even where it reads like one", () => {
    const { ticks, unreadable } = readTicks("1 1000 1700000000000 host-7-ab\n2 1100.25 1700000000100 host-7-ab\nrubbish\n\n3 12");
    expect(ticks).toEqual([
      { seq: 1, at: 1000, wall: 1_700_000_000_000, instance: "host-7-ab" },
      { seq: 2, at: 1100.25, wall: 1_700_000_000_100, instance: "host-7-ab" },
    ]);
    expect(unreadable).toEqual(["rubbish", "3 12"]);
    expect(readTicks("3 1200 1700000000200 host-7-a").ticks).toEqual([]);
  });

  test("one stretch per instance, whatever the order of the lines; the wall clock has no say", () => {
    const ticks = [...ticking("b", 500, 900), ...ticking("a", 0, 400).reverse()].map((tick, index) => ({ ...tick, wall: index % 2 ? 0 : 9e12 }));
    expect(stretchesOf("plain", "server-2", ticks)).toEqual([ran("a", 0, 400, "plain", "server-2"), ran("b", 500, 900, "plain", "server-2")]);
  });

  test("a pause of 500 ms is a busy machine's, a longer one is a frozen worker's", () => {
    expect(stretchesOf("lease", "server-1", [...ticking("a", 0, 400), ...ticking("a", 400 + FROZEN_AFTER_MS, 1_200)])).toHaveLength(1);
    expect(stretchesOf("lease", "server-1", [...ticking("a", 0, 400), ...ticking("a", 401 + FROZEN_AFTER_MS, 1_301)])).toEqual([ran("a", 0, 400), ran("a", 901, 1_301)]);
  });

  test("a single tick lasts a millisecond", () => {
    expect(stretchesOf("lease", "server-1", ticking("a", 700, 700))).toEqual([{ ...ran("a", 700, 701), ticks: 1 }]);
  });

  test("every tick is in exactly one stretch of its instance, and no stretch has a pause", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ instance: fc.constantFrom("a", "b"), at: fc.nat(20_000) })), (times) => {
        const ticks = times.map((time, seq) => ({ ...time, seq, wall: 0 }));
        const stretches = stretchesOf("lease", "server-1", ticks);
        expect(stretches.reduce((sum, stretch) => sum + stretch.ticks, 0)).toBe(ticks.length);
        for (const { instance, from, to } of stretches) {
          const own = ticks.filter((tick) => tick.instance === instance && tick.at >= from && tick.at <= to).map(({ at }) => at).sort((a, b) => a - b);
          own.slice(1).forEach((at, index) => expect(at - own[index]).toBeLessThanOrEqual(FROZEN_AFTER_MS));
        }
      }),
    );
  });
});

describe("overlaps and gaps", () => {
  test("agree with a look at every millisecond", () => {
    fc.assert(
      fc.property(someTimes, fc.nat(200), fc.nat(300), (times, from, length) => {
        const window = { from, to: from + length };
        const brute = everyMs(times, window.from, window.to);
        const gaps = gapsOf(times.filter((time) => time.to > time.from), window);
        expect(sumOf(overlapsOf(within(times, window)))).toBe(brute.twoOrMore);
        expect(longest(gaps) ? sumOf([longest(gaps)!]) : 0).toBe(brute.longestNone);
      }),
      { numRuns: 500 },
    );
  });

  test("overlaps come in order, do not touch, and name who ran in them", () => {
    fc.assert(
      fc.property(someTimes, (times) => {
        const found = overlapsOf(times);
        found.slice(1).forEach(({ from }, index) => expect(from).toBeGreaterThan(found[index].to));
        for (const { from, to, instances } of found) {
          const there = new Set(times.filter((time) => time.from < to && time.to > from && time.to > time.from).map(({ instance }) => instance));
          expect(instances.length).toBeGreaterThan(1);
          for (const instance of instances) expect(there).toContain(instance);
        }
      }),
    );
  });

  test("that only touch are no overlap and leave no gap", () => {
    const times = [held("a", 0, 500), held("b", 500, 1_000)];
    expect(overlapsOf(times)).toEqual([]);
    expect(gapsOf(times, { from: 0, to: 1_000 })).toEqual([]);
  });

  test("of one instance with itself are none; of three at once they are counted once", () => {
    expect(overlapsOf([held("a", 0, 500), held("a", 100, 600)])).toEqual([]);
    expect(overlapsOf([held("a", 0, 500), held("b", 100, 400), held("c", 200, 600)])).toEqual([{ from: 100, to: 500, instances: ["a", "b", "c"] }]);
  });
});

describe("measures of a run", () => {
  test("two on a machine without a core to spare, whose ticks never meet: none is certain, at most there were two", () => {
    const stretches = stretchesOf("lease", "server-1", [0, 700, 1_400, 2_100].flatMap((at) => [...ticking("a", at, at), ...ticking("b", at + 350, at + 350)]));
    expect(measuresOf("lease", run(stretches))).toMatchObject({ overlapMs: 0, overlapAtMostMs: 1_851 });
    // One that was frozen by a case does not run meanwhile.
    const frozen = [ran("a", 0, 1_000), ran("a", 41_000, 41_000 + TICK_MS), ran("b", 33_000, 40_000)];
    expect(measuresOf("lease", run(frozen, { to: 50_000 }))).toMatchObject({ overlapAtMostMs: 0 });
  });

  test("a take-over after a kill: no overlap, the gap, one start", () => {
    const measured = measuresOf("lease", run([ran("a", -3_000, 2_000), ran("b", 6_500, 12_000)], { events: [{ at: 2_050, kind: "fault", what: "killed" }] }));
    expect(measured).toEqual({ overlapMs: 0, overlapAtMostMs: 0, connectionOverlapMs: 0, longestGapMs: 4_500, starts: 1, undisturbed: false, downForMs: 4_450 });
  });

  test("two that run at once are counted within the run alone, and a tick more is what it may have been", () => {
    const stretches = [ran("a", 0, 4_000), ran("b", 3_000, 12_000, "lease", "server-2")];
    expect(measuresOf("lease", run(stretches))).toMatchObject({ overlapMs: 1_000, overlapAtMostMs: 1_000 + TICK_MS, longestGapMs: 0, starts: 1, undisturbed: false, downForMs: 0 });
    expect(measuresOf("lease", run(stretches, { from: 3_500 }))).toMatchObject({ overlapMs: 500 });
    expect(overlapsIn("lease", run(stretches))).toEqual([{ from: 3_000, to: 4_000, instances: ["a", "b"] }]);
  });

  test("a single tick of a second worker inside the first one's time is not nothing", () => {
    const stretches = [...stretchesOf("lease", "server-1", ticking("a", 0, 10_000)), ...stretchesOf("lease", "server-2", ticking("b", 5_050, 5_050))];
    expect(measuresOf("lease", run(stretches))).toMatchObject({ overlapMs: 1, overlapAtMostMs: 101 });
  });

  test("a hand-over within less than a tick is no overlap for certain, but may have been one", () => {
    expect(measuresOf("lease", run([ran("a", 0, 5_000), ran("b", 5_040, 10_000)]))).toMatchObject({ overlapMs: 0, overlapAtMostMs: 60, longestGapMs: 40 });
  });

  test("a frozen worker does not run: another one may, and its pause is a gap", () => {
    const frozen = stretchesOf("lease", "server-1", [...ticking("a", 0, 3_000), ...ticking("a", 8_000, 10_000)]);
    expect(measuresOf("lease", run(frozen))).toMatchObject({ longestGapMs: 5_000, starts: 0, undisturbed: false });
    expect(measuresOf("lease", run([...frozen, ran("b", 4_000, 7_000)]))).toMatchObject({ overlapMs: 0, longestGapMs: 1_000, starts: 1 });
    expect(measuresOf("lease", run([...frozen, ran("b", 4_000, 8_500)]))).toMatchObject({ overlapMs: 500 });
  });

  test("a worker that a busy machine lets wait is not disturbed; one that stands still longer is, and so is one that is replaced at once", () => {
    const paused = (ms: number): Stretch[] => [ran("a", 0, 4_000), ran("a", 4_000 + ms, 10_000)];
    expect(measuresOf("lease", run(paused(603)))).toMatchObject({ undisturbed: true, longestGapMs: 603, starts: 0 });
    expect(measuresOf("lease", run(paused(STALLED_FOR_MS + 1)))).toMatchObject({ undisturbed: false });
    expect(measuresOf("lease", run([ran("a", 0, 4_000), ran("b", 4_100, 10_000)]))).toMatchObject({ undisturbed: false, starts: 1 });
  });

  test("one worker from end to end is undisturbed, though the run begins and ends between its ticks", () => {
    const measured = measuresOf("lease", run(stretchesOf("lease", "server-1", ticking("a", 60, 9_960))));
    expect(measured).toEqual({ overlapMs: 0, overlapAtMostMs: 0, connectionOverlapMs: 0, longestGapMs: 0, starts: 0, undisturbed: true, downForMs: 0 });
    expect(pausesOf("lease", run([ran("a", 501, 10_000)]))).toEqual([{ from: 0, to: 501 }]);
  });

  test("a worker that is gone at the end is down without an end", () => {
    expect(measuresOf("lease", run([ran("a", 0, 5_000)], { events: [{ at: 4_900, kind: "fault", what: "killed" }] }))).toMatchObject({ longestGapMs: 5_000, downForMs: null });
    expect(measuresOf("lease", run([]))).toMatchObject({ longestGapMs: 10_000, downForMs: null, undisturbed: false });
  });

  test("down until it ran to stay: a worker that came and went again does not count", () => {
    const measured = measuresOf("lease", run([ran("a", 0, 2_000), ran("b", 3_000, 4_000), ran("c", 7_000, 10_000)], { events: [{ at: 1_900, kind: "fault", what: "killed" }] }));
    expect(measured).toMatchObject({ longestGapMs: 3_000, downForMs: 5_100, starts: 2 });
  });

  test("a gap before the fault is a gap, but not what the fault did", () => {
    expect(measuresOf("lease", run([ran("a", 0, 1_000), ran("b", 2_000, 10_000)], { events: [{ at: 5_000, kind: "fault", what: "killed" }] }))).toMatchObject({ longestGapMs: 1_000, downForMs: 0 });
  });

  test("the policies do not see each other", () => {
    const both = run([ran("a", 0, 10_000), ran("b", 0, 10_000, "plain"), ran("c", 2_000, 3_000, "plain")]);
    expect(measuresOf("lease", both)).toMatchObject({ overlapMs: 0, starts: 0 });
    expect(measuresOf("plain", both)).toMatchObject({ overlapMs: 1_000, starts: 1 });
  });

  test("connections overlap while both are heard: one that was cut off and never closed does not", () => {
    const cut = { policy: "lease", instance: "a", from: 0, heardAt: 3_000, closedAt: null } as const;
    const next = { policy: "lease", instance: "b", from: 4_000, heardAt: 10_000, closedAt: null } as const;
    expect(measuresOf("lease", run([], { connections: [cut, next] })).connectionOverlapMs).toBe(0);
    expect(measuresOf("lease", run([], { connections: [cut, { ...next, from: 2_500 }] })).connectionOverlapMs).toBe(500);
    expect(measuresOf("lease", run([], { connections: [cut, { ...next, instance: "a", from: 2_500 }] })).connectionOverlapMs).toBe(0);
  });

  test("the calm ends with the first fault or action, not with what the drill saw", () => {
    expect(disturbedAt(run([], { events: [{ at: 10, kind: "seen", what: "calm" }, { at: 300, kind: "heal", what: "x" }, { at: 200, kind: "action", what: "x" }, { at: 250, kind: "fault", what: "x" }] }))).toBe(200);
    expect(disturbedAt(run([], { from: 5 }))).toBe(5);
  });
});
