import { readFileSync } from "node:fs";
import { program } from "./program";

/** A machine whose two clocks are set by hand, in milliseconds; the time since boot has hundredths of a second. */
function machine(boot = true) {
  let monotonic = 5_000;
  let suspended = 70_000;
  const clock = program.suspendAwareClock({ monotonic: () => monotonic, boot: () => (boot ? Math.floor((monotonic + suspended) / 10) * 10 : undefined) });
  return { clock, passes: (ms: number) => (monotonic += ms), sleeps: (ms: number) => (suspended += ms) };
}

test("counts what passes, as the monotonic clock does", () => {
  const { clock, passes } = machine();
  expect(clock()).toBe(0);
  passes(1_234.5);
  expect(clock()).toBeCloseTo(1_234.5);
});

test("counts a suspend, in which the monotonic clock stands still", () => {
  const { clock, passes, sleeps } = machine();
  passes(1_000);
  clock();
  sleeps(60_000);
  expect(clock()).toBeGreaterThanOrEqual(61_000 - 10);
  expect(clock()).toBeLessThanOrEqual(61_010);
});

test("the coarse clock's steps do not add up: however often it is asked, it runs as time does", () => {
  const { clock, passes } = machine();
  for (let i = 0; i < 100_000; i += 1) {
    passes(1);
    clock();
  }
  expect(clock()).toBeGreaterThanOrEqual(100_000);
  expect(clock()).toBeLessThanOrEqual(100_010);
});

test("never goes back", () => {
  const { clock, passes, sleeps } = machine();
  let before = clock();
  for (let i = 0; i < 2_000; i += 1) {
    passes(0.7);
    if (i % 100 === 0) sleeps(3);
    const now = clock();
    expect(now).toBeGreaterThanOrEqual(before);
    before = now;
  }
});

test("where the system does not tell the time since boot, the monotonic clock serves alone", () => {
  const { clock, passes } = machine(false);
  passes(500);
  expect(clock()).toBe(500);
});

const linux = process.platform === "linux";
(linux ? test : test.skip)(`on this machine it keeps pace with the time since boot${linux ? "" : " (not run: no /proc/uptime)"}`, async () => {
  const uptime = () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  const clock = program.suspendAwareClock();
  const [startedAt, start] = [uptime(), clock()];
  await new Promise((resolve) => setTimeout(resolve, 300));
  const wall = Date.now;
  Date.now = () => wall() + 3_600_000;
  const passed = clock() - start;
  Date.now = wall;
  expect(Math.abs(passed - (uptime() - startedAt))).toBeLessThan(25);
});
