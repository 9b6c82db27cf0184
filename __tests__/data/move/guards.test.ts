/** Each guard of a move, with the defect planted that it is there for; those of the database are in guards-timescale.test.ts. */
import { Duration, Size } from "../../../contracts/units";
import { performMove, situationOf } from "../../../scripts/data/move/mover";
import { lookAtEverything } from "../../../scripts/data/move/steps/preflight";
import { MemoryJournal, options, problems, stopped, type Plant } from "./drive";
import { FakeWorld, NEW_URL, SETTINGS } from "./fake-world";

test("without a defect nothing stands in the way", async () => {
  expect(await problems(() => undefined)).toEqual([]);
});

const BEFORE: readonly (readonly [string, Plant, RegExp])[] = [
  ["a pid file that names somebody else", (world) => (world.faults.otherPid = "worker"), /pid file of the legacy worker names process 12, which is "sleep 600" and not the worker.*pgrep -af jobs\/worker\.ts/],
  ["a second worker that was started by hand", (world) => (world.faults.stranger = "worker"), /another worker runs on the legacy host, process 99 .*kill 99/],
  ["a process that writes elsewhere than its file says", (world) => (world.state.files["backend/.env"] = "CONVEX_URL=http://100.64.0.99:3210\n"), /writes to http:\/\/100\.64\.0\.99:3210, and the environment says/],
  ["no API", (world) => (world.state.running.api = false), /the legacy API does not run/],
  ["TIMESCALE_ on, and no database named", (world) => (world.state.files["backend/.env"] += "\nTIMESCALE_RL_OPS_ENABLED=true\n"), /TIMESCALE_RL_OPS_ENABLED is on at the legacy host.*dataMove\.timescale.*or switch them off in backend\/\.env/],
  ["a target that is not empty", (world) => (world.state.target.rows = { old: ["o1"] }), /holds 1 rows already \(old 1\).*--replace-everything/],
  ["an empty source", (world) => (world.state.source.rows = {}), /has no row at all/],
  ["another value of a Convex variable", (world) => (world.state.target.variables = { MODEL_KEY: "other" }), /MODEL_KEY has another value.*CONVEX_SELF_HOSTED_URL=http:\/\/nomad CONVEX_SELF_HOSTED_ADMIN_KEY="\$\(gvfx data admin-key --side nomad --show\)" npx convex env set MODEL_KEY/],
  ["Nomad's worker", (world) => (world.state.owners.worker = "nomad"), /worker-owner is nomad.*gvfx lease give legacy/],
  ["Nomad's API", (world) => (world.state.owners.traffic = "nomad"), /traffic goes to Nomad's API/],
  ["a full disk", (world) => (world.free = 2 ** 20), /0\.0 GiB are free here, and a move needs 1GiB/],
  ["an address that the legacy host does not reach", (world) => (world.reachable = false), /does not reach http:\/\/100\.64\.0\.11:3210.*curl/],
  ["env files without CONVEX_URL", (world) => (world.state.files["backend/.env"] = "API_TOKEN=x\n#CONVEX_URL=http://127.0.0.1:3210\n"), /none of backend\/\.env, \.env\.local in the legacy checkout sets CONVEX_URL/],
  ["a move that was done before", (world) => (world.state.files["backend/.env"] = `CONVEX_URL=${NEW_URL}\n`), /already: its data has moved/],
];

test.each(BEFORE)("before anything is changed: %s", async (_, plant, message) => {
  expect(await problems(plant)).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  const { step, world } = await stopped(plant);
  expect(step).toBe("preflight");
  expect(world.calls.filter((call) => /host\.(stop|start|replaceFile)|setKillSwitch|importFrom|deploy|setVariable|setEvidence/.test(call))).toEqual([]);
});

test("all of them are said at once, also those behind something that cannot be seen", async () => {
  const found = await problems((world) => {
    world.state.running.api = false;
    world.reachable = false;
    world.state.owners.worker = "nomad";
    world.snapshots.freeBytes = () => Promise.reject(new Error("no such folder"));
  });
  expect(found.join("\n")).toMatch(/legacy's API: connection refused/);
  expect(found.join("\n")).toMatch(/free space here: no such folder/);
  expect(found.length).toBeGreaterThanOrEqual(5);
});

test("a switch is off as the app reads it, in whichever file it is", async () => {
  expect(await problems((world) => (world.state.files["backend/.env"] += "\nTIMESCALE_RL_OPS_ENABLED=false\n"))).toEqual([]);
  expect(await problems((world) => (world.state.files[".env.local"] = "TIMESCALE_MARKET_DATA_ENABLED=1\n"))).toEqual([expect.stringContaining("TIMESCALE_MARKET_DATA_ENABLED is on")]);
  // The file that counts first says it.
  expect(await problems((world) => { world.state.files["backend/.env"] += "\nTIMESCALE_MARKET_DATA_ENABLED=off\n"; world.state.files[".env.local"] = "TIMESCALE_MARKET_DATA_ENABLED=1\n"; })).toEqual([]);
});

test("a switch that only a unit or a shell has set is on as well, whatever the files say", async () => {
  const found = await problems((world) => {
    world.state.files["backend/.env"] += "\nTIMESCALE_MARKET_DATA_ENABLED=off\n";
    world.processVariables.TIMESCALE_MARKET_DATA_ENABLED = "1";
  });
  expect(found).toEqual([expect.stringMatching(/^TIMESCALE_MARKET_DATA_ENABLED \(by the environment of the running worker and api alone: its unit or a shell.*\) is on at the legacy host/)]);
});

describe("--app-cannot-trade while TIMESCALE_RL_OPS_ENABLED is on", () => {
  const message = /--app-cannot-trade states that this app keeps no agents, and TIMESCALE_RL_OPS_ENABLED is on/;
  const world = (): FakeWorld => {
    const it = new FakeWorld().withTimescale();
    it.state.files["backend/.env"] += "\nTIMESCALE_URL=postgres://old\n";
    it.faults.tradingImpossible = "the store fails";
    return it;
  };

  test.each(["an env file", "a unit"])("by %s is refused before anything is changed", async (by) => {
    const it = world();
    if (by === "a unit") it.processVariables.TIMESCALE_RL_OPS_ENABLED = "true";
    else it.state.files["backend/.env"] += "TIMESCALE_RL_OPS_ENABLED=true\n";
    const { problems: found } = await lookAtEverything({ world: it, settings: SETTINGS, options: { replaceEverything: false, appCannotTrade: true, app: "" } });
    expect(found).toEqual([expect.stringMatching(message)]);
  });

  test("switched on after the first look keeps the freeze from going on", async () => {
    const it = world();
    const journal = new MemoryJournal(it, false, true);
    const { announce } = it;
    it.announce = async (said) => { it.state.files["backend/.env"] += "TIMESCALE_RL_OPS_ENABLED=true\n"; return announce.call(it, said); };
    await expect(performMove(options(it, journal))).rejects.toThrow(message);
    expect([situationOf(journal.entries()).failure?.step, it.calls.includes("host.stop")]).toEqual(["note-trading", false]);
  });
});

test("a worker that does not run is no hindrance, unless the API's start would start it", async () => {
  const plant: Plant = (world) => (world.state.running.worker = false);
  expect(await problems(plant)).toEqual([]);
  expect(await problems(plant, { apiStartsAlone: false })).toEqual([expect.stringContaining("legacy.commands.startApi")]);
});

test("the room that is needed is the environment's", async () => {
  expect(await problems((world) => (world.free = 3 * 2 ** 30), { room: Size.parse("2GiB") })).toEqual([]);
});

const FROZEN: readonly (readonly [string, Plant, string, RegExp])[] = [
  ["open orders that do not settle are listed", (world) => (world.faults.ordersStay = true), "orders", /1 order is still open after 30s.*trade-9 {2}XAUTUSDT long partial \(live\)/s],
  ["a writer that a supervisor starts again", (world) => (world.faults.comesBack = "worker"), "stop", /the legacy worker \(process 12, .*\) runs after it was stopped/],
  ["somebody else who writes", (world) => (world.faults.strangerWrites = true), "quiet", /changed within 5s although worker and API are stopped \(trades: 4 -> 5 rows\)/],
  ["a damaged export", (world) => (world.faults.exportDamaged = true), "export", /trades\/documents\.jsonl line 2: its CRC is wrong/],
  ["an import that loses a row", (world) => (world.faults.importLoses = "trades"), "validate", /critical table trades: the snapshot has 2 rows, and Convex counts 1/],
  ["an import that turns 1 into 1.0", (world) => (world.faults.importChanges = "trades"), "compare", /trades: 0 added, 0 missing, 1 changed/],
  ["a process that comes up with the old address", (world) => { const { start } = world.host; Object.assign(world.host, { start: async (writers: never) => { await start(writers); world.faults.startsWithOldUrl = true; } }); }, "start", /was started and writes to http:\/\/127\.0\.0\.1:3210, not to/],
];

test.each(FROZEN)("%s", async (_, plant, at, message) => {
  const { message: said, step, world } = await stopped(plant);
  expect({ step, said }).toEqual({ step: at, said: expect.stringMatching(message) as string });
  if (at !== "start") expect({ url: world.state.files["backend/.env"].includes(NEW_URL), evidence: world.state.evidence.verdict }).toEqual({ url: false, evidence: undefined });
});

describe("a row that is changed in place after the export", () => {
  test("is seen before the evidence, although counts and runs are what they were", async () => {
    const { message, step, world } = await stopped((it) => (it.faults.changedInPlace = true));
    expect({ message, step }).toEqual({ message: expect.stringMatching(/trades: 0 added, 0 missing, 1 changed since the export \(t1 changed\)[\s\S]*gvfx data move undo; then gvfx data move/) as string, step: "evidence" });
    expect([world.state.evidence.verdict, world.disk.has("/moves/m1/legacy-again.zip")]).toEqual([undefined, true]);
  });

  test("is seen before the switch too, when that comes long after the evidence", async () => {
    const plant = (minutes: number): Plant => (world) => {
      const { setEvidence } = world.keys;
      Object.assign(world.keys, { setEvidence: async (evidence: never) => { await setEvidence(evidence); await world.clock.wait(minutes * 60_000, new AbortController().signal); world.faults.changedInPlace = true; } });
    };
    const late = await stopped(plant(20));
    expect([late.step, late.message]).toEqual(["switch", expect.stringContaining("1 changed since the export")]);
    expect(late.world.state.files["backend/.env"]).not.toContain(NEW_URL);
    // At once it is not exported a third time: each lengthens the freeze.
    expect((await stopped(plant(0))).message).toBe("it ended well");
  });
});

describe("an address that is another Convex on the legacy host", () => {
  const message = /what the legacy host finds at http:\/\/100\.64\.0\.11:3210 \(dataMove\.convexUrl\) is another Convex than the platform's, http:\/\/nomad: it has completed 1 imports, i9 among them.*getent hosts 100\.64\.0\.11; curl/;

  test("is seen before anything is changed, where it has other imports", async () => {
    expect(await problems((world) => (world.faults.hostSeesOther = true))).toEqual([expect.stringMatching(message)]);
  });

  test("is seen right after the import", async () => {
    const { step, message: said } = await stopped((world) => {
      const { importFrom } = world.target;
      Object.assign(world.target, { importFrom: async (file: string) => { await importFrom(file); world.faults.hostSeesOther = true; } });
    });
    expect([step, said]).toEqual(["validate", expect.stringMatching(message)]);
  });

  test("is seen before the switch, when the name has come to mean something else", async () => {
    const { step, message: said, world } = await stopped((it) => {
      const { setEvidence } = it.keys;
      Object.assign(it.keys, { setEvidence: async (evidence: never) => { await setEvidence(evidence); it.faults.hostSeesOther = true; } });
    });
    expect([step, said]).toEqual(["switch", expect.stringMatching(message)]);
    expect(world.state.files["backend/.env"]).not.toContain(NEW_URL);
  });

  test("is not told from the right one where neither shows an import", async () => {
    const { step, message: said } = await stopped((world) => {
      Object.assign(world, { importsFromHost: async () => [] });
      Object.assign(world.target, { imports: async () => [] });
    });
    expect([step, said]).toEqual(["validate", expect.stringMatching(/shows no import that it has completed/)]);
  });

  test("that refuses the key or does not answer is no proof", async () => {
    const { step, message: said } = await stopped((world) => {
      const { importFrom } = world.target;
      Object.assign(world.target, { importFrom: async (file: string) => { await importFrom(file); Object.assign(world, { importsFromHost: () => Promise.reject(new Error("it refuses the key (status 401)")) }); } });
    });
    expect([step, said]).toEqual(["validate", expect.stringMatching(/cannot show that http:\/\/100\.64\.0\.11:3210 .* is the platform's Convex: it refuses the key \(status 401\)/)]);
  });
});

test("CONVEX_URL is not changed when the evidence is not on record", async () => {
  const world = new FakeWorld();
  const { setEvidence } = world.keys;
  Object.assign(world.keys, { setEvidence: async () => setEvidence({ verdict: "fail", record: undefined }) });
  const { message, step } = await stopped(() => undefined, world);
  expect(step).toBe("switch");
  expect(message).toMatch(/its gate says fail.*CONVEX_URL is changed only after a validation that is on record/);
  expect(world.state.files["backend/.env"]).not.toContain(NEW_URL);
});

test("evidence of another move is not this move's", async () => {
  const world = new FakeWorld();
  const { evidence } = world.keys;
  let asked = 0;
  Object.assign(world.keys, { evidence: async () => (++asked > 3 ? { verdict: "pass", record: '{"move":"m0"}' } : evidence()) });
  expect((await stopped(() => undefined, world)).step).toBe("switch");
});

test("a worker that comes back between export and import is seen", async () => {
  const world = new FakeWorld();
  const { validate } = world.snapshots;
  Object.assign(world.snapshots, { validate: async (file: string) => { if (file.endsWith("legacy.zip")) world.state.running.worker = true; return validate(file); } });
  const { message, step } = await stopped(() => undefined, world);
  expect(step).toBe("export");
  expect(message).toMatch(/the legacy worker \(process 12, .*\) runs in the midst of the freeze/);
});

test("a kill switch that cannot be read stops the move, until somebody states that the app does not trade", async () => {
  const plant: Plant = (world) => (world.faults.tradingImpossible = "getAgentConfig requires TIMESCALE_RL_OPS_ENABLED=true; Convex fallback is disabled.");
  const { step, message } = await stopped(plant);
  expect(step).toBe("preflight");
  expect(message).toMatch(/the app's kill switch cannot be read \(getAgentConfig requires.*--app-cannot-trade/);
  const world = new FakeWorld();
  plant(world);
  await performMove(options(world, new MemoryJournal(world, false, true)));
  expect(world.said.join("\n")).toMatch(/there is no kill switch to throw: getAgentConfig requires/);
  expect(world.calls).not.toContain("api.setKillSwitch");
});

test("waiting for orders ends when the time of the environment is over", async () => {
  const world = new FakeWorld();
  world.faults.ordersStay = true;
  const journal = new MemoryJournal(world);
  await expect(performMove(options(world, journal, { settings: { ...SETTINGS, ordersWithin: Duration.parse("10s") } }))).rejects.toThrow(/after 10s/);
  expect(world.calls.filter((call) => call === "api.reconcile")).toHaveLength(3);
});
