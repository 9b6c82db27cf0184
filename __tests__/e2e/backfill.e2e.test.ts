/** Market data is brought by the app's own ingest and proven from the tables. */
import { kvPaths } from "../../contracts/kv";
import { request } from "../../scripts/clients/http";
import type { CoverageReport } from "../../scripts/data/backfill/report";
import { describeUnless } from "../terraform/terraform";
import { askConsul, environment, eventually, gvfxData, dataTestsMissing, namespace } from "./lab-fixture";

const PAIRS = [...environment.markets.gold, ...environment.markets.crypto];
const FEEDS = 7;
const GATEWAYS = ["http://127.0.0.1:18787", "http://127.0.0.1:28787"];
const TRAFFIC = `/v1/kv/${kvPaths(namespace).traffic}`;

/** What a command prints, whatever it found; when it printed nothing, what it said instead. */
async function json<T>(...args: string[]): Promise<T> {
  const { output, said } = await gvfxData([...args, "--json"], [0, 1, 2]);
  if (output.trim() === "") throw new Error(said);
  return JSON.parse(output) as T;
}

describeUnless(dataTestsMissing(), "backfill and coverage", () => {
  let traffic: string;

  beforeAll(async () => {
    traffic = (await askConsul(`${TRAFFIC}?raw`)).text;
    // While traffic is legacy's, the gateways lead to legacy's api, which ingests into a Convex of its own.
    await askConsul(TRAFFIC, { method: "PUT", body: "nomad" });
    await eventually(30, async () => {
      for (const gateway of GATEWAYS) expect(JSON.parse((await request(`${gateway}/health`)).text)).toMatchObject({ version: expect.stringMatching(/^\d+$/) });
    });
  }, 60_000);
  afterAll(async () => void (await askConsul(TRAFFIC, { method: "PUT", body: traffic })));

  test("six crypto pairs and gold are brought by bounded calls", async () => {
    const { backfill } = await json<{ backfill: readonly { readonly pair: string; readonly outcome: string; readonly calls: number }[] }>("backfill", "--gold", "--fresh");
    expect(backfill.map(({ pair, outcome }) => [pair, outcome])).toEqual(backfill.map(({ pair }) => [pair, "covered"]));
    expect(backfill.map(({ pair }) => pair).sort()).toEqual([...PAIRS].sort());
  }, 420_000);

  test("every pair has every feed, with counts, oldest, newest and gaps", async () => {
    const report = await json<CoverageReport>("coverage", "--gold", "--wait", "3m");
    expect(report.cells.flatMap(({ pair, feed, reasons }) => reasons.map((reason) => `${pair} ${feed}: ${reason}`))).toEqual([]);
    expect(report.verdict).toBe("pass");
    expect(report.cells).toHaveLength(PAIRS.length * FEEDS);
    for (const { series } of report.cells) for (const { rows } of series) expect(rows).toBeGreaterThan(0);
  }, 300_000);
});
