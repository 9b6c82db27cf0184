/** `gvfx cutover` over the doubles of ledger and world: what it says, what it leaves, and its exit status. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEnvironment } from "../../environments/load";
import { cutoverSettings } from "../../scripts/cutover/settings";
import { cutoverCommand } from "../../scripts/cutover/command";
import { FakeWorld } from "./fake-world";
import { MemoryLedger } from "./memory-ledger";

const env = loadEnvironment("production");
let folder: string;
let ledger: MemoryLedger;
let world: FakeWorld;
let dataMove: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-cutover-"));
  [ledger, world, dataMove] = [new MemoryLedger(), new FakeWorld(), "pass"];
});
afterEach(() => rmSync(folder, { recursive: true }));

async function cutover(...args: string[]): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  const [out, err]: string[][] = [[], []];
  const command = cutoverCommand(() => env, { variables: {}, write: (text) => out.push(text), complain: (text) => err.push(text), now: () => new Date(world.now), open: () => ({ ledger, settings: cutoverSettings(env), dataMove: () => Promise.resolve(dataMove), world: () => world }) });
  for (const sub of command.commands) sub.exitOverride().configureOutput({ writeErr: () => undefined });
  process.exitCode = undefined;
  await command.parseAsync(args, { from: "user" });
  const status = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return { status, out: out.join("\n"), err: err.join("\n") };
}

test("there and back, with status in between", async () => {
  expect(await cutover("status")).toMatchObject({ status: 0, out: expect.stringMatching(/never begun[^]*npm run gvfx -- cutover run/) });
  expect(await cutover("run")).toMatchObject({ status: 0, out: 'The cutover of "production" is done.' });
  expect(await cutover("status")).toMatchObject({ status: 0, out: expect.stringMatching(/: done \(the way to Nomad\)\n( {2}✓ .*\n){12}Newest of 26 entries: 26 .*operator@laptop: finished\n {2}to go back: npm run gvfx -- cutover roll-back$/) });
  expect(await cutover("run")).toMatchObject({ status: 0, err: expect.stringContaining("the cutover is done") });
  expect(await cutover("roll-back")).toMatchObject({ status: 0, out: '"production" is back at legacy, with exactly one worker.' });
  expect(await cutover("status")).toMatchObject({ status: 0, out: expect.stringContaining(": rolled back (the way back to legacy)") });
});

test("a plan shows every step and changes nothing", async () => {
  const { status, out } = await cutover("plan");
  expect(status).toBe(0);
  expect(out).toMatch(/^The way to Nomad in "production": plan [0-9a-f]{12}, made after nothing of the ledger\n {4}preflight +machines, cluster, secrets and clocks are well \(looks only\)/);
  expect([ledger.texts, world.changes]).toEqual([[], []]);
});

test("what stands in the way is said all at once, and nothing is begun", async () => {
  dataMove = "none";
  expect(await cutover("run")).toMatchObject({ status: 1, out: "", err: expect.stringContaining("npm run gvfx -- data move") });
  expect(JSON.parse((await cutover("plan", "--json")).out)).toEqual({ atItsEnd: false, problems: [expect.stringContaining('"data-move" says nothing')] });
  expect(await cutover("roll-back")).toMatchObject({ status: 1, err: expect.stringContaining("nothing to go back from") });
  expect(ledger.texts).toEqual([]);
});

test("a gate that fails stops it with what mends it and the ways on; one that is inconclusive has a status of its own", async () => {
  world.planted.smoke = { verdict: "fail", detail: "a stale feed", mend: "see the worker" };
  expect(await cutover("run")).toMatchObject({ status: 1, out: "Stopped at smoke: fail: a stale feed\n  mend: see the worker\n  then: npm run gvfx -- cutover run\n  or go back: npm run gvfx -- cutover roll-back" });
  expect(await cutover("status")).toMatchObject({ status: 1, out: expect.stringMatching(/✗ smoke[^]*Stopped at smoke by its gate \(fail\), .*: a stale feed[^]*mend: see the worker/) });
  world.planted.smoke = { verdict: "inconclusive", detail: "no worker runs", mend: "start it" };
  expect(await cutover("run")).toMatchObject({ status: 3, out: expect.stringContaining('or, when you know better: npm run gvfx -- cutover run --accept smoke="why"') });
  expect(world.changes).toEqual([]);
  expect(await cutover("run", "--accept", "smoke=no model is trained yet")).toMatchObject({ status: 0 });
  expect((await cutover("status", "--json")).out).toContain('"reason": "no model is trained yet"');
});

test("planted: a gate that may not be accepted is not, whatever is said", async () => {
  world.planted.doctor = { verdict: "inconclusive", detail: "a node does not answer", mend: "log in" };
  expect((await cutover("run")).out).not.toContain("--accept");
  expect(await cutover("run", "--accept", "preflight=it will be fine", "--accept", "smok=typo")).toMatchObject({ status: 2, err: "--accept names preflight, smok, which no operator may go past; those that one may: smoke, coverage" });
  await expect(cutover("run", "--accept", "smoke=")).rejects.toThrow("write the step and a reason");
});

test("a trigger stops it before a step, with the way back first", async () => {
  world.planted.triggers = { verdict: "fail", detail: "apiErrorRatio: 0.2", mend: "" };
  expect(await cutover("run")).toMatchObject({ status: 1, out: "A roll-back is due, and preflight was not begun: apiErrorRatio: 0.2\n  go back: npm run gvfx -- cutover roll-back\n  or, when that is over and you know why: npm run gvfx -- cutover run" });
});

test("a second operator is refused with who is at it", async () => {
  ledger.holder = { held: false, who: "trader@desk, process 9", since: "2026-01-01T11:00:00.000Z" };
  expect(await cutover("run")).toMatchObject({ status: 1, out: "Refused, and nothing was done: trader@desk, process 9 is at it since 2026-01-01T11:00:00.000Z. See how far: npm run gvfx -- cutover status" });
  expect(ledger.texts).toEqual([]);
});

describe("a plan that was kept", () => {
  test("is done exactly, once", async () => {
    const file = join(folder, "plan.json");
    expect(await cutover("plan", "--save", file)).toMatchObject({ status: 0 });
    expect(await cutover("run", "--plan", file)).toMatchObject({ status: 0 });
    expect(await cutover("roll-back", "--plan", file)).toMatchObject({ status: 2, err: expect.stringContaining("is a plan of the way forward") });
  });

  test("planted: is refused once the ledger has moved on, with what happened since", async () => {
    const file = join(folder, "plan.json");
    await cutover("plan", "--save", file);
    // Another one, made of the same ledger a second later.
    world.now += 1_000;
    world.planted.smoke = { verdict: "fail", detail: "a stale feed", mend: "see the worker" };
    await cutover("run");
    const before = ledger.texts.length;
    expect(JSON.parse(readFileSync(file, "utf8")).parent).toBe("none");
    world.planted.smoke = undefined;
    const { status, out } = await cutover("run", "--plan", file);
    expect([status, ledger.texts.length]).toEqual([1, before]);
    expect(out).toMatch(/^Refused, and nothing was done: the plan is stale[^]*1 .*: plan [0-9a-f]{12}, the way to Nomad\n[^]*smoke: fail: a stale feed\n {2}make a new one: gvfx cutover plan/);
  });

  test("planted: is refused when somebody changed it, a step taken out say", async () => {
    const file = join(folder, "plan.json");
    await cutover("plan", "--save", file);
    writeFileSync(file, readFileSync(file, "utf8").replace(/\s*"one-writer",/, ""));
    expect(await cutover("run", "--plan", file)).toMatchObject({ status: 2, err: expect.stringContaining("is not the plan that was made") });
    expect(ledger.texts).toEqual([]);
  });

  test("planted: is refused when it is none", async () => {
    const file = join(folder, "plan.json");
    writeFileSync(file, "{}");
    expect(await cutover("run", "--plan", file)).toMatchObject({ status: 2, err: `${file} holds no plan of a cutover; make one with: gvfx cutover plan --save ${file}` });
  });
});
