/** Market data is brought by the app's own ingest and proven from the tables. */
import type { CoverageReport } from "../../scripts/data/backfill/report";
import { describeUnless } from "../terraform/terraform";
import { environment, gvfxData, dataTestsMissing } from "./lab-fixture";

const PAIRS = [...environment.markets.gold, ...environment.markets.crypto];
const FEEDS = 7;

describeUnless(dataTestsMissing(), "backfill and coverage", () => {
  test("six crypto pairs and gold are brought by bounded calls", async () => {
    const { backfill } = JSON.parse((await gvfxData(["backfill", "--gold", "--fresh", "--json"], [0, 1, 2])).output) as { backfill: readonly { readonly pair: string; readonly outcome: string; readonly calls: number }[] };
    expect(backfill.map(({ pair, outcome }) => [pair, outcome])).toEqual(backfill.map(({ pair }) => [pair, "covered"]));
    expect(backfill.map(({ pair }) => pair).sort()).toEqual([...PAIRS].sort());
  }, 300_000);

  test("every pair has every feed, with counts, oldest, newest and gaps", async () => {
    const report = JSON.parse((await gvfxData(["coverage", "--gold", "--wait", "3m", "--json"], [0, 1, 2])).output) as CoverageReport;
    expect(report.verdict).toBe("pass");
    expect(report.cells).toHaveLength(PAIRS.length * FEEDS);
    for (const { series } of report.cells) for (const { rows } of series) expect(rows).toBeGreaterThan(0);
  }, 240_000);
});
