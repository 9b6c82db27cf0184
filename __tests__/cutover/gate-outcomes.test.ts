/** What many checks, and a measured coverage, come to. */
import { foldChecks } from "../../scripts/acceptance/result";
import { coverageOutcome } from "../../scripts/cutover/world/coverage";
import type { CoverageReport } from "../../scripts/data/backfill/report";
import { fail, inconclusive, pass, type Outcome } from "../../scripts/doctor/check";

const result = (title: string, outcome: Outcome) => ({ id: title, title: `server-1: ${title}`, outcome });

test("all checks pass, or every one that does not is named with what mends it", () => {
  expect(foldChecks([result("clock", pass("0 ms")), result("disk", pass("fast"))], "gvfx doctor")).toEqual(pass("2 checks passed"));
  expect(foldChecks([result("clock", fail("3 s ahead", "start chrony")), result("disk", inconclusive("no answer", "log in")), result("ports", pass("free"))], "gvfx doctor")).toEqual(fail("1 of 3 checks failed: server-1: clock: 3 s ahead", "start chrony; all of them: gvfx doctor"));
  expect(foldChecks([result("disk", inconclusive("no answer", "log in"))], "gvfx doctor")).toEqual(inconclusive("1 of 1 checks could not be judged: server-1: disk: no answer", "log in; all of them: gvfx doctor"));
});

test("no check at all passes nothing, and more than a few are counted", () => {
  expect(foldChecks([], "gvfx doctor").verdict).toBe("inconclusive");
  const many = Array.from({ length: 9 }, (_, index) => result(`check ${index}`, fail("bad", "mend it")));
  expect(foldChecks(many, "gvfx doctor")).toMatchObject({ detail: expect.stringMatching(/^9 of 9 checks failed: .*check 5: bad; and 3 more$/), mend: "mend it; all of them: gvfx doctor" });
});

const cell = (verdict: "pass" | "fail" | "inconclusive", reasons: readonly string[]) => ({ pair: "BTC-USDT", feed: "candles" as const, table: "bingx_candles", verdict, reasons, since: "2026-01-01T00:00:00Z", series: [] });
const report = (verdict: CoverageReport["verdict"], cells: CoverageReport["cells"]): CoverageReport => ({ version: 1, environment: "production", side: "nomad", convex: "http://c", at: "2026-01-01T12:00:00Z", verdict, pairs: ["BTC-USDT"], cells });

test("coverage: what lacks data is named, what could not be judged is neither good nor bad", () => {
  expect(coverageOutcome(report("pass", [cell("pass", [])]), { coverage: "gvfx data coverage", backfill: "gvfx data backfill" })).toEqual(pass("1 pairs, every feed"));
  expect(coverageOutcome(report("fail", [cell("fail", ["60 missing"]), cell("inconclusive", ["unread"])]), { coverage: "gvfx data coverage", backfill: "gvfx data backfill" })).toMatchObject({ verdict: "fail", detail: "1 of 2 pairs and feeds lack data: BTC-USDT candles: 60 missing", mend: expect.stringContaining("gvfx data backfill") });
  expect(coverageOutcome(report("inconclusive", [cell("inconclusive", ["unread"])]), { coverage: "gvfx data coverage", backfill: "gvfx data backfill" }).verdict).toBe("inconclusive");
});
