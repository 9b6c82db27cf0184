import fc from "../../properties";
import { performMove, situationOf, thawBegan, undoMove } from "../../../scripts/data/move/mover";
import { PLAN } from "../../../scripts/data/move/plan";
import { MemoryJournal, moveThroughDeath, options, revive, undoThroughDeath } from "./drive";
import { FakeWorld, Killed, KEPT_LINE, NEW_URL } from "./fake-world";

async function moved(): Promise<{ world: FakeWorld; journal: MemoryJournal }> {
  const world = new FakeWorld();
  const journal = new MemoryJournal(world);
  await performMove(options(world, journal));
  return { world, journal };
}

/** How the world is without anybody's worker: its rows depend on how long everything took. */
function settled(world: FakeWorld): unknown {
  const essence = world.essence() as { target: { rows: Record<string, string[]> }; source: { rows: Record<string, string[]> }; evidence: { record?: string } };
  for (const { rows } of [essence.target, essence.source]) if (rows.ingestion_runs) rows.ingestion_runs = rows.ingestion_runs.filter((run) => run < "2026-02");
  if (essence.evidence.record) essence.evidence.record = "(times)";
  return essence;
}

test("a move ends with the data in the new Convex, the legacy processes on it, and everything else as it was", async () => {
  const { world, journal } = await moved();
  expect(situationOf(journal.entries()).state).toBe("finished");
  const { state } = world;
  expect(state.target.rows.trades).toEqual(["t1", "t2"]);
  expect(state.target.rows._storage).toEqual(["file1"]);
  expect(state.target.rows.ingestion_runs.slice(0, 2)).toEqual(["2026-01-01T00:00:00.000Z done", "2026-01-01T00:01:00.000Z failed"]);
  expect(state.target.variables).toEqual({ MODEL_KEY: "s3cret-of-convex" });
  expect(state.target.functions).toBe("v2");
  expect(state.running).toEqual({ worker: true, api: true });
  expect(state.files["backend/.env"]).toBe(KEPT_LINE.replace("'http://127.0.0.1:3210'", NEW_URL));
  expect(state.files["backend/.env.before-move-m1"]).toBe(KEPT_LINE);
  expect(state.evidence.verdict).toBe("pass");
  const record = JSON.parse(state.evidence.record!) as { move: string; criticalTables: object; freeze: { stoppedSeconds: number; haltedSeconds: number }; compared: object };
  // A run began while orders were waited for.
  expect(record).toMatchObject({ move: "m1", criticalTables: { trades: 2 }, compared: { tables: 2, documents: 5, files: 1 } });
  expect(record.freeze.stoppedSeconds).toBeGreaterThan(0);
  expect(record.freeze.haltedSeconds).toBeGreaterThan(record.freeze.stoppedSeconds);
});

test("nothing secret is in the journal, in what was said, or in Consul", async () => {
  const { world, journal } = await moved();
  const told = JSON.stringify([journal.lines, world.said, world.state.evidence]);
  expect(told).not.toContain("s3cret-of-convex");
  expect(told).not.toContain("t0p-secret");
});

test("trading halts before orders are reconciled, the worker stops before the API, and nothing is exported before both are seen dead", async () => {
  const { world } = await moved();
  const at = (call: string): number => world.calls.indexOf(call);
  expect(at("api.setKillSwitch")).toBeLessThan(at("api.reconcile"));
  expect(at("api.reconcile")).toBeLessThan(at("host.stop"));
  expect(at("host.stop")).toBeLessThan(at("legacy.exportTo"));
  expect(at("keys.setEvidence")).toBeLessThan(at("host.replaceFile"));
  expect(at("host.replaceFile")).toBeLessThan(at("host.start"));
});

describe("whoever is killed takes it up again", () => {
  let ENTRIES = 0;
  let CALLS = 0;
  let end: unknown;
  beforeAll(async () => {
    const { world, journal } = await moved();
    [ENTRIES, CALLS, end] = [journal.lines.length, world.calls.length, settled(world)];
  });

  test("after any entry of the journal, with the same end", async () => {
    for (let entry = 1; entry < ENTRIES; entry++) {
      const world = new FakeWorld();
        const journal = new MemoryJournal(world);
      journal.dieAfter = entry;
      await moveThroughDeath(world, journal);
      expect({ entry, end: settled(world) }).toEqual({ entry, end });
    }
  });

  test("before or after any call, with the same end", async () => {
    for (let call = 1; call <= CALLS; call++) {
      for (const after of [false, true]) {
        const world = new FakeWorld();
        const journal = new MemoryJournal(world);
        world.killAt = { call, after };
        await moveThroughDeath(world, journal);
        expect({ call: world.calls[call - 1], end: settled(world) }).toEqual({ call: world.calls[call - 1], end });
      }
    }
  });

  test("an undo from any point before the thaw gives the start, killed itself or not", async () => {
    const start = settled(new FakeWorld());
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: CALLS }), fc.boolean(), fc.option(fc.integer({ min: 1, max: 40 })), fc.boolean(), async (call, after, undoDies, undoAfter) => {
        const world = new FakeWorld();
        const journal = new MemoryJournal(world);
        world.killAt = { call, after };
        await performMove(options(world, journal)).catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
        });
        fc.pre(!thawBegan(situationOf(journal.entries())));
        revive(world, journal);
        world.killAt = undoDies === null ? undefined : { call: world.calls.length + undoDies, after: undoAfter };
        await undoThroughDeath(world, journal);
        expect(settled(world)).toEqual(start);
      }),
      { numRuns: 100 },
    );
  });

  test("after any entry before the thaw, likewise", async () => {
    const start = settled(new FakeWorld());
    for (let entry = 1; entry < ENTRIES; entry++) {
      const world = new FakeWorld();
        const journal = new MemoryJournal(world);
      journal.dieAfter = entry;
      await performMove(options(world, journal)).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      if (thawBegan(situationOf(journal.entries()))) continue;
      revive(world, journal);
      await undoMove(options(world, journal), false);
      expect({ entry, state: settled(world) }).toEqual({ entry, state: start });
    }
  });
});

test("what the target held comes back with the undo", async () => {
  const world = new FakeWorld();
  world.state.target.rows = { old: ["o1", "o2"] };
  const journal = new MemoryJournal(world, true);
  world.faults.importChanges = "trades";
  await expect(performMove(options(world, journal))).rejects.toThrow(/trades: 0 added, 0 missing, 1 changed by the import/);
  await undoMove(options(world, journal), false);
  expect(world.state.target.rows).toEqual({ old: ["o1", "o2"] });
});

test("after the thaw an undo is refused, unless what was written since is given up", async () => {
  const world = new FakeWorld();
  world.faults.workerWritesNothing = true;
  const journal = new MemoryJournal(world);
  await expect(performMove(options(world, journal))).rejects.toThrow(/no ingestion run has begun in the platform's Convex within 1m of the thaw/);
  await expect(undoMove(options(world, journal), false)).rejects.toThrow(/the thaw has begun.*gvfx data move --resume.*--give-up-new-writes/);
  expect(situationOf(journal.entries()).state).toBe("open");
  await undoMove(options(world, journal), true);
  expect(settled(world)).toEqual(settled(new FakeWorld()));
  expect(world.disk.get("/moves/m1/given-up.zip")?.trades).toEqual(["t1", "t2"]);
});

test("a finished move goes back likewise, killed on the way or not, and what was written since is in a file", async () => {
  const { world: whole, journal: done } = await moved();
  const calls = whole.calls.length;
  await undoMove(options(whole, done), true);
  const start = settled(new FakeWorld());
  expect(settled(whole)).toEqual(start);
  for (let call = calls + 1; call <= whole.calls.length; call++) {
    const { world, journal } = await moved();
    const written = world.state.target.rows.ingestion_runs.length;
    world.killAt = { call, after: true };
    await undoThroughDeath(world, journal, true);
    expect({ call, state: settled(world) }).toEqual({ call, state: start });
    expect(world.disk.get("/moves/m1/given-up.zip")?.ingestion_runs).toHaveLength(written);
  }
});

test("an interrupt ends between two steps, with the journal at what is true", async () => {
  const [world, stop] = [new FakeWorld(), new AbortController()];
  const journal = new MemoryJournal(world);
  const said = (line: string): void => void (line.includes("Announce") && stop.abort());
  await expect(performMove(options(world, journal, { signal: stop.signal, say: said }))).rejects.toThrow(/abort/i);
  expect(situationOf(journal.entries()).done.has("announce")).toBe(true);
  expect(world.state.running).toEqual({ worker: true, api: true });
});

test("each step's name is its own, and freezing and thawing are in one piece each", () => {
  expect(new Set(PLAN.map(({ id }) => id)).size).toBe(PLAN.length);
  expect(PLAN.map(({ phase }) => phase).join(" ")).toMatch(/^(prepare ?)+(freeze ?)+(thaw ?)+$/);
});
