import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEnvironment } from "../../environments/load";
import { acceptanceCommands } from "../../scripts/acceptance/command";
import { compared, measure, percentile, type Baseline, type Workload } from "../../scripts/acceptance/perf";
import { verdictOf } from "../../scripts/acceptance/result";

const signal = new AbortController().signal;
const env = loadEnvironment("production");

/** A request takes so long by a clock of its own. */
function workload(id: string, ms: () => number, clock: { time: number }): Workload {
  return { id, title: id, once: () => Promise.resolve(void (clock.time += ms())) };
}
const baseline = (p95: number): Baseline => ({ version: 1, environment: "production", side: "legacy", at: "2026-01-01T12:00:00.000Z", shape: { concurrency: 1, iterations: 20 }, workloads: [{ id: "read", p50: p95 / 2, p95, perSecond: 10, failed: 0 }] });

test("nearest rank: of 20 the 95th percentile is the 19th", () => {
  const twenty = Array.from({ length: 20 }, (_, index) => index + 1);
  expect([percentile(twenty, 50), percentile(twenty, 95), percentile([7], 95), percentile([], 95)]).toEqual([10, 19, 7, 0]);
});

test("median, 95th percentile and rate, without the first request of each asker; what fails is counted and not timed", async () => {
  const clock = { time: 0 };
  let number = 0;
  // 500 ms for the connection, then 10 ms, and one of twenty 100 ms.
  const slow = workload("read", () => [500][number++] ?? (number === 11 ? 100 : 10), clock);
  expect(await measure([slow], { concurrency: 1, iterations: 20 }, { now: () => clock.time, signal, say: () => undefined })).toEqual([{ id: "read", p50: 10, p95: 10, perSecond: expect.closeTo(20_000 / 790, 1), failed: 0 }]);
  const failing: Workload = { id: "read", title: "read", once: () => Promise.reject(new Error("500")) };
  expect(await measure([failing], { concurrency: 2, iterations: 6 }, { now: () => 0, signal, say: () => undefined })).toMatchObject([{ failed: 6, p95: 0 }]);
});

describe("compared with a baseline", () => {
  const measured = [{ id: "read", p50: 10, p95: 30, perSecond: 50, failed: 0 }];
  const asked = [workload("read", () => 0, { time: 0 })];

  test("within the ratio it passes, at each side of it; planted: slower fails with both numbers", () => {
    expect(verdictOf(compared(asked, measured, baseline(20), 1.5, "record one").checks)).toBe("pass");
    const slower = compared(asked, measured, baseline(19.9), 1.5, "record one");
    expect(slower.checks[0].outcome).toMatchObject({ verdict: "fail", detail: "30.0 ms are 1.51 times the baseline's 19.9 ms, and 1.5 are allowed" });
    expect(slower.figures!.at(-1)).toMatchObject({ unit: "ratio", atMost: 1.5 });
  });

  test("without a baseline nothing is proven; with failures the rest does not matter", () => {
    expect(compared(asked, measured, undefined, 1.5, "record one").checks[0].outcome).toMatchObject({ verdict: "inconclusive", mend: "record one" });
    expect(compared(asked, [{ ...measured[0], failed: 1 }], baseline(100), 1.5, "record one").checks[0].outcome).toMatchObject({ verdict: "fail", detail: "1 requests failed" });
  });
});

test("recorded on one side, compared on the other; a file that is no baseline is refused", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-perf-"));
  const file = join(folder, "perf-baseline.json");
  const perf = async (...args: string[]) => {
    const out: string[] = [];
    const command = acceptanceCommands(() => env, { variables: {}, write: (text) => out.push(text), complain: (text) => out.push(text), workloads: () => Promise.resolve([{ id: "read", title: "read", once: () => new Promise((resolve) => setTimeout(resolve, 1)) }]), baseline: () => file, save: () => "report.html", now: () => new Date("2026-01-01T12:00:00.000Z") }).find((it) => it.name() === "perf")!;
    process.exitCode = undefined;
    await command.parseAsync(args, { from: "user" });
    const status = Number(process.exitCode ?? 0);
    process.exitCode = undefined;
    return { status, out: out.join("\n") };
  };
  try {
    expect(await perf()).toMatchObject({ status: 3, out: expect.stringContaining("npm run gvfx -- perf --side legacy --record") });
    expect(await perf("--side", "legacy", "--record")).toMatchObject({ status: 0 });
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ side: "legacy", workloads: [{ id: "read" }] });
    writeFileSync(file, readFileSync(file, "utf8").replace(/"p95": [\d.]+/, '"p95": 0.001'));
    expect(await perf()).toMatchObject({ status: 1, out: expect.stringContaining("times the baseline's 0.0 ms") });
    writeFileSync(file, "{}");
    expect(await perf()).toMatchObject({ status: 2, out: expect.stringContaining("holds no baseline") });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
