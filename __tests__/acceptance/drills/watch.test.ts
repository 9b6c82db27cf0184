import { laneOf, longestOutage, type Watched } from "../../../scripts/acceptance/drills/watch";

/** One sample a second that takes 100 ms: "+" answered, "-" failed. */
const watched = (marks: string): Watched => ({ label: "API", samples: [...marks].map((mark, index) => ({ at: index * 1_000, tookMs: 100, failure: mark === "+" ? undefined : "refused" })) });

test.each<[string, number]>([
  ["", 0],
  ["++++", 0],
  // From the end of the last answer to the end of the next one.
  ["++-+", 2_000],
  ["+---+-+", 4_000],
  // Nothing was answered since: it is not over.
  ["+--", 2_000],
  ["--", 1_100],
])("longest time without an answer of %p is %d ms", (marks, ms) => expect(longestOutage(watched(marks))).toBe(ms));

test("a bar for each run of answers and of failures, with what failed", () => {
  expect(laneOf(watched("++--+"))).toEqual({
    label: "API",
    stretches: [
      { from: 0, to: 1_100, kind: "good", what: "answered" },
      { from: 2_000, to: 3_100, kind: "bad", what: "refused" },
      { from: 4_000, to: 4_100, kind: "good", what: "answered" },
    ],
  });
});
