/** The planner: every transition between no plan, a way forward and a roll-back, done or not. */
import type { Entry } from "../../scripts/cutover/entry";
import { planCutover, type Planned } from "../../scripts/cutover/planner";
import { inputs, planOf, run, World } from "./core";
import { MemoryLedger } from "./memory-ledger";

const ALL = ["preflight", "smoke", "give-worker", "one-writer", "switch-traffic"];
const BACK = ["take-worker", "traffic-back", "legacy-serves"];
const steps = (planned: Planned) => planOf(planned).steps;
const problems = (planned: Planned) => ("problems" in planned ? planned.problems.join("\n") : "");

let ledger: MemoryLedger;
let world: World;
const entries = (): Promise<readonly Entry[]> => ledger.entries();
beforeEach(() => {
  ledger = new MemoryLedger();
  world = new World();
});
const stopAt = (id: string) => world.outcomes.set(id, { verdict: "fail", detail: "", mend: "" });

test("from nothing: all of it forward; there is nothing to go back from", async () => {
  expect(steps(planCutover(inputs(await entries())))).toEqual(ALL);
  expect(problems(planCutover(inputs(await entries(), "roll-back")))).toMatch(/nothing was cut over yet.*gvfx cutover status/);
});

test("stopped before the first change: all of it again, since what was seen hours ago proves nothing now", async () => {
  stopAt("give-worker");
  await run(ledger, world);
  expect(planCutover(inputs(await entries()))).toMatchObject({ plan: { steps: ALL }, done: [] });
});

test("stopped after a change: what is after it, and the first look", async () => {
  stopAt("switch-traffic");
  await run(ledger, world);
  expect(planCutover(inputs(await entries()))).toMatchObject({ plan: { steps: ["preflight", "one-writer", "switch-traffic"] }, done: ["smoke", "give-worker"] });
  // And again, when that is stopped too: the change was made by a plan before the last one.
  await run(ledger, world);
  expect(planCutover(inputs(await entries()))).toMatchObject({ plan: { steps: ["preflight", "one-writer", "switch-traffic"] }, done: ["smoke", "give-worker"] });
});

test("killed in the middle of a change: that change again, and not what was looked at before it, by any later plan either", async () => {
  await run(ledger, world);
  const all = await entries();
  const killed = all.slice(0, all.findIndex(({ body }) => body.kind === "began" && body.step === "give-worker") + 1);
  expect(planCutover(inputs(killed))).toMatchObject({ plan: { steps: ["preflight", "give-worker", "one-writer", "switch-traffic"] }, done: ["smoke"] });
  // The plan that went on was killed in its first look.
  const again = [...killed, ...all.slice(0, all.findIndex(({ body }) => body.kind === "began" && body.step === "preflight") + 1)];
  expect(steps(planCutover(inputs(again)))).toEqual(["preflight", "give-worker", "one-writer", "switch-traffic"]);
  // In the middle of a look nothing has been changed.
  expect(steps(planCutover(inputs(all.slice(0, all.findIndex(({ body }) => body.kind === "began" && body.step === "smoke") + 1))))).toEqual(ALL);
});

test("killed after its last step it is at its end, and not refused", async () => {
  const atItsEnd = async (direction: "forward" | "roll-back") => planCutover(inputs(await entries(), direction));
  await run(ledger, world);
  expect(await atItsEnd("forward")).toMatchObject({ atItsEnd: true });
  await run(ledger, world, { direction: "roll-back" });
  expect(await atItsEnd("roll-back")).toMatchObject({ atItsEnd: true });
  expect(planCutover(inputs([], "roll-back"))).toMatchObject({ atItsEnd: false });
});

test("done: no more forward; all of it back", async () => {
  await run(ledger, world);
  expect(problems(planCutover(inputs(await entries())))).toMatch(/the cutover is done.*gvfx cutover roll-back/);
  expect(steps(planCutover(inputs(await entries(), "roll-back")))).toEqual(BACK);
  expect(steps(planCutover(inputs(await entries(), "roll-back", { data: true })))).toEqual(["take-worker", "traffic-back", "data-back", "legacy-serves"]);
});

test("in the middle of a roll-back: no way forward; what is left of it back", async () => {
  await run(ledger, world);
  stopAt("traffic-back");
  await run(ledger, world, { direction: "roll-back" });
  expect(problems(planCutover(inputs(await entries())))).toMatch(/a roll-back was begun and is not done.*gvfx cutover roll-back/);
  expect(planCutover(inputs(await entries(), "roll-back"))).toMatchObject({ plan: { steps: ["take-worker", "traffic-back", "legacy-serves"] }, done: [] });
});

test("after a roll-back: all of it forward again, and nothing more to go back from", async () => {
  await run(ledger, world);
  await run(ledger, world, { direction: "roll-back" });
  expect(steps(planCutover(inputs(await entries())))).toEqual(ALL);
  expect(problems(planCutover(inputs(await entries(), "roll-back")))).toMatch(/the roll-back is done.*gvfx cutover run/);
  stopAt("smoke");
  await run(ledger, world);
  expect(steps(planCutover(inputs(await entries(), "roll-back")))).toEqual(BACK);
});

test("all that stands in the way is said at once", () => {
  const said = problems(planCutover(inputs([], "forward", { retired: true, evidence: { dataMove: "none" } })));
  expect(said).toMatch(/data-move.*says nothing.*gvfx data move/);
  expect(said).toMatch(/legacy is retired.*legacy\.retired = false/);
  expect(problems(planCutover(inputs([], "forward", { evidence: { dataMove: "fail" } })))).toMatch(/says "fail"/);
});

test("another environment's ledger is not taken for this one's", async () => {
  await run(ledger, world);
  expect(problems(planCutover(inputs(await entries(), "roll-back", { environment: "staging" })))).toMatch(/of the environment "production".*"staging"/);
});

test("a plan is its inputs alone: the same make the same, and each that differs makes another", async () => {
  const hash = (changes: Partial<Parameters<typeof planCutover>[0]> = {}) => planOf(planCutover(inputs([], "forward", changes))).hash;
  expect(hash()).toBe(hash());
  expect(hash({ settings: { watch: "1h" } })).not.toBe(hash());
  expect(hash({ now: "2026-01-01T12:00:01.000Z" })).not.toBe(hash());
  stopAt("smoke");
  await run(ledger, world);
  expect(planOf(planCutover(inputs(await entries()))).parent).toBe((await entries()).at(-1)!.hash);
});
