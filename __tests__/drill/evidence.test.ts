/** What the sources of a drill say, read: ticks, connections, orders, runs, logs, clocks. */
import { connectionsOf, countOrders, workerOrders } from "../../scripts/drill/exchange";
import { DrillClock } from "../../scripts/drill/clock";
import { countRuns } from "../../scripts/drill/database";
import { firstProcess } from "../../scripts/drill/lab-faults";
import { phasesOf } from "../../scripts/drill/phases";
import type { Stretch } from "../../scripts/drill/result";
import { policyOfFile, TickRecord } from "../../scripts/drill/tick-record";
import { tickFile } from "../../lab/doubles/backend/jobs/tick-log";

describe("ticks", () => {
  const path = (job: string, instance: string) => `/var/lib/nomad/alloc/a-1/alloc/data/${tickFile(job, instance)}`;
  const lines = (instance: string, from: number, to: number) => Array.from({ length: (to - from) / 100 + 1 }, (_, i) => `${i} ${(from + i * 100).toFixed(3)} ${1_700_000_000_000 + i} ${instance}\n`).join("");

  test("whose a file is, its name says, as the worker's double writes it", () => {
    expect(policyOfFile(path("gvfx-worker", "host/7/ab12"))).toBe("lease");
    expect(policyOfFile(path("gvfx-worker-plain", "host/7/ab12"))).toBe("plain");
    expect(policyOfFile(path("gvfx-api", "host/7/ab12"))).toBeUndefined();
    expect(policyOfFile(path("", "host/7/ab12"))).toBeUndefined();
  });

  test("stretches of both policies by node, in order, and who runs now", () => {
    const record = new TickRecord();
    record.take("server-1", path("gvfx-worker", "a/1/x"), lines("a/1/x", 1_000, 5_000));
    record.take("server-2", path("gvfx-worker", "b/1/x"), lines("b/1/x", 35_000, 36_000));
    record.take("server-2", path("gvfx-worker", "b/1/x"), lines("b/1/x", 36_100, 40_000));
    record.take("server-1", path("gvfx-worker-plain", "c/1/x"), lines("c/1/x", 1_000, 40_000));
    record.take("server-1", path("gvfx-api", "d/1/x"), lines("d/1/x", 1_000, 40_000));
    expect(record.stretches(0, 50_000).map(({ policy, instance, node, from, to }) => [policy, instance, node, from, to])).toEqual([
      ["lease", "a/1/x", "server-1", 1_000, 5_000],
      ["plain", "c/1/x", "server-1", 1_000, 40_000],
      ["lease", "b/1/x", "server-2", 35_000, 40_000],
    ]);
    expect(record.stretches(10_000, 30_000).map(({ instance }) => instance)).toEqual(["c/1/x"]);
    expect(record.running("lease", 40_900)).toEqual([{ policy: "lease", instance: "b/1/x", node: "server-2" }]);
    expect(record.running("lease", 41_001)).toEqual([]);
    // Of the newest tick, whichever file it is in.
    expect([record.wallAhead("lease"), new TickRecord().wallAhead("lease")]).toEqual([1_700_000_000_000 + 39 - 40_000, undefined]);
    record.forgetBefore(6_000);
    expect(record.stretches(0, 50_000).map(({ instance, from }) => [instance, from])).toEqual([["c/1/x", 6_000], ["b/1/x", 35_000]]);
  });
});

describe("lines that are no ticks", () => {
  const file = "/var/lib/nomad/alloc/a-1/alloc/data/ticks.gvfx-worker.host_7_ab.log";
  const tick = "1 1000.000 1700000000000 host/7/ab\n";

  test("one half line of a file is passed over; another one names the file and what it says, once", () => {
    const record = new TickRecord();
    record.take("server-1", file, `00.000 1700000000000 host/7/ab\n${tick}`);
    record.take("server-2", file, `half a\n${tick}`);
    record.checkReadable();
    record.take("server-2", file, `${tick}\u0000\u0000 nonsense\n`);
    // Its ticks are needed no more, what it hid is.
    record.forgetBefore(50_000);
    expect(() => record.checkReadable()).toThrow(/hide when a worker ran: 2 in server-2:.*ticks\.gvfx-worker\.host_7_ab\.log, the last one ".* nonsense"/);
    record.checkReadable();
    record.take("server-2", file, "more\n");
    expect(() => record.checkReadable()).toThrow(/3 in server-2/);
  });
});

describe("the exchange", () => {
  test("connections of others are none of the drill's", () => {
    const at = { openedAt: 1, heardAt: 2, closedAt: null };
    expect(connectionsOf([{ instance: "a", job: "gvfx-worker", ...at }, { instance: "b", job: "gvfx-worker-plain", ...at }, { instance: "l", job: "", ...at }, at])).toEqual([
      { policy: "lease", instance: "a", from: 1, heardAt: 2, closedAt: null },
      { policy: "plain", instance: "b", from: 1, heardAt: 2, closedAt: null },
    ]);
  });

  const stretch = (policy: Stretch["policy"], instance: string, from: number, to: number): Stretch => ({ policy, instance, node: "n", from, to, ticks: 1 });
  const stretches = [stretch("lease", "old", 0, 1_000), stretch("lease", "old", 61_000, 61_100), stretch("lease", "new", 33_000, 70_000), stretch("plain", "p1", 0, 70_000), stretch("plain", "p2", 20_000, 70_000)];
  const order = (clientOrderId: string, at: number, agent: string | null = null) => ({ clientOrderId, at, agent });
  const window = { from: 500, to: 70_000 };

  test("one that came twice counts, wherever it is from but of the plain policy's workers; what came outside of the case does not", () => {
    const orders = [order("gvfx-rl-1", 600), order("gvfx-rl-1", 700), order("gvfx-rl-0", 100), order("worker-gvfx-worker-7", 900, "old"), order("worker-gvfx-worker-plain-30", 30_000, "p1"), order("worker-gvfx-worker-plain-30", 30_001, "p2")];
    const duplicates = [{ clientOrderId: "gvfx-rl-1", count: 2 }, { clientOrderId: "gvfx-rl-0", count: 2 }, { clientOrderId: "worker-gvfx-worker-plain-30", count: 2 }];
    expect(countOrders({ orders, duplicates }, stretches, window, 0)).toEqual({ orders: 1, ordersSent: 3, ordersInOverlap: 0, plainOrders: 1 });
    expect(countOrders({ orders, duplicates }, stretches, window, 2).orders).toBe(3);
  });

  test("an order of a worker whose follower has begun counts, be it without a tick; the follower's own do not", () => {
    const orders = [order("worker-gvfx-worker-32", 32_900, "old"), order("worker-gvfx-worker-33", 33_000, "new"), order("worker-gvfx-worker-61", 61_050, "old"), order("worker-gvfx-worker-62", 62_000, "new"), order("worker-gvfx-worker-plain-40", 40_000, "p1")];
    expect(countOrders({ orders, duplicates: [] }, stretches, window, 0).ordersInOverlap).toBe(1);
    expect(workerOrders({ orders }, { from: 32_950, to: 61_050 })).toEqual([33_000, 61_050]);
  });
});

test("ingestion runs beside each other count, of workers of this case alone", () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
  const run = (instance: string, from: number, to: number, source_id: string | null = null) => ({ source_type: "bingx", source_id, feed: "ticker", instance, status: "succeeded", started_at: at(from), finished_at: at(to) });
  const runs = [run("a", 0, 10), run("b", 5, 15), run("earlier", 3_600, 3_610), run("earlier", 3_605, 3_612), run("a", 12, 14, "manual")];
  expect(countRuns(runs, new Set(["a", "b"]))).toBe(1);
  expect(countRuns(runs, new Set(["a"]))).toBe(0);
});

describe("logs of the wrapper", () => {
  const text = [
    '{"at":"2026-01-01T00:00:01.000Z","level":"info","event":"started","message":"worker lease 1"}',
    '{"at":"2026-01-01T00:00:02.000Z","level":"info","event":"phase","message":"standby -> acquiring","from":"standby","to":"acquiring","reason":null}',
    "2026-01-01T00:00:02.500Z worker double: version 1",
    '{"at":"2026-01-01T00:00:09.000Z","level":"warning","event":"phase","message":"active -> draining","from":"active","to":"draining","reason":"no renewal for 8000 ms"}',
    '{"at":"2026-01-01T00:00:09',
  ].join("\n");
  const wrapper = { node: "server-1", allocation: "aaaaaaaa-bbbb", text, whole: true };
  const onClock = (wall: number) => wall - Date.UTC(2026, 0, 1);

  test("phases with their stamps on the workers' clock; the worker's own lines and half a line are passed over", () => {
    expect(phasesOf(wrapper, onClock)).toEqual([
      { at: 1_000, node: "server-1", allocation: "aaaaaaaa", phase: "standby", reason: "starting" },
      { at: 2_000, node: "server-1", allocation: "aaaaaaaa", phase: "acquiring", reason: null },
      { at: 9_000, node: "server-1", allocation: "aaaaaaaa", phase: "draining", reason: "no renewal for 8000 ms" },
    ]);
  });

  test("of the end of a log, nothing is said of the beginning", () => expect(phasesOf({ ...wrapper, whole: false }, onClock)[0].phase).toBe("acquiring"));
});

describe("the process that is killed", () => {
  const INIT = "  100 /sbin/docker-init -- bun /local/worker-lease.mjs /local/lease.json -- bun run src/jobs/worker.ts";
  const WRAPPER = "  120 bun /local/worker-lease.mjs /local/lease.json -- bun run src/jobs/worker.ts";
  const WORKER = "  140 bun run src/jobs/worker.ts";
  test("is the wrapper where there is one, never the init, and the worker of the plain policy", () => {
    expect(firstProcess(["PID COMMAND", INIT, WRAPPER, WORKER])).toBe("120");
    expect(firstProcess(["PID COMMAND", "  100 /sbin/docker-init -- bun run src/jobs/worker.ts", WORKER])).toBe("140");
    expect(firstProcess(["PID COMMAND", INIT])).toBeUndefined();
  });
});

describe("the clock", () => {
  test("of one kernel is the workers' own; of another one, the best sample of it", () => {
    let here = 5_000;
    const clock = new DrillClock(() => here);
    clock.sameKernel(false);
    clock.sample(905_000 - 40);
    clock.sample(905_000 - 3);
    clock.sample(905_000 - 25);
    expect(clock.now()).toBe(904_997);
    clock.sameKernel(true);
    here = 6_000;
    expect(clock.now()).toBe(6_000);
  });

  test("goes to the wall and back", () => {
    const clock = new DrillClock(() => 5_000, () => 1_700_000_000_000);
    clock.sameKernel(true);
    expect(clock.ofWall(1_700_000_000_000)).toBe(5_000);
    expect(clock.ofWall(1_700_000_000_000 - 250)).toBe(4_750);
    expect(clock.toWall(5_100)).toBe(1_700_000_000_100);
  });
});
