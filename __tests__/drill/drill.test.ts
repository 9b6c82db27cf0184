/** A whole drill: its order, what is kept, and how one goes on that was interrupted. */
import { mkdtempSync, rmSync, writeFileSync, existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEnvironment } from "../../environments/load";
import { CASES, casesNamed } from "../../scripts/drill/cases";
import { drillCommand } from "../../scripts/drill/command";
import { runDrill } from "../../scripts/drill/drill";
import { drillProgress } from "../../scripts/drill/progress";
import { passed, type DrillReport } from "../../scripts/drill/result";
import { ResultFolder } from "../../scripts/drill/result-folder";
import { drillSingleton } from "../../scripts/drill/singleton";
import { SceneDouble } from "./scene-double";

const env = loadEnvironment("lab");
const cases = casesNamed(["node-killed", "redeploy"]);
const empty: DrillReport = { createdAt: "2026-01-01T00:00:00.000Z", commit: "c", settings: { environment: "lab", cases: cases.map(({ id }) => id), repetitions: 2, values: {} }, machine: { cores: 2, memoryBytes: 1, kernel: "k", engine: "e" }, runs: [], notRun: [] };

function drill(scene: SceneDouble, begun = empty) {
  const kept: DrillReport[] = [];
  const lines: string[] = [];
  const progress = drillProgress({ terminal: false, write: (line) => lines.push(line), clock: () => scene.time });
  return { kept, lines, done: runDrill(begun, { cases, repetitions: 2, scene, progress, keep: (report) => kept.push(report), today: () => new Date(0) }) };
}
const order = ({ runs }: DrillReport) => runs.map(({ caseId, repetition }) => `${caseId} ${repetition}`);
const scene = () => Object.assign(new SceneDouble(), { replacedAfterMs: 2_000 });

test("one repetition of all cases before the next, each kept as soon as it is there, told with its time", async () => {
  const { kept, lines, done } = drill(scene());
  expect(order(await done)).toEqual(["node-killed 1", "redeploy 1", "node-killed 2", "redeploy 2"]);
  expect(kept.slice(0, 2).map(({ runs }) => runs.length)).toEqual([1, 2]);
  expect(lines[0]).toMatch(/^\[ +0 s\] 1\/4 node-killed \(1 of 2\): worker's node killed \.\.\.$/);
  expect(lines.join("\n")).toMatch(/\[ +\d+ s\] held {3}1\/4 node-killed[^]* {10}lease twice for 0\.0 s, none for 2\.0 s; plain twice for 0\.0 s, none for 0\.0 s/);
});

test("interrupted in its second run, it says what was not run, and goes on there", async () => {
  const lab = scene();
  lab.interruptedAt = lab.time + 20_000;
  const broken = await drill(lab).done;
  expect(order(broken)).toEqual(["node-killed 1"]);
  expect(broken.notRun).toHaveLength(3);
  const whole = await drill(lab, broken).done;
  expect(order(whole)).toEqual(["node-killed 1", "redeploy 1", "node-killed 2", "redeploy 2"]);
  expect(whole.notRun).toEqual([]);
});

test("a run that proved nothing is told so, does not end the drill, and is run again", async () => {
  const lab = scene();
  lab.failsIn = "observe";
  const { done, lines } = drill(lab);
  const first = await done;
  expect(first.runs.map(({ error }) => error)).toEqual(["no token", "no token", "no token", "no token"]);
  expect(lines.join("\n")).toContain("FAILED 1/4 node-killed");
  lab.failsIn = undefined;
  const second = await drill(lab, first).done;
  expect([second.runs.length, second.runs.every(passed)]).toEqual([4, true]);
  // That they broke off stays known, and adds up.
  expect(second.brokeOff!.map(({ caseId, repetition, error }) => `${caseId} ${repetition}: ${error}`)).toEqual(["node-killed 1", "redeploy 1", "node-killed 2", "redeploy 2"].map((run) => `${run}: no token`));
  const third = await drill(lab, { ...second, runs: [{ ...second.runs[0], error: "no engine" }, ...second.runs.slice(1)] }).done;
  expect(third.brokeOff!.map(({ error }) => error)).toEqual(["no token", "no token", "no token", "no token", "no engine"]);
});

test("at a terminal the last line lives: it says what happened last, and leaves nothing behind", () => {
  const raw: string[] = [];
  const lines: string[] = [];
  let now = 0;
  const progress = drillProgress({ terminal: true, write: (line) => lines.push(line), writeRaw: (text) => raw.push(text), columns: 60, clock: () => now });
  progress.begin("1/4 node-killed");
  now = 5_000;
  progress.say("server-1: killed");
  expect(raw.at(-1)).toBe("\r\u001b[2K[    5 s] 1/4 node-killed, 5 s: server-1: killed");
  progress.end("lease", false);
  expect(lines).toEqual(["[    5 s] FAILED 1/4 node-killed (5 s)\n          lease"]);
  progress.close();
  expect(raw.at(-1)).toBe("\r\u001b[2K");
});

describe("results", () => {
  let parent: string;
  beforeEach(() => (parent = mkdtempSync(join(tmpdir(), "gvfx-drill-"))));
  afterEach(() => rmSync(parent, { recursive: true }));

  test("are kept whole or not at all; the newest drill is the one that goes on", () => {
    expect(() => ResultFolder.newest(parent)).toThrow(/no drill/);
    const [first, second] = ["2026-01-01T10:00:00.000Z", "2026-01-02T09:00:00.000Z"].map((at) => ResultFolder.begin(at, parent));
    second.write({ ...empty, commit: "two" });
    first.write(empty);
    writeFileSync(join(first.path, "result.json.new"), "{ half of a");
    expect(first.read().commit).toBe("c");
    expect(ResultFolder.newest(parent).read().commit).toBe("two");
    expect(() => new ResultFolder(parent).read()).toThrow(/holds no drill/);
  });

  test("a drill writes both reports, gives the lab back, and goes on with the cases that it began with", async () => {
    const lab = scene();
    lab.interruptedAt = lab.time + 20_000;
    let closed = 0;
    const open = async () => ({ scene: lab, close: async () => void (closed += 1), engineVersion: "28" });
    const progress = drillProgress({ terminal: false, write: () => undefined });
    const options = { cases, repetitions: 1, progress, signal: new AbortController().signal, open, parent };
    const begun = await drillSingleton(env, env.lab!, options);
    expect([begun.report.runs.length, begun.report.notRun.length, closed]).toEqual([1, 1, 1]);
    expect(begun.report.settings.values).toMatchObject({ "lease.ttl": "10s", "nomad.minHeartbeatTtl": "5s" });
    const whole = await drillSingleton(env, env.lab!, { ...options, cases: CASES, goOn: "its" });
    expect([whole.folder, order(whole.report), closed]).toEqual([begun.folder, ["node-killed 1", "redeploy 1"], 2]);
    expect(readFileSync(join(whole.folder, "report.html"), "utf8")).toContain("worker&#39;s node killed");
    expect(existsSync(join(whole.folder, "report.json"))).toBe(true);
    // One case more often than it was asked for at first, beside what is there.
    const more = await drillSingleton(env, env.lab!, { ...options, cases: casesNamed(["redeploy"]), repetitions: 3, goOn: "these" });
    expect([more.folder, order(more.report), more.report.settings.repetitions]).toEqual([begun.folder, ["node-killed 1", "redeploy 1", "redeploy 2", "redeploy 3"], 1]);
  });

  test("a lab that cannot be had ends it before anything is written", async () => {
    const progress = drillProgress({ terminal: false, write: () => undefined });
    const open = async () => Promise.reject(new Error("the lab is not up"));
    await expect(drillSingleton(env, env.lab!, { cases, repetitions: 1, progress, signal: new AbortController().signal, open, parent })).rejects.toThrow("the lab is not up");
    expect(() => ResultFolder.newest(parent)).toThrow();
  });
});

describe("the command", () => {
  const finished = (runs: DrillReport["runs"], more: Partial<DrillReport> = {}) => async (..._args: Parameters<typeof drillSingleton>) => ({ report: { ...empty, runs, ...more }, folder: "f" });
  async function call(args: string[], done: typeof drillSingleton): Promise<{ said: string[]; status: typeof process.exitCode }> {
    const said: string[] = [];
    const before = process.exitCode;
    const command = drillCommand({ variables: { CI: "1" }, write: (text) => said.push(text), terminal: false, drill: done });
    for (const one of [command, ...command.commands]) one.exitOverride().configureOutput({ writeErr: () => undefined });
    try {
      await command.parseAsync(["singleton", ...args], { from: "user" });
      return { said, status: process.exitCode };
    } finally {
      process.exitCode = before;
    }
  }

  test("exit status 0 takes runs that are all as expected, and at least one", async () => {
    const { runs } = await drill(scene()).done;
    const good = await call([], finished(runs));
    expect([good.status, good.said.join()]).toEqual([0, expect.stringContaining("4 of 4 runs are as expected: f/report.html")]);
    const [{ caseId, title, repetition, startedAt }] = runs;
    expect((await call([], finished(runs, { brokeOff: [{ caseId, title, repetition, startedAt, error: "x" }] }))).said.join()).toContain("4 of 4 runs are as expected, 1 broke off before: f/");
    expect((await call([], finished([]))).status).toBe(1);
    expect((await call([], finished([{ ...runs[0], error: "x" }, runs[1]]))).status).toBe(1);
  });

  test("cases are chosen, long ones left out and named as such", async () => {
    const asked: string[][] = [];
    const note = async (...[, , options]: Parameters<typeof drillSingleton>) => {
      asked.push(options.cases.map(({ id }) => id), (options.leftOut ?? []).map(({ id }) => id));
      return { report: empty, folder: "f" };
    };
    await call(["--cases", "partition-90,drain", "--skip-long"], note);
    expect(asked).toEqual([["drain"], ["partition-90"]]);
    await expect(call(["--cases", "drain,nothing"], note)).rejects.toThrow(/no case named nothing.*node-killed/);
    await expect(call(["--cases", "partition-300", "--skip-long"], note)).rejects.toThrow(/all cases that were asked for are long/);
    await expect(call(["--repeat", "0"], note)).rejects.toThrow(/whole number above 0/);
  });
});
