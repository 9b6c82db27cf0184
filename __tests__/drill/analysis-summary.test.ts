import fc from "../properties";
import { runsMissing, spread, summariesOf, verdictOf as verdict } from "../../scripts/drill/analysis-summary";
import type { DrillReport } from "../../scripts/drill/result";
import { exampleReport } from "./report-example";

const report = exampleReport({ notRun: [] });
const [run] = report.runs;
const held = report.runs.filter(({ error }) => error === null);

test("worst and median over the repetitions", () => {
  expect(spread([300, 100, 200])).toEqual({ worst: 300, median: 200 });
  expect(spread([4, 1])).toEqual({ worst: 4, median: 2.5 });
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1 }), (values) => {
      const { worst, median } = spread(values);
      expect(values).toContain(worst);
      expect(values.every((value) => value <= worst)).toBe(true);
      expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});

test("a case is what its repetitions come to", () => {
  const summary = summariesOf(report).find(({ caseId }) => caseId === "partition-90s")!;
  expect(summary).toMatchObject({ runs: 3, measured: 3, passed: 3, expectations: { held: 6, of: 6 }, recoveredMs: { worst: 4_200, median: 4_200 } });
  expect(summary.policies!.lease.overlapMs).toEqual({ worst: 0, median: 0 });
  expect(summary.policies!.plain.overlapMs).toEqual({ worst: 86_460, median: 86_030 });
  expect(summary.duplicates).toMatchObject({ ordersSent: 360, orders: 0, plainOrders: 86 + 86 + 86 });
});

test("a run in which the drill broke off is counted as begun, not as passed or measured", () => {
  const summary = summariesOf(report).find(({ caseId }) => caseId === "engine-killed")!;
  expect(summary).toMatchObject({ runs: 3, measured: 2, passed: 2 });
  const none = summariesOf({ runs: [{ ...run, error: "no answer" }] });
  expect(none).toMatchObject([{ runs: 1, measured: 0, passed: 0, policies: null, recoveredMs: null }]);
});

test("a worker that was down at the end of one repetition is down in the summary, and one that did not get well is not well", () => {
  const down = { ...run, recoveredMs: null, measures: { ...run.measures, lease: { ...run.measures.lease, downForMs: null } } };
  const [summary] = summariesOf({ runs: [run, down] });
  expect(summary.policies!.lease.downForMs).toBeNull();
  expect(summary.policies!.plain.downForMs).not.toBeNull();
  expect(summary.recoveredMs).toBeNull();
});

describe("the verdict", () => {
  const verdictOf = (more: Pick<DrillReport, "runs" | "notRun"> & Partial<DrillReport>): string => verdict({ settings: { ...report.settings, cases: [...new Set(held.map(({ caseId }) => caseId))], repetitions: 2 }, ...more });
  const failing = { ...run, expectations: [...run.expectations, { what: "never two", held: false, found: "40 ms" }] };

  test("held: all of it", () => expect(verdictOf({ runs: held, notRun: [] })).toBe("held"));
  test("failed: one expectation of one run is enough, whatever else broke off", () => expect(verdictOf({ runs: [...held, { ...run, error: "no answer" }, failing], notRun: [{ caseId: "x", title: "x", why: "x" }] })).toBe("failed"));
  test("incomplete: a run broke off", () => expect(verdictOf({ runs: [...held, { ...run, error: "no answer" }], notRun: [] })).toBe("incomplete"));
  test("incomplete: a case was not run", () => expect(verdictOf({ runs: held, notRun: [{ caseId: "x", title: "x", why: "x" }] })).toBe("incomplete"));
  test("incomplete: a repetition is missing, though another case has one more", () => {
    expect(verdictOf({ runs: held, notRun: [], settings: { ...report.settings, repetitions: 3 } })).toBe("incomplete");
    expect(runsMissing({ runs: held, settings: { ...report.settings, repetitions: 3 } })).toBe(1);
  });
  test("incomplete: nothing was run", () => expect(verdictOf({ runs: [], notRun: [] })).toBe("incomplete"));
  test("failed: a run that expects nothing shows nothing", () => expect(verdictOf({ runs: [{ ...run, expectations: [] }], notRun: [] })).toBe("failed"));
});
