/** A case from its arrangement to its verdict, on a double of the lab. */
import { Duration } from "../../contracts/units";
import type { DrillCase } from "../../scripts/drill/case";
import { CASES, HAND_OVER, NODE_LOST } from "../../scripts/drill/cases";
import { passed } from "../../scripts/drill/result";
import { runCase, REPLACED_WITHIN, WELL_WITHIN } from "../../scripts/drill/run-case";
import { Interrupted } from "../../scripts/drill/scene";
import { SceneDouble } from "./scene-double";

const killed: DrillCase = { id: "killed", title: "node killed", group: "Nodes", given: { leader: "other" }, steps: [{ fault: "kill", at: "worker-node", for: "until replaced" }], expect: NODE_LOST };
const run = (drillCase: DrillCase, scene: SceneDouble, said: string[] = []) => runCase(drillCase, scene, { repetition: 1, say: (line) => said.push(line), startedAt: "2026-01-01T00:00:00.000Z" });

test("a lost node: arranged, watched, broken until the worker runs elsewhere, healed, well again, and measured", async () => {
  const scene = new SceneDouble();
  const found = await run(killed, scene);
  expect(scene.log).toEqual(['arrange {"leader":"other"}', "observe", "confirm kill", "heal kill", "healAll", "end", "healAll", "restore"]);
  expect(found.events.map(({ kind }) => kind)).toEqual(["fault", "seen", "heal", "seen"]);
  expect(found).toMatchObject({ caseId: "killed", error: null, recoveredMs: 2_000, measures: { lease: { overlapMs: 0, longestGapMs: 30_000, starts: 1 }, plain: { undisturbed: true } } });
  expect(passed(found)).toBe(true);
});

test("a gap beyond the bound fails, and says by how much", async () => {
  const scene = new SceneDouble();
  scene.replacedAfterMs = 50_000;
  const found = await run(killed, scene);
  expect(found.expectations.filter(({ held }) => !held)).toMatchObject([{ what: "without a worker: 45s at most", found: "50.0 s", bound: { id: "node-lost", measuredMs: 50_000, ofMs: 45_000 } }]);
});

test("a second worker beside the first fails, however well all else is", async () => {
  const scene = new SceneDouble();
  scene.replacedAfterMs = null;
  const perform = scene.perform;
  Object.assign(scene, { perform: async (...args: Parameters<typeof perform>) => (scene.begin("lease", "server-2", scene.time + 1_000), perform(...args)) });
  const found = await run({ ...killed, steps: [{ fault: "partition", at: "worker-node", for: Duration.seconds(30) }] }, scene);
  expect(passed(found)).toBe(false);
  expect(found.measures.lease.overlapMs).toBeGreaterThan(29_000);
});

test("a worker that comes nowhere is waited for with a bound, and the fault is healed", async () => {
  const scene = new SceneDouble();
  scene.replacedAfterMs = 10_000_000;
  const began = scene.time;
  const found = await run(killed, scene);
  expect(scene.healedAt - began).toBeLessThan(REPLACED_WITHIN.milliseconds + 5_000);
  expect(found.events.map(({ what }) => what)).toContain(`no other worker within ${REPLACED_WITHIN}`);
  expect(found.expectations.find(({ what }) => what.startsWith("a worker runs"))).toMatchObject({ held: false });
});

test("a lab that does not get well is waited for with a bound, and that fails the case", async () => {
  const scene = new SceneDouble();
  scene.wellAfterMs = Infinity;
  const found = await run(killed, scene);
  expect(found.recoveredMs).toBeNull();
  expect(found.to - found.from).toBeLessThan(WELL_WITHIN.milliseconds + 60_000);
  expect(found.expectations.at(-1)).toMatchObject({ held: false, found: "not in time" });
});

test.each(["arrange", "observe", "perform", "end"] as const)("an error of the drill itself in %s: nothing stays broken, and the run proves nothing", async (where) => {
  const scene = new SceneDouble();
  scene.failsIn = where;
  const found = await run(killed, scene);
  expect(scene.broken.size).toBe(0);
  expect(scene.log.at(-1)).toBe("restore");
  expect(scene.log.filter((line) => line === "abandon")).toHaveLength(where === "perform" ? 1 : 0);
  expect(found.error).toBeTruthy();
  expect(passed(found)).toBe(false);
});

test.each([500, 20_000, 34_000])("Ctrl-C after %d ms heals, ends the orders, and is passed on", async (after) => {
  const scene = new SceneDouble();
  scene.interruptedAt = scene.time + after;
  await expect(run(killed, scene)).rejects.toThrow(Interrupted);
  expect(scene.broken.size).toBe(0);
  expect(scene.log).toContain("abandon");
  expect(scene.log.at(-1)).toBe("restore");
});

test("what is refused is told with Nomad's own words, and a case that expects it fails when it is taken", async () => {
  const refusedCase = CASES.find(({ id }) => id === "scale-2")!;
  const scene = new SceneDouble();
  scene.replacedAfterMs = null;
  scene.refused = "group count was greater than scaling policy maximum: 2 > 1";
  expect(passed(await run(refusedCase, scene))).toBe(true);
  scene.refused = undefined;
  const taken = await run(refusedCase, scene);
  expect(taken.expectations.filter(({ held }) => !held)).toMatchObject([{ what: "Nomad refuses it", found: "accepted" }]);
});

test("an act that hands over is followed until another worker runs; one that should disturb nobody does not", async () => {
  const scene = new SceneDouble();
  scene.replacedAfterMs = 1_500;
  const handed = await run({ id: "redeploy", title: "a new version", group: "Operations", steps: [{ act: "redeploy", replaces: true }], expect: HAND_OVER }, scene);
  expect(handed.events.map(({ what }) => what)).toContain("another worker runs on server-2");
  expect(passed(handed)).toBe(true);
  const disturbed = await run({ id: "cut", title: "cut", group: "Network", steps: [{ fault: "partition", at: "worker-node", for: Duration.seconds(4) }], expect: { undisturbed: true } }, scene);
  expect(disturbed.expectations.filter(({ held }) => !held).map(({ what }) => what)).toEqual(["the worker runs on, undisturbed"]);
});

describe("that a fault happened which nobody is to feel", () => {
  const cut = CASES.find(({ id }) => id === "cut-short")!;
  const notHeld = (found: Awaited<ReturnType<typeof run>>) => found.expectations.filter(({ held }) => !held).map(({ what, found: seen }) => [what.split(":")[0], seen]);

  test("shows at the exchange while it lasts, and in no other silence", async () => {
    const scene = Object.assign(new SceneDouble(), { replacedAfterMs: null });
    const began = scene.time;
    scene.cutOff = { from: began + 3_000, to: began + 7_000 };
    expect(notHeld(await run(cut, scene))).toEqual([]);
    scene.cutOff = undefined;
    expect(notHeld(await run(cut, scene))).toEqual([["the cut reached the worker", "1000 ms"]]);
    // Before the fault; and orders that never come are no cut.
    scene.cutOff = { from: scene.time, to: scene.time + 3_000 };
    expect(notHeld(await run(cut, scene))).toEqual([["the cut reached the worker", "1000 ms"]]);
    scene.cutOff = { from: 0, to: Infinity };
    expect(notHeld(await run(cut, scene))).toEqual([["the cut reached the worker", "0 ms"]]);
  });

  test("is asked before it is undone; one that had no effect is healed, and proves nothing", async () => {
    const silent = CASES.find(({ id }) => id === "leader-silent")!;
    const scene = Object.assign(new SceneDouble(), { replacedAfterMs: null });
    expect(passed(await run(silent, scene))).toBe(true);
    expect(scene.log.filter((line) => /^(confirm|heal) /.test(line))).toEqual(["confirm pause", "heal pause"]);
    // Handed over within the bound is as well; planted: not beyond it.
    const replaced = (ms: number) => run(silent, Object.assign(new SceneDouble(), { replacedAfterMs: ms }));
    expect([passed(await replaced(1_200)), passed(await replaced(9_000))]).toEqual([true, false]);
    scene.effective = false;
    const found = await run(silent, scene);
    expect([found.error, scene.broken.size]).toEqual(["the leader leads still", 0]);
  });
});

test("two workers since the case before fail this one", async () => {
  const scene = Object.assign(new SceneDouble(), { overlapBeforeMs: 120 });
  expect((await run(killed, scene)).expectations.filter(({ held }) => !held)).toMatchObject([{ what: "two workers between the cases: never", found: "120 ms since the case before" }]);
});

test("what Nomad takes of the plain job stays for its time; a fault's successor is waited for after the heal", async () => {
  const scene = Object.assign(new SceneDouble(), { replacedAfterMs: null });
  const began = scene.time;
  let undone = 0;
  const perform = scene.perform;
  Object.assign(scene, { perform: async () => ({ refused: "no", heal: async () => void (undone = scene.time - began) }) });
  await run(CASES.find(({ id }) => id === "scale-2")!, scene);
  expect(undone).toBeGreaterThanOrEqual(15_000);
  Object.assign(scene, { perform, replacedAfterMs: 60_000 });
  const found = await run(CASES.find(({ id }) => id === "agent-dead")!, scene);
  expect(found.events.map(({ kind, what }) => (kind === "seen" ? what : kind))).toEqual(["fault", "heal", "another worker runs on server-2", "all is well"]);
  expect(found.recoveredMs).toBeGreaterThanOrEqual(20_000);
});
