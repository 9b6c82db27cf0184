/** The guardian's entries as gates read them: since when it goes well, what fails, and silence, which is no good news. */
import fc from "../properties";
import { Duration } from "../../contracts/units";
import { guardianEntry, readGuardian, triggersOf, type GuardianEntry } from "../../scripts/cutover/guardian";

const TRIGGERS = ["duplicateIngestionRuns", "apiErrorRatio"];
const SILENT = Duration.minutes(15);
const minute = (n: number): string => new Date(Date.UTC(2026, 0, 1, 12, n)).toISOString();
const verdict = (n: number, trigger: string, value: string): GuardianEntry => ({ kind: "verdict", at: minute(n), trigger, verdict: value, reason: `${value} at ${n}` });
const summary = (n: number, values: Readonly<Record<string, string>> = {}): GuardianEntry => ({ kind: "summary", at: minute(n), verdict: "", ...Object.fromEntries(TRIGGERS.map((trigger) => [trigger, `${values[trigger] ?? "pass"}: reason ${n}`])) });
const start = (n: number): GuardianEntry => ({ kind: "start", at: minute(n) });
const read = (entries: readonly GuardianEntry[], now: number) => readGuardian(entries, { now: new Date(minute(now)), silentAfter: SILENT, triggers: TRIGGERS });

test("nothing written is no verdict, and endless silence", () => {
  expect(read([], 0)).toEqual({ verdict: undefined, wellSince: undefined, silentFor: Infinity, failing: [] });
  expect(triggersOf(read([], 0), SILENT, "roll back")).toMatchObject({ verdict: "inconclusive", detail: "the guardian never wrote anything" });
});

test("well since its first entry, while summaries keep coming", () => {
  const seen = read([start(0), summary(5), summary(15), summary(25)], 30);
  expect(seen).toEqual({ verdict: "pass", wellSince: minute(0), silentFor: 300, failing: [] });
  expect(triggersOf(seen, SILENT, "roll back")).toEqual({ verdict: "pass", detail: "every trigger passes" });
});

test("a trigger that fails, and one that recovers: well since then", () => {
  const failing = [start(0), summary(5), verdict(7, "apiErrorRatio", "fail"), summary(15, { apiErrorRatio: "fail" })];
  expect(read(failing, 16)).toMatchObject({ verdict: "fail", wellSince: undefined, failing: ["apiErrorRatio: reason 15"] });
  expect(triggersOf(read(failing, 16), SILENT, "roll back")).toEqual({ verdict: "fail", detail: "apiErrorRatio: reason 15", mend: "roll back" });
  expect(read([...failing, verdict(18, "apiErrorRatio", "pass"), summary(25)], 26)).toMatchObject({ verdict: "pass", wellSince: minute(18), failing: [] });
});

test("silence in between begins it anew, and silence now is not well", () => {
  expect(read([summary(0), summary(10), summary(26), summary(36)], 40).wellSince).toBe(minute(26));
  const silent = read([summary(0), summary(10)], 26);
  expect(silent).toMatchObject({ wellSince: undefined, silentFor: 960 });
  expect(triggersOf(silent, SILENT, "roll back")).toMatchObject({ verdict: "inconclusive", detail: "the guardian wrote nothing for 960 s" });
});

test("a guardian that was started anew has judged nothing yet; what failed before it is not forgotten by the clock", () => {
  const seen = read([summary(0), verdict(2, "apiErrorRatio", "fail"), start(4)], 5);
  expect(seen).toMatchObject({ verdict: "inconclusive", wellSince: minute(4), failing: [] });
  expect(triggersOf(seen, SILENT, "roll back")).toMatchObject({ verdict: "inconclusive" });
});

test("an entry without a verdict of some trigger leaves that one unknown", () => {
  expect(read([{ kind: "summary", at: minute(0), apiErrorRatio: "pass: x" }], 1).verdict).toBe("inconclusive");
  expect(guardianEntry({ kind: "summary" })).toBeUndefined();
  expect(guardianEntry({ kind: "start", at: minute(0), mode: "act" })).toMatchObject({ kind: "start" });
});

test("whatever order entries are read in, and wherever a failure lies, well since is never before its end", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(60), fc.constantFrom("pass", "fail", "inconclusive")), { minLength: 1, maxLength: 30 }), (judged) => {
      const entries = judged.map(([at, value]) => verdict(at, "apiErrorRatio", value)).filter(({ at }, index, all) => all.findIndex((other) => other.at === at) === index);
      const seen = read(entries, 61);
      expect(read([...entries].reverse(), 61)).toEqual(seen);
      const failures = entries.filter(({ verdict: value }) => value === "fail").map(({ at }) => at);
      for (const at of failures) if (seen.wellSince !== undefined) expect(seen.wellSince > at).toBe(true);
    }),
  );
});
