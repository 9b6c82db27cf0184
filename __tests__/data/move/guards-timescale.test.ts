/** Guards of a move that takes the database of TIMESCALE_URL along, each with the defect planted that it is there for. */
import { performMove, undoMove } from "../../../scripts/data/move/mover";
import { lookAtEverything } from "../../../scripts/data/move/steps/preflight";
import { MemoryJournal, options, stopped } from "./drive";
import { FakeWorld, NEW_URL, SETTINGS } from "./fake-world";

describe("the database of TIMESCALE_URL", () => {
  const timescaleWorld = (): FakeWorld => {
    const world = new FakeWorld().withTimescale();
    world.state.files["backend/.env"] += "\nTIMESCALE_RL_OPS_ENABLED=true\nTIMESCALE_URL=postgres://old\n";
    return world;
  };

  test("is moved, compared and switched with the rest", async () => {
    const { message, world } = await stopped(() => undefined, timescaleWorld());
    expect(message).toBe("it ended well");
    expect(world.state.timescale.target).toEqual({ orders: ["o1"] });
    expect(world.state.files["backend/.env"]).toContain("\nTIMESCALE_URL=postgres://app:pw@100.64.0.11:5432/gvfx\n");
    expect(world.state.evidence.record).toContain('"timescale":{"tables":1,"rows":1}');
    expect(JSON.stringify([world.said, world.state.evidence])).not.toContain("app:pw");
  });

  describe("whose address another file sets than CONVEX_URL's", () => {
    const inAnotherFile = (): FakeWorld => {
      const world = new FakeWorld().withTimescale();
      world.state.files["backend/.env"] += "\nTIMESCALE_RL_OPS_ENABLED=true\n";
      world.state.files[".env.local"] = "# mine\nTIMESCALE_URL=postgres://old\n";
      return world;
    };

    test("is switched there, and goes back there", async () => {
      const world = inAnotherFile();
      const before = structuredClone(world.state.files);
      const journal = new MemoryJournal(world);
      await performMove(options(world, journal));
      expect(world.state.files[".env.local"]).toBe("# mine\nTIMESCALE_URL=postgres://app:pw@100.64.0.11:5432/gvfx\n");
      expect(world.state.files["backend/.env"]).toBe(before["backend/.env"].replace("'http://127.0.0.1:3210'", NEW_URL));
      await undoMove(options(world, journal), true);
      expect({ ...world.state.files }).toMatchObject(before);
    });

    test("is not taken for switched while a file that counts before it says otherwise", async () => {
      const { message, step } = await stopped((world) => {
        const { setEvidence } = world.keys;
        Object.assign(world.keys, { setEvidence: async (evidence: never) => { await setEvidence(evidence); world.state.files["backend/.env"] += "TIMESCALE_URL=postgres://s3cret\n"; } });
      }, inAnotherFile());
      expect({ message, step }).toEqual({ message: expect.stringMatching(/what counts of them \(backend\/\.env, \.env\.local, the first that sets a key\) is still TIMESCALE_URL=another address/) as string, step: "switch" });
      expect(message).not.toContain("s3cret");
    });

    test("is not taken for switched when its own file still gives the old one", async () => {
      const { message, step } = await stopped((world) => {
        const { replaceFile } = world.host;
        Object.assign(world.host, { replaceFile: async (path: string, text: string, how: never) => replaceFile(path, path === ".env.local" ? text.replace(/postgres:.*/, "postgres://old") : text, how) });
      }, inAnotherFile());
      expect({ message, step }).toEqual({ message: expect.stringMatching(/^\.env\.local was changed, and a shell still reads TIMESCALE_URL=another address from it/) as string, step: "switch" });
    });

    test("is seen in the processes that come up with the old one", async () => {
      const { message, step } = await stopped((world) => {
        const { start } = world.host;
        Object.assign(world.host, { start: async (writers: never) => { await start(writers); world.processVariables.TIMESCALE_URL = "postgres://old"; } });
      }, inAnotherFile());
      expect({ message, step }).toEqual({ message: expect.stringMatching(/the legacy worker was started and has another database in TIMESCALE_URL than the platform's: another file or its unit sets/) as string, step: "start" });
    });

    test("is seen to be back before the platform's database is emptied", async () => {
      const world = inAnotherFile();
      const journal = new MemoryJournal(world);
      await performMove(options(world, journal));
      const { start } = world.host;
      Object.assign(world.host, { start: async (writers: never) => { await start(writers); world.processVariables.TIMESCALE_URL = "postgres://app:pw@100.64.0.11:5432/gvfx"; } });
      await expect(undoMove(options(world, journal), true)).rejects.toThrow(/the legacy worker \(process 12\) has the platform's database in TIMESCALE_URL still[\s\S]*was not emptied/);
      expect(world.state.timescale.target).toEqual({ orders: ["o1"] });
    });

    test("whose file an undo does not set back is said", async () => {
      const world = inAnotherFile();
      const journal = new MemoryJournal(world);
      await performMove(options(world, journal));
      Object.assign(world.host, { replaceFile: async (path: string, text: string) => { if (path !== ".env.local") world.state.files[path] = text; } });
      await expect(undoMove(options(world, journal), true)).rejects.toThrow(/^\.env\.local on the legacy host was set back, and a shell still reads TIMESCALE_URL=another address/);
    });

    test("is another than a running process has, which is refused", async () => {
      const { message, step } = await stopped((world) => { world.processVariables.TIMESCALE_URL = "postgres://s3cret"; }, inAnotherFile());
      expect({ message, step }).toEqual({ message: expect.stringMatching(/^the running legacy worker and api have another database in TIMESCALE_URL than the env files give/) as string, step: "preflight" });
      expect(message).not.toContain("s3cret");
    });

    test("of none of the files is refused: it could not be switched", async () => {
      const { message, step } = await stopped((world) => { world.state.files[".env.local"] = "# none\n"; }, inAnotherFile());
      expect({ message, step }).toEqual({ message: expect.stringMatching(/none of its env files sets TIMESCALE_URL, so that it could not be changed/) as string, step: "preflight" });
    });
  });

  test("that is changed in place after the copy stops the move", async () => {
    const { message, step } = await stopped((world) => {
      const { closeRuns } = world.target;
      Object.assign(world.target, { closeRuns: async () => { world.state.timescale.source.orders = ["o1 filled"]; return closeRuns(); } });
    }, timescaleWorld());
    expect({ message, step }).toEqual({ message: expect.stringMatching(/the database of TIMESCALE_URL: orders: 1 rows before, 1 after, with other contents/) as string, step: "evidence" });
  });

  test("is kept in a file before a give-up drops it, and not dropped when it cannot be kept", async () => {
    const world = timescaleWorld();
    const journal = new MemoryJournal(world);
    await performMove(options(world, journal));
    world.state.timescale.target.orders = ["o1", "o2 of today"];
    const { keep } = world.timescale!;
    Object.assign(world.timescale!, { keep: async () => Promise.reject(new Error("no space left")) });
    await expect(undoMove(options(world, journal), true)).rejects.toThrow(/could not be kept \(no space left\), so that it is not dropped.*gvfx data move undo/);
    expect(world.state.timescale.target.orders).toEqual(["o1", "o2 of today"]);
    Object.assign(world.timescale!, { keep });
    await undoMove(options(world, journal), true);
    expect(world.disk.get("given-up-m1.dump")).toEqual({ orders: ["o1", "o2 of today"] });
    expect(world.state.timescale.target).toEqual({});
  });

  test("with other contents stops the move", async () => {
    const world = timescaleWorld();
    const { copy } = world.timescale!;
    Object.assign(world.timescale!, { copy: async () => { await copy(); world.state.timescale.target.orders = ["o2"]; } });
    const { message, step } = await stopped(() => undefined, world);
    expect({ message, step }).toEqual({ message: "orders: 1 rows before, 1 after, with other contents", step: "timescale" });
  });

  test("that preflight cannot use is said with all the rest", async () => {
    const world = timescaleWorld();
    Object.assign(world.timescale!, { check: async () => ["pg_dump is not on the legacy host"] });
    expect((await lookAtEverything({ world, settings: SETTINGS, options: { replaceEverything: false, appCannotTrade: false, app: "" } })).problems).toEqual(["pg_dump is not on the legacy host"]);
  });
});
