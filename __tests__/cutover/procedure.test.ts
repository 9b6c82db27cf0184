/** Whole procedures over the world's double: golden transcripts, a planted fault for each gate, a kill at each call, and the way back from each. */
import type { Outcome } from "../../scripts/doctor/check";
import { FakeWorld } from "./fake-world";
import { MemoryLedger } from "./memory-ledger";
import { all, FORWARD, order, perform, SETTINGS } from "./procedure";

let ledger: MemoryLedger;
let world: FakeWorld;
beforeEach(() => {
  ledger = new MemoryLedger();
  world = new FakeWorld();
});

const FAIL: Outcome = { verdict: "fail", detail: "planted", mend: "mend it" };
const LEGACY_SERVES = { owner: "legacy", traffic: "legacy", sections: "closed" };
const NOMAD_SERVES = { owner: "nomad", traffic: "nomad", sections: "open" };
/** What may be changed before the worker was given: nothing, but for the legacy worker. */
const atLegacy = () => [world.switches(), [...world.running].sort()];

test("success", async () => {
  const lines: string[] = [];
  expect(await perform(ledger, world, "forward", { lines })).toEqual({ outcome: "finished" });
  expect(await world.switches()).toEqual(NOMAD_SERVES);
  expect(world.changes).toEqual(["legacy worker stopped", "owner nomad", "traffic nomad", "sections open", "legacy frontend stopped", "legacy api stopped"]);
  expect([world.most, world.watchEvidence]).toEqual([1, "pass"]);
  expect(lines).toMatchSnapshot();
});

test("there, back, there and back with the data", async () => {
  for (const data of [false, true]) {
    const began = world.now;
    expect(await perform(ledger, world)).toEqual({ outcome: "finished" });
    // The second time it is watched as long as the first.
    expect(world.now - began).toBe(SETTINGS.watch.milliseconds);
    const lines: string[] = [];
    expect(await perform(ledger, world, "roll-back", { data, lines })).toEqual({ outcome: "finished" });
    expect(lines).toMatchSnapshot(data ? "with the data" : "without the data");
    expect(await world.switches()).toEqual(LEGACY_SERVES);
    expect([...world.running].sort()).toEqual(["api", "frontend", "worker"]);
  }
  expect([world.most, world.watchEvidence]).toEqual([1, "none"]);
});

describe("planted: a gate that should hold does, before harm", () => {
  /** The step that must stop it, what is planted, what is said, and what may be so by then. */
  const faults: readonly (readonly [string, string, (world: FakeWorld) => void, RegExp, readonly string[]])[] = [
    ["preflight", "a node is not well", (w) => (w.planted.doctor = FAIL), /planted/, []],
    ["deployed", "a stack has a pending change", (w) => (w.planted.plans = new Map([["foundation", "empty"], ["app", "changes"]])), /pending changes in app.*cdktf deploy app/, []],
    ["deployed", "a stack cannot be planned", (w) => (w.planted.plans = new Map([["foundation", { problem: "no token" }]])), /no plan of foundation \(no token\).*cdktf diff foundation/, []],
    ["data", "the evidence was withdrawn", (w) => (w.planted.dataMove = { verdict: "fail", snapshot: "legacy.zip" }), /says fail.*gvfx data move/, []],
    ["data", "a legacy process has another Convex", (w) => (w.planted.convexUrls = new Map([["api", "http://127.0.0.1:3210"]])), /api has http:\/\/127\.0\.0\.1:3210/, []],
    ["data", "it is not shown which Convex legacy has", (w) => (w.planted.convexUrls = new Map([["api", "unknown"]])), /does not show which Convex api uses/, []],
    ["data", "the snapshot is gone", (w) => (w.planted.snapshotKept = false), /legacy\.zip is not there or not whole/, []],
    ["smoke", "the new stack answers wrong", (w) => (w.planted.smoke = FAIL), /planted/, []],
    ["coverage", "a pair lacks a feed", (w) => (w.planted.coverage = FAIL), /planted/, []],
    ["stop-legacy-worker", "a worker that no pid file names", (w) => (w.planted.legacyWorker = { strangers: ["process 9"] }), /no pid file names: process 9/, []],
    ["stop-legacy-worker", "the pid file names somebody else", (w) => (w.planted.legacyWorker = { running: "process 9 (sshd)", ours: false }), /process 9 \(sshd\), which is not the worker: nothing was stopped/, []],
    ["stop-legacy-worker", "something starts it again", (w) => (w.planted.restarts = true), /runs still or again.*turn that off/, ["legacy worker stopped"]],
    ["give-worker", "nobody takes the lease", (w) => (w.planted.notTaken = true), /nobody took the lease within 60 s.*gvfx cutover roll-back/, ["legacy worker stopped", "owner nomad"]],
    ["one-writer", "two workers", (w) => (w.planted.writers = { seen: [{ side: "nomad", where: "server-1", exchangeSockets: 1 }, { side: "legacy", where: "legacy", exchangeSockets: 1 }] }), /2 workers run.*gvfx cutover roll-back/, ["legacy worker stopped", "owner nomad"]],
    ["one-writer", "runs overlap", (w) => (w.planted.writers = { overlappingRuns: ["BTC-USDT candles"] }), /overlap.*BTC-USDT candles/, ["legacy worker stopped", "owner nomad"]],
    ["one-writer", "a machine is not seen", (w) => (w.planted.writers = { hidden: ["server-2: no route"] }), /could be looked at: server-2: no route/, ["legacy worker stopped", "owner nomad"]],
    ["switch-traffic", "requests land elsewhere", (w) => (w.planted.traffic = { requests: 200, failed: 0, bySide: { nomad: 100, legacy: 100 } }), /100 of 200 requests were not answered by nomad/, ["legacy worker stopped", "owner nomad", "traffic nomad"]],
    ["switch-traffic", "requests fail", (w) => (w.planted.traffic = { requests: 200, failed: 1, bySide: { nomad: 199, legacy: 0 } }), /1 of 200 requests failed/, ["legacy worker stopped", "owner nomad", "traffic nomad"]],
    ["switch-traffic", "none was made", (w) => (w.planted.traffic = { requests: 0, failed: 0, bySide: { nomad: 0, legacy: 0 } }), /no request was made/, ["legacy worker stopped", "owner nomad", "traffic nomad"]],
    ["open-sections", "a pair is missing", (w) => (w.planted.sections = FAIL), /planted/, ["legacy worker stopped", "owner nomad", "traffic nomad", "sections open"]],
    ["watch", "a trigger fails meanwhile", (w) => (w.planted.guardian = { verdict: "fail", wellSince: undefined, failing: ["apiErrorRatio: 0.4 is more than 0.05"] }), /a roll-back trigger fails.*apiErrorRatio.*gvfx cutover roll-back/, ["legacy worker stopped", "owner nomad", "traffic nomad", "sections open"]],
    ["watch", "the guardian is silent", (w) => (w.planted.guardian = { silentFor: 901 }), /wrote nothing for 901 s/, ["legacy worker stopped", "owner nomad", "traffic nomad", "sections open"]],
    ["watch", "not everything could be judged", (w) => (w.planted.guardian = { verdict: "inconclusive" }), /verdict is inconclusive/, ["legacy worker stopped", "owner nomad", "traffic nomad", "sections open"]],
  ];

  test("each step has one", () => {
    const held = new Set(faults.map(([step]) => step));
    expect(FORWARD.filter((id) => !held.has(id))).toEqual(["retire-legacy"]);
  });

  test.each(faults)("%s: %s", async (step, _what, plant, said, changed) => {
    plant(world);
    const execution = await perform(ledger, world);
    expect(execution).toMatchObject({ outcome: "stopped", step });
    if (execution.outcome === "stopped") expect(`${execution.detail} ${execution.mend}`).toMatch(said);
    expect(world.changes).toEqual(changed);
    expect([world.most, world.watchEvidence]).toEqual([1, "none"]);
    if (changed.length === 0) expect(await atLegacy()[0]).toEqual(LEGACY_SERVES);
    // Mended, the same command comes to the end; or the other one comes back.
    for (const key of Object.keys(world.planted)) delete world.planted[key as keyof typeof world.planted];
    if (step === "stop-legacy-worker") world.running.add("worker");
    expect(await perform(ledger, world)).toEqual({ outcome: "finished" });
    expect([await world.switches(), world.most]).toEqual([NOMAD_SERVES, 1]);
  });

  test("retire-legacy: users notice", async () => {
    let looks = 0;
    const seen = world.traffic.bind(world);
    world.traffic = async (requests) => (++looks === 2 ? { requests, failed: 3, bySide: { nomad: requests - 3, legacy: 0 } } : seen(requests));
    expect(await perform(ledger, world)).toMatchObject({ outcome: "stopped", step: "retire-legacy", detail: "3 of 200 requests failed" });
  });

  test.each(FORWARD)("a roll-back trigger before %s", async (step) => {
    const began = new FakeWorld();
    world = began;
    let index = -1;
    world.triggers = () => Promise.resolve(FORWARD[++index] === step ? { verdict: "fail", detail: "3 duplicate runs in 5 min", mend: "go back" } : { verdict: "pass", detail: "" });
    expect(await perform(ledger, world)).toEqual({ outcome: "triggered", step, detail: "3 duplicate runs in 5 min" });
    expect(await perform(ledger, world, "roll-back")).toEqual({ outcome: "finished" });
    expect([await world.switches(), world.most]).toEqual([LEGACY_SERVES, 1]);
  });
});

/** Ends a procedure for good at its nth call of the world. @returns whether it came so far */
async function killAt(nth: number, direction: "forward" | "roll-back"): Promise<boolean> {
  let calls = 0;
  const dead = new Promise<"dead">((resolve) => (world.before = () => (calls++ === nth ? new Promise<never>(() => resolve("dead")) : Promise.resolve())));
  const outcome = await Promise.race([dead, perform(ledger, world, direction)]);
  world.before = () => Promise.resolve();
  ledger.holder = undefined;
  return outcome === "dead";
}

test("killed at any call of the world, the same command comes to the same end, and so does the way back from there", async () => {
  for (let nth = 0; ; nth++) {
    ledger = new MemoryLedger();
    world = new FakeWorld();
    if (!(await killAt(nth, "forward"))) {
      expect(nth).toBeGreaterThan(20);
      break;
    }
    const [kept, running, state] = [[...ledger.texts], [...world.running], await world.switches()];
    expect([nth, await perform(ledger, world)]).toEqual([nth, { outcome: "finished" }]);
    expect([nth, await world.switches(), world.most]).toEqual([nth, NOMAD_SERVES, 1]);

    ledger = new MemoryLedger();
    ledger.texts.push(...kept);
    world = new FakeWorld();
    world.running.clear();
    for (const name of running) world.running.add(name);
    [world.owner, world.traffic_, world.sections_] = [state.owner!, state.traffic!, state.sections!];
    expect([nth, await perform(ledger, world, "roll-back")]).toEqual([nth, { outcome: "finished" }]);
    expect([nth, await world.switches(), [...world.running].sort(), world.most]).toEqual([nth, LEGACY_SERVES, ["api", "frontend", "worker"], 1]);
  }
});

test("a roll-back that is killed at any call goes on, and ends where it would have", async () => {
  for (let nth = 0; ; nth++) {
    ledger = new MemoryLedger();
    world = new FakeWorld();
    await perform(ledger, world);
    if (!(await killAt(nth, "roll-back"))) {
      expect(nth).toBeGreaterThan(8);
      break;
    }
    expect([nth, await perform(ledger, world, "roll-back")]).toEqual([nth, { outcome: "finished" }]);
    expect([nth, await world.switches(), world.most]).toEqual([nth, LEGACY_SERVES, 1]);
  }
});

test("a trigger that failed while nobody looked begins the watch anew", async () => {
  world.planted.guardian = { wellSince: "2026-01-01T18:00:00.000Z" };
  expect(await perform(ledger, world)).toEqual({ outcome: "finished" });
  expect(new Date(world.now).toISOString()).toBe("2026-01-03T18:00:00.000Z");
});

test("the guardian's own roll-back, which set the owner to nobody and traffic to legacy, is gone on with", async () => {
  await perform(ledger, world);
  [world.owner, world.traffic_] = ["nobody", "legacy"];
  expect(await perform(ledger, world, "roll-back")).toEqual({ outcome: "finished" });
  expect(await world.switches()).toEqual(LEGACY_SERVES);
});

test("every step says what it proves, what is normal, how to look and what to do", () => {
  expect(all.map(({ id }) => id)).toEqual([...new Set(all.map(({ id }) => id))]);
  for (const { id, title, proves, normal, look, otherwise } of all) expect([id, [title, proves, normal, ...look, ...otherwise].every((words) => words.length > 5), look.length > 0, otherwise.length > 0]).toEqual([id, true, true, true]);
  expect(order["roll-back"].map(({ id }) => id)).toEqual(["take-worker", "legacy-worker", "legacy-app", "traffic-back", "data-back", "legacy-serves"]);
});

describe("a legacy worker that was started without the lease", () => {
  beforeEach(() => (world.planted.legacyWorker = { underLease: false }));

  test("is seen by its process on the way back: nobody waits for a lease that it does not take", async () => {
    world.planted.legacyWorker = undefined;
    expect(await perform(ledger, world)).toEqual({ outcome: "finished" });
    world.planted.legacyWorker = { underLease: false };
    const calls: string[] = [];
    world.before = (call) => Promise.resolve(void calls.push(call));
    expect(await perform(ledger, world, "roll-back")).toEqual({ outcome: "finished" });
    expect(calls.filter((call) => call.startsWith("lease."))).toEqual(["lease.giveToNobody", "lease.assign legacy"]);
    expect([await world.switches(), world.most]).toEqual([LEGACY_SERVES, 1]);
  });

  test("planted: one that was started and is not there stops it, before users are sent to legacy", async () => {
    world.planted.legacyWorker = undefined;
    await perform(ledger, world);
    world.planted.legacyWorker = { underLease: false, running: undefined, ours: false };
    expect(await perform(ledger, world, "roll-back")).toMatchObject({ outcome: "stopped", step: "legacy-worker", detail: "the legacy worker was started, and is not there" });
    expect((await world.switches()).traffic).toBe("nomad");
  });
});
