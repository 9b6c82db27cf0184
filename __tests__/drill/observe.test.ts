/** What is gathered of a run, and of the time between two: nobody looks away while a case is restored and the next one arranged. */
import { BetweenRuns } from "../../scripts/drill/between-runs";
import { observeLab, type ObservedSources } from "../../scripts/drill/observe";
import { TickRecord } from "../../scripts/drill/tick-record";

class Sources implements ObservedSources {
  now = 100_000;
  failing = false;
  readonly clock = { now: () => this.now, toWall: (at: number) => at, ofWall: (ms: number) => ms };
  readonly record = new TickRecord();
  readonly reader = { caughtUp: async () => undefined };
  readonly between = new BetweenRuns();
  readonly jobs = { allocations: async () => [], log: async () => undefined };
  readonly exchange = { connections: async () => [], orders: async () => ({ orders: [{ clientOrderId: "worker-gvfx-worker-7", at: this.now - 500, agent: "a" }], duplicates: [] }), repeatedRequests: async () => 0 };
  readonly database = {
    count: async () => {
      if (this.failing) throw new Error("no database");
      return { runs: 0, rows: 0 };
    },
  };
  readonly gateways = [];
  readonly token = "";
  readonly say = () => undefined;

  ran(instance: string, from: number, to: number): void {
    const lines = Array.from({ length: (to - from) / 100 + 1 }, (_, i) => `${i} ${from + i * 100}.0 1700000000000 ${instance}\n`).join("");
    this.record.take("server-1", `/alloc/a/alloc/data/ticks.gvfx-worker.${instance}.log`, lines);
  }

  /** A run that begins now and lasts 10 s. */
  async run(): Promise<{ overlapBeforeMs: number; workerOrders: readonly number[] }> {
    const observation = await observeLab(this);
    this.now += 10_000;
    return observation.end(this.now);
  }
}

test("two workers between two runs are seen by the second, those within one by that alone", async () => {
  const sources = new Sources();
  sources.between.end(sources.now);
  sources.ran("a", 90_000, 200_000);
  // Within the first run; after it, long before the next one; and within that.
  for (const [instance, from] of [["b", 105_000], ["c", 130_000], ["d", 185_000]] as const) sources.ran(instance, from, from + 900);
  sources.now = 101_000;
  expect(await sources.run()).toMatchObject({ overlapBeforeMs: 0, workerOrders: [110_500] });
  sources.now = 180_000;
  expect((await sources.run()).overlapBeforeMs).toBe(1_000);
  sources.now = 195_000;
  expect((await sources.run()).overlapBeforeMs).toBe(0);
});

test("the arrangement of the first run counts, and nothing from before the drill", async () => {
  const sources = new Sources();
  sources.ran("a", 90_000, 150_000);
  sources.ran("b", 95_000, 99_000);
  sources.ran("c", 103_000, 103_400);
  sources.between.end(sources.now);
  sources.now = 110_000;
  expect((await sources.run()).overlapBeforeMs).toBe(500);
});

test.each(["abandoned", "not to be gathered"])("what came before a run that is %s is judged with the next one", async (how) => {
  const sources = new Sources();
  sources.between.end(sources.now);
  sources.ran("a", 90_000, 200_000);
  sources.ran("b", 105_000, 105_900);
  sources.now = 120_000;
  const observation = await observeLab(sources);
  sources.now = 130_000;
  if (how === "abandoned") await observation.abandon();
  else {
    sources.failing = true;
    await expect(observation.end(sources.now)).rejects.toThrow("no database");
    sources.failing = false;
  }
  sources.now = 180_000;
  expect((await sources.run()).overlapBeforeMs).toBe(1_000);
});

test("lines that hide when a worker ran end it", async () => {
  const sources = new Sources();
  sources.record.take("server-1", "/alloc/a/alloc/data/ticks.gvfx-worker.a.log", "one\ntwo\n");
  await expect(sources.run()).rejects.toThrow(/2 in server-1:.*ticks\.gvfx-worker\.a\.log/);
});
