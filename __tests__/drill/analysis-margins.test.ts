import { readFileSync } from "node:fs";
import { deathsOf, marginsOf, replacementsOf, takeOversOf } from "../../scripts/drill/analysis-margins";
import type { CaseRun, LeasePhase, Stretch } from "../../scripts/drill/result";
import { exampleReport } from "./report-example";

const phase = (at: number, node: string, name: string, reason: string | null = null, allocation = `on-${node}`): LeasePhase => ({ at, node, allocation, phase: name, reason });
const ran = (node: string, from: number, to: number): Stretch => ({ policy: "lease", instance: `${node}-${from}`, node, from, to, ticks: Math.floor((to - from) / 100) + 1 });
const [example] = exampleReport().runs;
const run = (more: Partial<CaseRun>): CaseRun => ({ ...example, from: 0, to: 60_000, events: [], stretches: [], phases: [], connections: [], ...more });

describe("dead after the last renewal", () => {
  const given = { phases: [phase(0, "a", "active"), phase(18_000, "a", "draining", "no renewal for 8000 ms"), phase(19_000, "a", "killing", "no renewal for 9000 ms"), phase(19_180, "a", "releasing", "no renewal for 9000 ms")], stretches: [ran("a", 0, 19_100)] };

  test("counts from when the renewal was sent until all was seen dead, once for each time that it was given up", () => {
    expect(deathsOf(run(given))).toEqual([9_180]);
    const twice = { phases: [...given.phases, phase(30_000, "a", "acquiring"), phase(31_000, "a", "active"), phase(49_000, "a", "killing", "no renewal for 9100 ms"), phase(49_500, "a", "releasing")], stretches: [...given.stretches, ran("a", 31_100, 49_200)] };
    expect(deathsOf(run(twice))).toEqual([9_180, 9_600]);
  });

  test("a worker that ticks on after it was called dead counts for as long as it does", () => {
    expect(deathsOf(run({ ...given, stretches: [ran("a", 0, 22_000)] }))).toEqual([12_000]);
  });

  test("without a word about the death, the last tick and one more stand for it", () => {
    expect(deathsOf(run({ ...given, phases: given.phases.slice(0, 2) }))).toEqual([9_200]);
  });

  test("a wrapper that was frozen has no say: its worker did not run either", () => {
    expect(deathsOf(run({ phases: [phase(0, "a", "active"), phase(50_000, "a", "killing", "no renewal for 40000 ms"), phase(50_050, "a", "releasing", "no renewal for 40000 ms")], stretches: [ran("a", 0, 10_050), ran("a", 50_000, 50_040)] }))).toEqual([]);
  });

  test("an ordered stop is none", () => {
    expect(deathsOf(run({ phases: [phase(0, "a", "active"), phase(5_000, "a", "draining", "stopped by SIGTERM"), phase(5_500, "a", "releasing", "stopped by SIGTERM")], stretches: [ran("a", 0, 5_400)] }))).toEqual([]);
  });

  test("the reason is worded as the protocol words it", () => {
    expect(readFileSync("runtime/worker-lease/protocol.mjs", "utf8")).toContain("`no renewal for ${Math.round(silent)} ms`");
  });
});

describe("take-over", () => {
  const EXPIRY = 20_000;
  const standby = phase(15_000, "b", "standby");
  const taken = (): LeasePhase => phase(41_500, "b", "active");
  test("from the last renewal where the log tells, from the last tick where the log ended with the worker", () => {
    expect(takeOversOf(run({ phases: [phase(0, "a", "active"), phase(18_000, "a", "draining", "no renewal for 8000 ms"), phase(18_100, "a", "releasing", "no renewal for 8000 ms"), standby, taken()], stretches: [ran("a", 100, 18_050)] }), EXPIRY)).toEqual([31_500]);
    expect(takeOversOf(run({ phases: [phase(0, "a", "active"), standby, taken()], stretches: [ran("a", 100, 10_200)] }), EXPIRY)).toEqual([31_300]);
  });

  test("a log that is gone with its node is not needed", () => {
    expect(takeOversOf(run({ phases: [standby, taken()], stretches: [ran("a", 100, 10_200)] }), EXPIRY)).toEqual([31_300]);
  });

  test("one that stood by only after the lease had run out waited for less, and shows nothing", () => {
    expect(takeOversOf(run({ phases: [phase(0, "a", "active"), phase(36_000, "b", "standby"), phase(37_000, "b", "active")], stretches: [ran("a", 100, 10_200)] }), EXPIRY)).toEqual([]);
  });

  test("a wrapper that is started again in its allocation takes over, too", () => {
    expect(takeOversOf(run({ phases: [phase(0, "a", "active"), phase(12_000, "a", "standby", "starting"), phase(36_000, "a", "releasing", "the lease was refused"), phase(42_000, "a", "active")], stretches: [ran("a", 100, 10_200), ran("a", 42_100, 60_000)] }), EXPIRY)).toEqual([31_800]);
  });

  test("a lease that was given back was not taken over; nor is the first one", () => {
    expect(takeOversOf(run({ phases: [phase(0, "a", "active"), phase(5_000, "a", "draining", "stopped by SIGTERM"), phase(5_300, "a", "releasing", "stopped by SIGTERM"), phase(5_800, "b", "standby"), phase(6_000, "b", "active")], stretches: [ran("a", 100, 5_200)] }), EXPIRY)).toEqual([]);
  });
});

test("a replacement is an allocation that was not there before the fault", () => {
  const events = [{ at: 5_000, kind: "fault" as const, what: "killed" }];
  const phases = [phase(0, "a", "active"), phase(6_000, "a", "draining"), phase(16_000, "b", "standby", "starting"), phase(40_000, "b", "active")];
  expect(replacementsOf(run({ events, phases }))).toEqual([11_000]);
  expect(replacementsOf(run({ events, phases: phases.slice(0, 2) }))).toEqual([]);
});

describe("margins of a report", () => {
  test("the longest of the samples, the bound and how many there are", () => {
    const margins = marginsOf(exampleReport());
    expect(margins).toEqual({
      "hand-over": { measuredMs: 2_080, of: 5_000, samples: 3 },
      "node-lost": { measuredMs: 38_730, of: 45_000, samples: 12 },
      frozen: { measuredMs: 227, of: 250, samples: 3 },
      "dead-after": { measuredMs: 8_610, of: 10_000, samples: 6 },
      "take-over": { measuredMs: 32_771, of: 34_000, samples: 9 },
      detection: { measuredMs: 13_860, of: 15_000, samples: 9 },
      "detection-leader": { measuredMs: 37_460, of: 38_000, samples: 3 },
    });
  });

  test("a run in which the drill broke off gives no sample, and a bound that is not known no margin", () => {
    const report = exampleReport();
    const broken = { ...report, runs: report.runs.map((it) => ({ ...it, error: "no answer" })) };
    expect(marginsOf(broken)).toEqual({});
    const { "lease.deadAfter": _, ...values } = report.settings.values;
    expect(marginsOf({ ...report, settings: { ...report.settings, values } })).not.toHaveProperty("dead-after");
  });
});
