/** The executor: gates hold, and whatever kills it, the same command comes to the same end. */
import { execute } from "../../scripts/cutover/executor";
import { planCutover } from "../../scripts/cutover/planner";
import { FORWARD, inputs, planOf, ROLL_BACK, run, STEPS, World } from "./core";
import { MemoryLedger } from "./memory-ledger";

let ledger: MemoryLedger;
let world: World;
beforeEach(() => {
  ledger = new MemoryLedger();
  world = new World();
});

/** Runs until the point comes, and not further: what a killed process does. */
async function killed(point: (reached: () => Promise<never>) => void): Promise<boolean> {
  const dead = new Promise<"dead">((resolve) => point(() => new Promise<never>(() => resolve("dead"))));
  const outcome = await Promise.race([dead, run(ledger, world)]);
  ledger.beforeAppend = ledger.afterAppend = () => Promise.resolve();
  // The lock ends with its holder.
  ledger.holder = undefined;
  return outcome === "dead";
}

test("success: every step is recorded before and after", async () => {
  expect(await run(ledger, world)).toEqual({ outcome: "finished" });
  expect(ledger.lines()).toEqual(["plan forward: preflight smoke give-worker one-writer switch-traffic", ...FORWARD.flatMap(({ id }) => [`began ${id}`, `ended ${id}: pass`]), "finished"]);
  expect(world.changes).toEqual(["owner nomad", "traffic nomad"]);
  expect(ledger.holder).toBeUndefined();
});

test("killed before or after any entry, the same command comes to the same end, and nothing is changed twice", async () => {
  const whole = new MemoryLedger();
  await run(whole, new World());
  for (let point = 0; point < whole.texts.length; point++) {
    for (const when of ["beforeAppend", "afterAppend"] as const) {
      ledger = new MemoryLedger();
      world = new World();
      const dead = await killed((reached) => {
        let seen = 0;
        ledger[when] = () => (seen++ === point ? reached() : Promise.resolve());
      });
      expect([point, when, dead]).toEqual([point, when, true]);
      if (point === whole.texts.length - 1 && when === "afterAppend") continue;
      expect([point, when, await run(ledger, world)]).toEqual([point, when, { outcome: "finished" }]);
      expect([point, when, world.changes]).toEqual([point, when, ["owner nomad", "traffic nomad"]]);
    }
  }
});

test("killed at any step of a plan that is kept in a file, that plan goes on where it was", async () => {
  const plan = planOf(planCutover(inputs([])));
  const perform = () => execute({ plan, ledger, world, steps: STEPS, triggers: () => Promise.resolve({ verdict: "pass", detail: "" }), accept: new Map(), say: () => undefined, signal: new AbortController().signal });
  let seen = 0;
  const dead = new Promise<"dead">((resolve) => (ledger.afterAppend = () => (seen++ === 6 ? new Promise<never>(() => resolve("dead")) : Promise.resolve())));
  expect(await Promise.race([dead, perform()])).toBe("dead");
  ledger.afterAppend = () => Promise.resolve();
  ledger.holder = undefined;
  expect(await perform()).toEqual({ outcome: "finished" });
  expect(ledger.lines().filter((line) => line.startsWith("plan"))).toHaveLength(1);
  expect(ledger.lines().filter((line) => line === "began preflight")).toHaveLength(1);
});

describe("a gate that does not pass holds", () => {
  test.each(FORWARD.flatMap(({ id }) => (["fail", "inconclusive"] as const).map((verdict) => [id, verdict] as const)))("%s: %s", async (id, verdict) => {
    world.outcomes.set(id, { verdict, detail: "not so", mend: "mend it" });
    expect(await run(ledger, world)).toEqual({ outcome: "stopped", step: id, verdict, detail: "not so", mend: "mend it", acceptable: verdict === "inconclusive" && id === "smoke" });
    const index = FORWARD.findIndex((step) => step.id === id);
    expect(ledger.lines().at(-1)).toBe(`ended ${id}: ${verdict}`);
    for (const later of FORWARD.slice(index + 1)) expect(ledger.lines()).not.toContain(`began ${later.id}`);
    world.outcomes.clear();
    expect(await run(ledger, world)).toEqual({ outcome: "finished" });
  });

  test("an inconclusive one is gone past with a reason where that is allowed, and the reason is kept", async () => {
    world.outcomes.set("smoke", { verdict: "inconclusive", detail: "no data", mend: "wait" });
    expect(await run(ledger, world, { accept: { smoke: "the exchange is closed" } })).toEqual({ outcome: "finished" });
    expect(ledger.lines()).toContain("accepted smoke: the exchange is closed");
  });

  test("planted: neither a failed gate nor one that others rely on is gone past", async () => {
    world.outcomes.set("smoke", { verdict: "fail", detail: "500", mend: "mend" });
    expect(await run(ledger, world, { accept: { smoke: "never mind" } })).toMatchObject({ outcome: "stopped", step: "smoke", acceptable: false });
    world.outcomes.clear();
    world.outcomes.set("one-writer", { verdict: "inconclusive", detail: "not seen", mend: "look" });
    expect(await run(ledger, world, { accept: { "one-writer": "never mind" } })).toMatchObject({ outcome: "stopped", step: "one-writer", acceptable: false });
    expect(world.traffic).toBe("legacy");
  });

  test("what throws could not be judged", async () => {
    const steps = STEPS.map((step) => (step.id === "smoke" ? { ...step, perform: () => Promise.reject(new Error("ECONNRESET")) } : step));
    const plan = planOf(planCutover(inputs([])));
    expect(await execute({ plan, ledger, world, steps, triggers: () => Promise.resolve({ verdict: "pass", detail: "" }), accept: new Map(), say: () => undefined, signal: new AbortController().signal })).toMatchObject({ outcome: "stopped", step: "smoke", verdict: "inconclusive", detail: expect.stringContaining("ECONNRESET") });
  });
});

describe("roll-back triggers", () => {
  test("are looked at before every step, and one that fails lets none begin", async () => {
    for (const [index, { id }] of FORWARD.entries()) {
      ledger = new MemoryLedger();
      world = new World();
      let looks = 0;
      expect(await run(ledger, world, { triggers: () => Promise.resolve(looks++ === index ? { verdict: "fail", detail: "5 duplicates", mend: "roll back" } : { verdict: "pass", detail: "" }) })).toEqual({ outcome: "triggered", step: id, detail: "5 duplicates" });
      expect(ledger.lines().at(-1)).toBe(`triggered before ${id}`);
      expect(ledger.lines()).not.toContain(`began ${id}`);
    }
  });

  test("do not hold a roll-back up", async () => {
    await run(ledger, world);
    expect(await run(ledger, world, { direction: "roll-back", triggers: () => Promise.resolve({ verdict: "fail", detail: "5 duplicates", mend: "roll back" }) })).toEqual({ outcome: "finished" });
    expect([world.owner, world.traffic]).toEqual(["legacy", "legacy"]);
  });
});

test("a roll-back from every step of the way, whether it was killed there or stopped, ends where it began; and there and back again", async () => {
  for (const { id } of FORWARD) {
    ledger = new MemoryLedger();
    world = new World();
    await killed((reached) => (ledger.afterAppend = (body) => (body.kind === "began" && body.step === id ? reached() : Promise.resolve())));
    expect([id, await run(ledger, world, { direction: "roll-back" })]).toEqual([id, { outcome: "finished" }]);
    expect([world.owner, world.traffic]).toEqual(["legacy", "legacy"]);
    expect(await run(ledger, world)).toEqual({ outcome: "finished" });
    expect([world.owner, world.traffic]).toEqual(["nomad", "nomad"]);
  }
});

test("the data goes back when it is asked for alone", async () => {
  await run(ledger, world);
  await run(ledger, world, { direction: "roll-back" });
  expect(ledger.lines()).not.toContain("began data-back");
  await run(ledger, world);
  await run(ledger, world, { direction: "roll-back", data: true });
  expect(ledger.lines()).toContain("began data-back");
  expect(ledger.lines().at(-2)).toBe(`ended ${ROLL_BACK.at(-1)!.id}: pass`);
});

test("a second operator is refused, and told who works and since when", async () => {
  ledger.holder = { held: false, who: "other@desk, process 7", since: "2026-01-01T11:00:00.000Z" };
  expect(await run(ledger, world)).toEqual({ outcome: "refused", why: "locked", holder: ledger.holder });
  expect(ledger.texts).toEqual([]);
});

test("a plan that was made before somebody else did something is refused, with what they did", async () => {
  const stale = planOf(planCutover(inputs([], "forward", { now: "2026-01-01T11:59:00.000Z" })));
  await run(ledger, world);
  world.changes.length = 0;
  const before = ledger.texts.length;
  const execution = await execute({ plan: stale, ledger, world, steps: STEPS, triggers: () => Promise.resolve({ verdict: "pass", detail: "" }), accept: new Map(), say: () => undefined, signal: new AbortController().signal });
  expect(execution).toMatchObject({ outcome: "refused", why: "stale" });
  expect((execution as unknown as { since: unknown[] }).since).toHaveLength(before);
  expect([ledger.texts.length, world.changes]).toEqual([before, []]);
});

test("planted: of two that got past the lock, the one whose entry comes second ends", async () => {
  const plan = planOf(planCutover(inputs([])));
  const perform = (writes: MemoryLedger) => execute({ plan, ledger: writes, world, steps: STEPS, triggers: () => Promise.resolve({ verdict: "pass", detail: "" }), accept: new Map(), say: () => undefined, signal: new AbortController().signal });
  ledger.lock = () => Promise.resolve({ held: true, signal: new AbortController().signal, release: () => Promise.resolve() });
  const both = await Promise.allSettled([perform(ledger), perform(ledger)]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: { name: "LedgerMoved" } });
});

test("Ctrl-C ends between two steps, and in one; the same command goes on", async () => {
  const controller = new AbortController();
  ledger.afterAppend = (body) => Promise.resolve(void (body.kind === "ended" && body.step === "give-worker" && controller.abort()));
  expect(await run(ledger, world, { signal: controller.signal })).toEqual({ outcome: "interrupted", step: "one-writer" });
  expect(ledger.holder).toBeUndefined();
  expect(await run(ledger, world)).toEqual({ outcome: "finished" });
});

test("a step that this version does not know is named, before it is reached by chance", async () => {
  const plan = { ...planOf(planCutover(inputs([]))), steps: ["preflight", "no-such-step"] };
  await expect(execute({ plan, ledger, world, steps: STEPS, triggers: () => Promise.resolve({ verdict: "pass", detail: "" }), accept: new Map(), say: () => undefined, signal: new AbortController().signal })).rejects.toThrow(/"no-such-step".*make the plan anew/);
  expect(ledger.texts).toEqual([]);
});
