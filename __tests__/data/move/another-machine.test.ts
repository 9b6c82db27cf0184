/** Moves of one environment from several machines, each with a journal of its own; and a world that changed while a move stood still. */
import { performMove, situationOf, undoMove } from "../../../scripts/data/move/mover";
import { MemoryJournal, options } from "./drive";
import { FakeWorld } from "./fake-world";

/** Laptop A's move, which stopped at open orders: nothing is stopped yet. */
async function stoppedOnA(): Promise<{ readonly world: FakeWorld; readonly a: MemoryJournal }> {
  const world = new FakeWorld();
  world.faults.ordersStay = true;
  const a = new MemoryJournal(world);
  await expect(performMove(options(world, a))).rejects.toThrow(/still open/);
  world.faults = {};
  return { world, a };
}

const moveOnB = (world: FakeWorld): Promise<void> => performMove(options(world, new MemoryJournal(world, false, false, "m2"), { folder: "/moves/m2" }));

test("a second machine's move is refused while the first has not ended, and says where that is", async () => {
  const { world, a } = await stoppedOnA();
  await expect(moveOnB(world)).rejects.toThrow(/has not ended: m1 on laptop-a\. Take it up or undo it there.*consul kv delete gvfx\/evidence\/data-move\.lock/);
  expect(world.state.running).toEqual({ worker: true, api: true });
  await undoMove(options(world, a), false);
  await moveOnB(world);
  expect(world.state.lock).toBeUndefined();
});

test("an undo from one machine is refused in the midst of another's move", async () => {
  const { world } = await stoppedOnA();
  await expect(undoMove(options(world, new MemoryJournal(world, false, false, "m0")), true)).rejects.toThrow(/has not ended: m1 on laptop-a/);
});

test("taken up after another move, whose lock somebody removed, it overwrites nothing", async () => {
  const { world, a } = await stoppedOnA();
  world.state.lock = undefined;
  await moveOnB(world);
  const live = structuredClone(world.state.target.rows);
  await expect(performMove(options(world, a))).rejects.toThrow(/the legacy worker \(process 12\) writes to http:\/\/100\.64\.0\.11:3210[\s\S]*is another than when this move began \(nothing\)[\s\S]*the platform's Convex has changed since it was kept \(/);
  expect(situationOf(a.entries()).failure?.step).toBe("stop");
  expect([world.state.running, world.state.target.rows.trades]).toEqual([{ worker: true, api: true }, live.trades]);
});

const CHANGED: readonly (readonly [string, (world: FakeWorld) => void, RegExp])[] = [
  ["the worker's owner", (world) => (world.state.owners.worker = "nomad"), /worker-owner is nomad/],
  ["the evidence", (world) => (world.state.evidence = { verdict: "pass", record: '{"move":"m0"}' }), /evidence in Consul \(gate data-move: pass\) is another than when this move began/],
  ["the platform's Convex", (world) => (world.state.target.rows = { trades: ["t9"] }), /the platform's Convex has changed since it was kept \(trades: 0 -> 1 rows\)/],
  ["an env file", (world) => (world.state.files["backend/.env"] = "CONVEX_URL=http://100.64.0.99:3210\n"), /backend\/\.env on the legacy host says CONVEX_URL=http:\/\/100\.64\.0\.99:3210/],
];

describe.each(CHANGED)("%s that changed", (_, change, message) => {
  test("keeps legacy from being stopped", async () => {
    const { world, a } = await stoppedOnA();
    change(world);
    await expect(performMove(options(world, a))).rejects.toThrow(message);
    expect([situationOf(a.entries()).failure?.step, world.calls.includes("host.stop")]).toEqual(["stop", false]);
  });

  test("keeps the import away", async () => {
    const world = new FakeWorld();
    const { validate } = world.snapshots;
    Object.assign(world.snapshots, { validate: async (file: string) => { if (file.endsWith("legacy.zip")) change(world); return validate(file); } });
    const journal = new MemoryJournal(world);
    await expect(performMove(options(world, journal))).rejects.toThrow(message);
    expect([situationOf(journal.entries()).failure?.step, world.calls.includes("nomad.importFrom")]).toEqual(["import", false]);
  });
});
