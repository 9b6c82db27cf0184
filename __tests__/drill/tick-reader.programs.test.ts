/** The program that reads ticks in a node, run here: python3 on a folder that looks like Nomad's. */
import { spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DrillClock } from "../../scripts/drill/clock";
import { TickReader } from "../../scripts/drill/tick-reader";
import { TickRecord } from "../../scripts/drill/tick-record";
import { Engine } from "../../scripts/lab/engine";
import type { Machine } from "../../scripts/lab/machines";

const hasPython = spawnSync("python3", ["--version"], { stdio: "ignore" }).status === 0;
const describeWithPython = hasPython ? describe : describe.skip;

describeWithPython("reading ticks in a node (needs python3)", () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-ticks-"));
  const data = join(folder, "alloc", "a-1", "alloc", "data");
  const file = join(data, "ticks.gvfx-worker.host_7_ab.log");
  const tick = (seq: number) => `${seq} ${(1_000_000 + seq * 100).toFixed(3)} 1700000000000 host/7/ab\n`;
  // Stands for `docker exec -i <container> ...`: runs the rest here.
  const shim = join(folder, "engine");
  const pidFile = join(folder, "pid");
  const node: Machine = { name: "server-1", container: "c", address: "100.127.0.11", role: "node", published: [] };
  let reader: TickReader;

  beforeAll(() => {
    mkdirSync(data, { recursive: true });
    writeFileSync(shim, `#!/bin/sh\nshift 3\necho $$ > ${pidFile}\nexec "$@"\n`);
    chmodSync(shim, 0o755);
  });
  afterEach(() => reader.close());
  afterAll(() => rmSync(folder, { recursive: true }));

  test("whole lines as they come, half a line when it is whole, of an old file its end alone; and it knows when it has read all", async () => {
    writeFileSync(file, Array.from({ length: 1_000 }, (_, i) => tick(i)).join(""));
    const record = new TickRecord();
    const clock = new DrillClock();
    reader = new TickReader({ engine: new Engine([shim]), nodes: [node], dataDir: folder, record, clock });
    reader.start();
    await reader.caughtUp();
    const [old] = record.stretches(0, Infinity);
    expect(old.to).toBe(1_000_000 + 999 * 100);
    expect(old.ticks).toBeGreaterThan(100);
    expect(old.ticks).toBeLessThan(300);
    appendFileSync(file, tick(1_000) + tick(1_001).slice(0, 10));
    await reader.caughtUp();
    expect(record.stretches(0, Infinity)[0].to).toBe(1_000_000 + 1_000 * 100);
    appendFileSync(file, tick(1_001).slice(10));
    writeFileSync(join(data, "ticks.gvfx-worker.host_8_cd.log"), tick(5).replace("host/7/ab", "host/8/cd"));
    await reader.caughtUp();
    expect(record.stretches(0, Infinity).map(({ instance, to }) => [instance, to]).sort()).toEqual([["host/7/ab", 1_100_100], ["host/8/cd", 1_000_501]]);
    // One kernel here: the clocks are one.
    expect(Math.abs(clock.now() - Number(process.hrtime.bigint()) / 1e6)).toBeLessThan(5);
  });

  test("however many files there are, a reader that begins again goes on where it was", async () => {
    // Beyond what one argument of a program holds.
    const many = Array.from({ length: 900 }, (_, i) => `ticks.gvfx-worker.host_${i}_${"x".repeat(120)}.log`);
    const crowd = join(folder, "alloc", "a-2", "alloc", "data");
    mkdirSync(crowd, { recursive: true });
    for (const name of many) writeFileSync(join(crowd, name), tick(1).replace("host/7/ab", name));
    const record = new TickRecord();
    reader = new TickReader({ engine: new Engine([shim]), nodes: [node], dataDir: folder, record, clock: new DrillClock() });
    reader.start();
    await reader.caughtUp();
    const began = readFileSync(pidFile, "utf8");
    process.kill(Number(began));
    appendFileSync(join(crowd, many[0]), tick(2).replace("host/7/ab", many[0]));
    while (readFileSync(pidFile, "utf8") === began) await pause(50);
    await reader.caughtUp();
    const ticks = record.stretches(0, Infinity).filter(({ instance }) => many.includes(instance)).map((it) => it.ticks);
    expect([ticks.length, Math.max(...ticks), ticks.reduce((sum, one) => sum + one)]).toEqual([900, 2, 901]);
    rmSync(crowd, { recursive: true });
  });

  test("a node that is not to be read is told, for nobody knows what ran there", async () => {
    reader = new TickReader({ engine: new Engine([shim]), nodes: [{ ...node, name: "server-2" }], dataDir: folder, record: new TickRecord(), clock: new DrillClock() });
    jest.spyOn(Date, "now").mockImplementation((() => {
      let now = 0;
      return () => (now += 20_000);
    })());
    await expect(reader.caughtUp()).rejects.toThrow(/ticks on server-2 cannot be read/);
    jest.restoreAllMocks();
  });
});
