/** A smaller part of `gvfx drill singleton`, with the same runner and expectations: whatever fails, the worker is one. */
import { Duration } from "../../contracts/units";
import { CASES } from "../../scripts/drill/cases";
import { outcome } from "../../scripts/drill/drill";
import { openLabScene, type OpenedScene } from "../../scripts/drill/lab-scene";
import { passed, type CaseRun } from "../../scripts/drill/result";
import { runCase } from "../../scripts/drill/run-case";
import { describeUnless } from "../terraform/terraform";
import { environment, eventually, gvfxLab, lab, labMissing } from "./lab-fixture";

const SMOKE = CASES.filter(({ smoke }) => smoke);
/** Arranged, watched, broken, healed and well again, each with its bound. */
const CASE_TAKES = Duration.minutes(8);

const says = (line: string) => process.stderr.write(`${line}\n`);

describeUnless(labMissing(), "the worker is one", () => {
  let opened: OpenedScene;
  const runs: CaseRun[] = [];

  beforeAll(async () => {
    await gvfxLab("heal");
    opened = await openLabScene(environment, lab, { signal: new AbortController().signal, say: says });
  }, 180_000);
  afterAll(async () => {
    await opened?.close();
    // The worker is given back as it was deployed, by a hand-over of its own.
    await eventually(120, async () => void (await gvfxLab("status")));
  }, 180_000);

  test.each(SMOKE.map((drillCase) => [drillCase.title, drillCase] as const))("%s", async (_title, drillCase) => {
    const began = Date.now();
    const run = await runCase(drillCase, opened.scene, { repetition: 1, say: (line) => says(`  ${((Date.now() - began) / 1_000).toFixed(1)} s: ${line}`), startedAt: new Date().toISOString() });
    runs.push(run);
    says(`${drillCase.id}: ${outcome(run)}`);
    expect(run.error).toBeNull();
    expect(run.expectations.filter(({ held }) => !held)).toEqual([]);
    expect(passed(run)).toBe(true);
  }, CASE_TAKES.milliseconds);

  test("what was seen means something: both workers ticked, and orders came, in every case", () => {
    expect(runs.map(({ caseId }) => caseId)).toEqual(SMOKE.map(({ id }) => id));
    for (const { caseId, stretches, duplicates } of runs) expect([caseId, new Set(stretches.map(({ policy }) => policy)).size, duplicates.ordersSent > 5]).toEqual([caseId, 2, true]);
  });
});
