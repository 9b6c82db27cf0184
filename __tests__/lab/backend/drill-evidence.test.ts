/** What a drill measures the worker's double by: its ticks and its orders. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecondOrders } from "../../../lab/doubles/backend/jobs/second-orders";
import { tickFile, tickFolder, TickLog } from "../../../lab/doubles/backend/jobs/tick-log";
import { backendSettings, breaches } from "../../../lab/doubles/backend/settings";
import { readTicks } from "../../../scripts/drill/analysis-ticks";
import { MINIMAL_ENV } from "./api-double";

describe("ticks", () => {
  const folder = mkdtempSync(join(tmpdir(), "ticks-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("each is on disk at once, as the drill reads it; a file of that name goes on", () => {
    let now = 1_000.5;
    const log = () => new TickLog(folder, "gvfx-worker", "host/7/ab12", () => now, () => 1_700_000_000_000);
    const first = log();
    first.tick();
    expect(readTicks(readFileSync(first.file, "utf8"))).toEqual({ ticks: [{ seq: 0, at: 1_000.5, wall: 1_700_000_000_000, instance: "host/7/ab12" }], unreadable: [] });
    first.close();
    now = 1_100.25;
    const second = log();
    second.tick();
    second.close();
    expect(readTicks(readFileSync(join(folder, tickFile("gvfx-worker", "host/7/ab12")), "utf8")).ticks.map(({ at }) => at)).toEqual([1_000.5, 1_100.25]);
  });

  test("where: its own key first, else the allocation's shared folder, else nowhere", () => {
    expect(tickFolder({ LAB_TICK_FOLDER: "/t", NOMAD_ALLOC_DIR: "/alloc" })).toBe("/t");
    expect(tickFolder({ NOMAD_ALLOC_DIR: "/alloc" })).toBe("/alloc/data");
    expect(tickFolder({})).toBeUndefined();
  });

  test("a folder that is not there is an error, which the worker survives", () => expect(() => new TickLog(join(folder, "none"), "", "i", () => 0, () => 0)).toThrow(/ENOENT/));
});

describe("orders of the worker", () => {
  class Market {
    readonly placed: string[] = [];
    broken = false;
    readonly quote = async <T>() => {
      if (this.broken) throw new Error("no answer");
      return {} as T;
    };
    readonly placeOrder = async ({ clientOrderId }: { clientOrderId: string }) => String(this.placed.push(clientOrderId));
  }
  const clock = { ms: 5_900 };
  const orders = (market: Market, job = "gvfx-worker") => new SecondOrders(market, job, () => clock.ms);

  test("one for each second that begins, none for the one in which the worker started", async () => {
    clock.ms = 5_900;
    const market = new Market();
    const worker = orders(market);
    for (; clock.ms < 8_100; clock.ms += 100) await worker.step();
    expect(market.placed).toEqual(["worker-gvfx-worker-6", "worker-gvfx-worker-7", "worker-gvfx-worker-8"]);
  });

  test("two workers of a job place the same one; a second that failed is not tried again", async () => {
    clock.ms = 5_900;
    const market = new Market();
    const [a, b] = [orders(market), orders(market)];
    clock.ms = 6_000;
    await a.step();
    await b.step();
    expect(market.placed).toEqual(["worker-gvfx-worker-6", "worker-gvfx-worker-6"]);
    market.broken = true;
    clock.ms = 7_000;
    await a.step();
    market.broken = false;
    await a.step();
    expect([market.placed.length, a.failures]).toEqual([2, 1]);
  });
});

test("a worker without a sink says so in its settings; anything else is a breach", () => {
  expect(backendSettings("worker", { ...MINIMAL_ENV, LAB_SINK: "none" }).sink).toBe("none");
  expect(backendSettings("worker", MINIMAL_ENV).sink).toBe("convex");
  expect(breaches("worker", { ...MINIMAL_ENV, LAB_SINK: "file" })).toEqual([expect.stringMatching(/^LAB_SINK /)]);
});
