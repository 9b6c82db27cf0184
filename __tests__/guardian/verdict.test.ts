import { environment } from "../jobs/worked-example";
import { program, type Sample, type Trigger } from "./program";

const { judge, overall } = program;
const NOW = Date.parse("2026-01-01T12:00:00Z");
const TRIGGER: Trigger = { windowMs: 300_000, threshold: 0.05, minimumSamples: 20, missingData: "inconclusive" };

/** Samples a second apart, the last one just now. */
const probes = (well: number, ill: number): Sample[] => Array.from({ length: well + ill }, (_, i) => ({ at: NOW - (well + ill - 1 - i) * 1_000, error: i < ill }));
const missing = (n: number): Sample[] => Array.from({ length: n }, (_, i) => ({ at: NOW - (n - 1 - i) * 1_000, missing: "answered 401" }));

describe("a ratio", () => {
  test("at the threshold passes, one error more fails", () => {
    expect(judge(TRIGGER, probes(95, 5), NOW)).toMatchObject({ verdict: "pass", value: 0.05 });
    expect(judge(TRIGGER, probes(94, 6), NOW)).toMatchObject({ verdict: "fail", value: 0.06, reason: "0.06 is more than 0.05 in 300 s" });
  });

  test("is not judged with one sample too few, however bad they are", () => {
    expect(judge(TRIGGER, probes(0, 19), NOW)).toMatchObject({ verdict: "inconclusive", value: null, attempted: 19 });
    expect(judge(TRIGGER, probes(0, 20), NOW).verdict).toBe("fail");
    expect(judge(TRIGGER, probes(20, 0), NOW).verdict).toBe("pass");
  });

  test("no traffic is not success, and not failure either before anything was asked", () => {
    for (const missingData of ["inconclusive", "fail"] as const) expect(judge({ ...TRIGGER, missingData }, [], NOW).verdict).toBe("inconclusive");
  });

  test("what was asked and gave no data is what the trigger says of missing data", () => {
    expect(judge(TRIGGER, missing(20), NOW)).toMatchObject({ verdict: "inconclusive", answered: 0, attempted: 20, reason: expect.stringContaining("answered 401") });
    expect(judge({ ...TRIGGER, missingData: "fail" }, missing(20), NOW).verdict).toBe("fail");
    expect(judge({ ...TRIGGER, missingData: "fail" }, [...missing(20), ...probes(20, 0)], NOW).verdict).toBe("pass");
  });

  test("a sample counts until it is as old as the window", () => {
    const old: Sample = { at: NOW - 300_000, error: true };
    const trigger = { ...TRIGGER, minimumSamples: 1 };
    expect(judge(trigger, [old], NOW).verdict).toBe("inconclusive");
    expect(judge(trigger, [{ ...old, at: old.at + 1 }], NOW).verdict).toBe("fail");
  });
});

describe("a count", () => {
  const trigger: Trigger = { windowMs: 600_000, threshold: 1, minimumSamples: 1, missingData: "inconclusive" };
  test("at the threshold passes, one more fails, and zero is a value", () => {
    const at = (count: number) => judge(trigger, [{ at: NOW, count }], NOW);
    expect([at(0), at(1), at(2)].map(({ verdict, value }) => [verdict, value])).toEqual([["pass", 0], ["pass", 1], ["fail", 2]]);
  });
  test("is what the newest read with data says", () => {
    expect(judge(trigger, [{ at: NOW - 3, count: 9 }, { at: NOW - 2, count: 0 }, { at: NOW - 1, missing: "answered 500" }], NOW)).toMatchObject({ verdict: "pass", value: 0 });
  });
});

test.each(Object.entries(environment.cutover.rollback))("production's %s is judged on both sides of its threshold", (name, { window, threshold, minimumSamples, missingData }) => {
  const trigger = { windowMs: window.milliseconds, threshold, minimumSamples, missingData };
  const ratio = name.endsWith("Ratio");
  const side = (over: boolean): Sample[] => (ratio ? probes(...((over ? [99 - threshold * 100, threshold * 100 + 1] : [100 - threshold * 100, threshold * 100]).map(Math.round) as [number, number])) : [{ at: NOW, count: threshold + Number(over) }]);
  expect(judge(trigger, side(false), NOW).verdict).toBe("pass");
  expect(judge(trigger, side(true), NOW).verdict).toBe("fail");
  expect(judge(trigger, [], NOW).verdict).toBe("inconclusive");
});

test("over all triggers one failure fails, and only passes pass", () => {
  expect(overall(["pass", "inconclusive", "fail"])).toBe("fail");
  expect(overall(["pass", "inconclusive"])).toBe("inconclusive");
  expect(overall(["pass", "pass"])).toBe("pass");
  expect(overall([])).toBe("inconclusive");
});
