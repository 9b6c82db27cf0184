/** Each expectation fails for what it is there for, and for nothing else. */
import { Duration } from "../../contracts/units";
import type { Expected } from "../../scripts/drill/case";
import { judge, type Judged } from "../../scripts/drill/expectations";
import type { PolicyMeasures } from "../../scripts/drill/result";
import { NO_DUPLICATES } from "./scene-double";

const quiet: PolicyMeasures = { overlapMs: 0, overlapAtMostMs: 0, connectionOverlapMs: 0, longestGapMs: 0, starts: 0, undisturbed: true, downForMs: 0 };
const good: Judged = { measures: { lease: quiet, plain: { ...quiet, overlapMs: 95_000, overlapAtMostMs: 95_100, undisturbed: false } }, duplicates: { ...NO_DUPLICATES, plainOrders: 95 }, recoveredMs: 5_000, refused: "no", overlapBeforeMs: 0, silentForMs: 3_000 };
const all: Expected = { gap: Duration.seconds(45), bound: "node-lost", undisturbed: true, refused: true, silentFor: Duration.seconds(3) };
const failed = (expected: Expected, judged: Judged): string[] => judge(expected, judged).filter(({ held }) => !held).map(({ what }) => what);
const lease = (change: Partial<PolicyMeasures>): Judged => ({ ...good, measures: { ...good.measures, lease: { ...quiet, ...change } } });

test("all well, whatever the plain policy does", () => expect(failed(all, good)).toEqual([]));

test.each<[string, Judged]>([
  // A tick that was not written may have been.
  ["two workers: never", lease({ overlapAtMostMs: 0.1 })],
  ["two workers at the exchange: never", lease({ connectionOverlapMs: 1 })],
  ["two workers between the cases: never", { ...good, overlapBeforeMs: 0.1 }],
  ["the cut reached the worker: no order of it came for 3s at least", { ...good, silentForMs: 2_999 }],
  ["an order sent twice: none", { ...good, duplicates: { ...NO_DUPLICATES, orders: 1 } }],
  ["an order of a worker that another one had followed: none", { ...good, duplicates: { ...NO_DUPLICATES, ordersInOverlap: 1 } }],
  ["orders came, so that this means something", { ...good, duplicates: { ...NO_DUPLICATES, ordersSent: 0 } }],
  ["an ingestion run beside another, or a row written twice: none", { ...good, duplicates: { ...NO_DUPLICATES, runs: 1 } }],
  ["an ingestion run beside another, or a row written twice: none", { ...good, duplicates: { ...NO_DUPLICATES, rows: 1 } }],
  ["without a worker: 45s at most", lease({ longestGapMs: 45_001 })],
  ["the worker runs on, undisturbed", lease({ undisturbed: false })],
  ["Nomad refuses it", { ...good, refused: undefined }],
  ["a worker runs when the fault is gone, and all is well", { ...good, recoveredMs: null }],
  ["a worker runs when the fault is gone, and all is well", lease({ downForMs: null })],
])("%s", (what, judged) => expect(failed(all, judged)).toEqual([what]));

test("a fault that reached nobody is no success, however well all is; where nobody is to be disturbed, that nobody was is one", () => {
  const harmless: Expected = { gap: Duration.seconds(45), bound: "node-lost" };
  expect(failed(harmless, good)).toEqual(["the fault reached the worker: another one began"]);
  expect(failed(harmless, lease({ starts: 1, undisturbed: false, longestGapMs: 30_000 }))).toEqual([]);
  expect(failed({ undisturbed: true }, good)).toEqual([]);
});

test("a node that stood still may have had two for less than its bound, and its measure is that bound's", () => {
  const frozen: Expected = { ...all, overlap: Duration.ms(250) };
  expect(failed(frozen, lease({ overlapMs: 20, overlapAtMostMs: 249, connectionOverlapMs: 3 }))).toEqual([]);
  expect(failed(frozen, lease({ overlapAtMostMs: 250 }))).toEqual(["two workers: for 250 ms at most"]);
  expect(judge(frozen, lease({ overlapAtMostMs: 120, longestGapMs: 33_000 })).flatMap(({ bound }) => bound ?? [])).toEqual([{ id: "frozen", measuredMs: 120, ofMs: 250 }, { id: "node-lost", measuredMs: 33_000, ofMs: 45_000 }]);
});
