/** Each guard of the way back, with the defect planted that it is there for. */
import { performMove, situationOf, undoMove } from "../../../scripts/data/move/mover";
import { MemoryJournal, options } from "./drive";
import { FakeWorld, NEW_URL } from "./fake-world";

async function moved(world = new FakeWorld()): Promise<{ readonly world: FakeWorld; readonly journal: MemoryJournal }> {
  const journal = new MemoryJournal(world);
  await performMove(options(world, journal));
  return { world, journal };
}

/** Stopped in the freeze, by an import that lost a row. */
async function frozen(): Promise<{ readonly world: FakeWorld; readonly journal: MemoryJournal }> {
  const world = new FakeWorld();
  world.faults.importLoses = "trades";
  const journal = new MemoryJournal(world);
  await expect(performMove(options(world, journal))).rejects.toThrow(/critical table trades/);
  return { world, journal };
}

const changes = (calls: readonly string[]): string[] => calls.filter((call) => /host\.(stop|start|replaceFile)|setKillSwitch|importFrom|setEvidence|removeVariable|clear/.test(call));

test.each(["worker", "traffic"] as const)("nothing goes back while %s is Nomad's", async (key) => {
  const { world, journal } = await moved();
  world.state.owners[key] = "nomad";
  world.calls.length = 0;
  await expect(undoMove(options(world, journal), true)).rejects.toThrow(key === "worker" ? /worker-owner is nomad.*gvfx lease give legacy/ : /traffic goes to Nomad's API/);
  expect([changes(world.calls), situationOf(journal.entries()).state]).toEqual([[], "finished"]);
});

test("the platform's Convex is not emptied when the worker was given to Nomad while legacy started", async () => {
  const { world, journal } = await moved();
  const { start } = world.host;
  Object.assign(world.host, { start: async (writers: never) => { await start(writers); world.state.owners.worker = "nomad"; } });
  await expect(undoMove(options(world, journal), true)).rejects.toThrow(/worker-owner is nomad/);
  expect(world.state.target.rows.trades).toEqual(["t1", "t2"]);
  world.state.owners.worker = "legacy";
  await undoMove(options(world, journal), true);
  expect(world.state.target.rows).toEqual({});
});

test("an env file whose backup is gone is not taken for one that is back, and what it names is not emptied", async () => {
  const { world, journal } = await moved();
  delete world.state.files["backend/.env.before-move-m1"];
  await expect(undoMove(options(world, journal), true)).rejects.toThrow(/names http:\/\/100\.64\.0\.11:3210 still, and what it held before .* is gone; set CONVEX_URL=http:\/\/100\.64\.0\.31:3210 there by hand/);
  expect(world.state.target.rows.trades).toEqual(["t1", "t2"]);
  world.state.files["backend/.env"] = "CONVEX_URL=http://100.64.0.31:3210\n";
  await undoMove(options(world, journal), true);
  expect([world.state.running.worker, world.state.target.rows]).toEqual([true, {}]);
});

test("a file that was set to the platform's Convex by hand keeps the processes from being started on it", async () => {
  const { world, journal } = await frozen();
  world.state.files["backend/.env"] = `CONVEX_URL=${NEW_URL}\n`;
  await expect(undoMove(options(world, journal), false)).rejects.toThrow(/backend\/\.env on the legacy host says CONVEX_URL=http:\/\/100\.64\.0\.11:3210.*nothing was started/s);
  expect([world.state.running.worker, "trades" in world.state.target.rows]).toEqual([false, true]);
});

test("a process that comes up on the platform's Convex all the same is seen before that is emptied", async () => {
  const { world, journal } = await moved();
  const { look } = world.host;
  let elsewhere = true;
  Object.assign(world.host, { look: async () => {
    const seen = await look();
    return elsewhere && seen.writers.worker.running ? { ...seen, writers: { ...seen.writers, worker: { ...seen.writers.worker, convexUrl: NEW_URL } } } : seen;
  } });
  await expect(undoMove(options(world, journal), true)).rejects.toThrow(/the legacy worker \(process 12\) writes to http:\/\/100\.64\.0\.11:3210.*restart the worker/s);
  expect(world.state.target.rows.trades).toEqual(["t1", "t2"]);
  elsewhere = false;
  await undoMove(options(world, journal), true);
  expect(world.state.target.rows).toEqual({});
});

describe("somebody's emergency stop", () => {
  test("during the freeze outlasts the thaw", async () => {
    const world = new FakeWorld();
    const { start } = world.host;
    Object.assign(world.host, { start: async (writers: never) => { await start(writers); await world.api.setKillSwitch("gold-rl-agent", { enabled: true, reason: "losing money" }); } });
    await moved(world);
    expect(await world.api.killSwitch()).toEqual({ enabled: true, reason: "losing money" });
    expect(world.said.join("\n")).toMatch(/kill switch is on for another reason \(losing money\), and was left on/);
  });

  test("outlasts an undo", async () => {
    const { world, journal } = await frozen();
    const { start } = world.host;
    Object.assign(world.host, { start: async (writers: never) => { await start(writers); await world.api.setKillSwitch("gold-rl-agent", { enabled: true, reason: "losing money" }); } });
    await undoMove(options(world, journal), false);
    expect(await world.api.killSwitch()).toEqual({ enabled: true, reason: "losing money" });
  });

  test("before the move is as it was afterwards", async () => {
    const world = new FakeWorld();
    await world.api.setKillSwitch("gold-rl-agent", { enabled: true, reason: "holidays" });
    await moved(world);
    expect(await world.api.killSwitch()).toEqual({ enabled: true, reason: "holidays" });
  });
});

describe("after the thaw, before anything is stopped,", () => {
  test("trading is halted and open orders are reconciled, and the switch is as it was once legacy is on its own Convex", async () => {
    const { world, journal } = await moved();
    world.state.openOrders = 2;
    world.calls.length = 0;
    const seen: unknown[] = [];
    const { stop } = world.host;
    Object.assign(world.host, { stop: async (writer: never) => { seen.push(world.state.running.api && (await world.api.killSwitch()), world.state.openOrders); return stop(writer); } });
    await undoMove(options(world, journal), true);
    expect(seen.slice(0, 2)).toEqual([{ enabled: true, reason: "data move m1" }, 0]);
    expect(await world.api.killSwitch()).toEqual({ enabled: false, reason: null });
  });

  test("orders that do not settle keep everything as it is, and are listed", async () => {
    const { world, journal } = await moved();
    world.state.openOrders = 1;
    world.faults.ordersStay = true;
    world.calls.length = 0;
    await expect(undoMove(options(world, journal), true)).rejects.toThrow(/1 order is still open after 30s[\s\S]*take the undo up again: gvfx data move undo[\s\S]*trade-9[\s\S]*gvfx data move undo --trading-halted-by-hand/);
    expect([world.calls.filter((call) => call.startsWith("host.")), situationOf(journal.entries()).state]).toEqual([[], "undoing"]);
    world.faults = {};
    await undoMove(options(world, journal), false);
    expect(situationOf(journal.entries()).state).toBe("undone");
  });

  test("an API that does not answer keeps everything as it is, until it is stated that trading was halted by hand", async () => {
    const { world, journal } = await moved();
    world.state.running.api = false;
    world.calls.length = 0;
    await expect(undoMove(options(world, journal), true)).rejects.toThrow(/connection refused\. Nothing was stopped yet.*--trading-halted-by-hand/s);
    expect(changes(world.calls)).toEqual([]);
    await undoMove(options(world, journal), true, true);
    expect(world.said.join("\n")).toMatch(/trading could not be halted, or open orders not be reconciled, by the legacy API \(connection refused\); going on/);
    expect([situationOf(journal.entries()).state, world.state.running]).toEqual(["undone", { worker: true, api: true }]);
  });

  test("an app that cannot trade has no switch to throw", async () => {
    const world = new FakeWorld();
    world.faults.tradingImpossible = "the store is not configured";
    const journal = new MemoryJournal(world, false, true);
    await performMove(options(world, journal));
    await undoMove(options(world, journal), true);
    expect([situationOf(journal.entries()).state, world.calls.includes("api.setKillSwitch")]).toEqual(["undone", false]);
  });

  test("an emergency stop since the thaw is kept, and is on in legacy's own Convex afterwards", async () => {
    const { world, journal } = await moved();
    await world.api.setKillSwitch("gold-rl-agent", { enabled: true, reason: "losing money" });
    await undoMove(options(world, journal), true);
    expect(world.state.files["backend/.env"]).not.toContain(NEW_URL);
    expect(await world.api.killSwitch()).toEqual({ enabled: true, reason: "losing money" });
    expect(world.said.join("\n")).toMatch(/thrown since the thaw for another reason than the move's \(losing money\), and stays on/);
  });

  test("once, when it is taken up after the API was stopped", async () => {
    const { world, journal } = await moved();
    const { exportTo } = world.target;
    Object.assign(world.target, { exportTo: async () => Promise.reject(new Error("no space left")) });
    await expect(undoMove(options(world, journal), true)).rejects.toThrow("no space left");
    expect(world.state.running).toEqual({ worker: false, api: false });
    Object.assign(world.target, { exportTo });
    await undoMove(options(world, journal), false);
    expect(situationOf(journal.entries()).state).toBe("undone");
  });
});

test("the word for trading that was halted by hand is refused before the thaw, where it would mean nothing", async () => {
  const { world, journal } = await frozen();
  await expect(undoMove(options(world, journal), false, true)).rejects.toThrow(/--trading-halted-by-hand is for an undo after the thaw/);
  expect(situationOf(journal.entries()).state).toBe("open");
});

test("a platform's Convex that does not answer keeps legacy from nothing, and is left as it is", async () => {
  const { world, journal } = await moved();
  const rows = structuredClone(world.state.target.rows.trades);
  const down = () => Promise.reject(new Error("connection refused"));
  for (const call of ["answers", "exportTo", "importFrom", "removeVariable"] as const) Object.assign(world.target, { [call]: down });
  await undoMove(options(world, journal), true);
  expect(world.said.join("\n")).toMatch(/does not answer \(connection refused\).*stays where it is.*gvfx data export --from nomad/);
  expect([situationOf(journal.entries()).state, world.state.running, world.state.target.rows.trades]).toEqual(["undone", { worker: true, api: true }, rows]);
  expect(world.state.files["backend/.env"]).not.toContain(NEW_URL);
});

test("what is given up is not replaced while its export is damaged", async () => {
  const { world, journal } = await moved();
  world.faults.exportDamaged = true;
  await expect(undoMove(options(world, journal), true)).rejects.toThrow(/given-up\.zip, which would be all that is left .* is not sound: trades/);
  expect(world.state.target.rows.trades).toEqual(["t1", "t2"]);
  world.faults = {};
  await undoMove(options(world, journal), true);
  expect(world.state.target.rows).toEqual({});
});
