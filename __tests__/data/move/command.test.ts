/** `gvfx data move` as it is typed: exit codes, what is said, and how one command takes up what another left. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { loadEnvironment } from "../../../environments/load";
import { moveCommands } from "../../../scripts/data/move/command";
import { moves } from "../../../scripts/data/move/journal";
import type { MoveStatus } from "../../../scripts/data/move/text";
import { silentProgress } from "../../../scripts/data/progress";
import { FakeWorld } from "./fake-world";

let folder: string;
let world: FakeWorld;
/** What each world was opened with. */
let accepted: boolean[];
const production = loadEnvironment("production");
/** The environment of the world in memory. */
const environment = { ...production, dataMove: { ...production.dataMove, convexUrl: "http://100.64.0.11:3210" } };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-move-"));
  world = new FakeWorld();
  accepted = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  process.exitCode = undefined;
});

async function typed(...args: string[]): Promise<{ readonly code: number | undefined; readonly out: string; readonly said: string }> {
  const [out, said]: string[][] = [[], []];
  const program = new Command("data").exitOverride();
  for (const command of moveCommands(() => environment, { variables: {}, write: (text) => out.push(text), complain: (text) => said.push(text), progress: silentProgress, world: async (_, { acceptMixedNumbers }) => { accepted.push(acceptMixedNumbers); return world; }, folder: () => folder, now: () => world.clock.now() })) program.addCommand(command);
  process.exitCode = undefined;
  await program.parseAsync(["node", "data", ...args]);
  return { code: process.exitCode as number | undefined, out: out.join("\n"), said: said.join("\n") };
}

test("a move says its steps, how long the freeze was, and leaves its record", async () => {
  const { code, out, said } = await typed("move");
  expect(code).toBe(0);
  expect(said).toMatch(/1\/22 Look before anything is changed[\s\S]*22\/22 Complete the record/);
  expect(out).toMatch(/Data move 20260201T120000Z: finished/);
  expect(out).toMatch(/legacy worker and API stopped for \d+\.\d s\n {2}trading halted for \d+\.\d s/);
  const record = JSON.parse(readFileSync(join(folder, moves(folder)[0], "record.json"), "utf8")) as { freeze: { haltedSeconds: number } };
  expect(record.freeze.haltedSeconds).toBeGreaterThan(0);
  expect(existsSync(join(folder, "lock"))).toBe(false);
  expect((await typed("move", "status")).code).toBe(0);
});

test("a dry run shows the plan and what stands in the way, and changes nothing", async () => {
  const fine = await typed("move", "--dry-run");
  expect([fine.code, moves(folder)]).toEqual([0, []]);
  expect(fine.out).toMatch(/ 1 prepare {2}Look before[\s\S]*freeze {3}Stop the legacy worker and API[\s\S]*thaw {5}Start the legacy[\s\S]*Nothing stands in the way\. Nothing was changed\./);
  world.state.owners.worker = "nomad";
  world.faults.stranger = "worker";
  const stuck = await typed("move", "--dry-run");
  expect(stuck.code).toBe(1);
  expect(stuck.out).toMatch(/2 things stand in the way:\n {2}- another worker[\s\S]*\n {2}- worker-owner is nomad/);
  const json = JSON.parse((await typed("move", "--dry-run", "--json")).out) as { problems: string[]; steps: object[] };
  expect([json.problems.length, json.steps.length]).toEqual([2, 22]);
});

test("one that stops says for how long legacy has been stopped, and both ways on", async () => {
  world.faults.importLoses = "trades";
  const { code, said } = await typed("move");
  expect(code).toBe(1);
  expect(said).toMatch(/Stopped: critical table trades: the snapshot has 2 rows, and Convex counts 1|critical table/);
  expect(said).toMatch(/legacy worker and API stopped FOR \d+\.\d s NOW\n {2}trading halted FOR \d+\.\d s NOW/);
  expect(said).toMatch(/take it up again: npm run gvfx -- data move --resume\n {2}or go back: npm run gvfx -- data move undo/);
  const status = await typed("move", "status");
  expect(status.code).toBe(1);
  expect(status.out).toMatch(/not finished[\s\S]*BEGUN {3}Validate the platform's Convex[\s\S]*stopped at "Validate/);
  const parsed = JSON.parse((await typed("move", "status", "--json")).out) as MoveStatus;
  expect(parsed).toMatchObject({ state: "open", failure: { step: "validate" } });

  // Another is refused meanwhile, whichever way it is typed.
  const second = await typed("move");
  expect([second.code, second.said]).toEqual([1, expect.stringMatching(/has not ended; take it up .*--resume\) or go back/)]);

  world.faults = {};
  const undone = await typed("move", "undo");
  expect(undone.code).toBe(0);
  expect(undone.out).toMatch(/: undone[\s\S]*legacy worker and API stopped for/);
  expect(world.state.running).toEqual({ worker: true, api: true });
  expect([(await typed("move", "undo")).code, (await typed("move", "--resume")).code]).toEqual([1, 1]);
  expect((await typed("move")).code).toBe(0);
  expect(moves(folder)).toHaveLength(2);
});

test("what was killed is taken up by the next command, and not with other functions", async () => {
  world.killAt = { call: 60, after: true };
  expect((await typed("move")).code).toBe(2);
  world.dead = false;
  world.killAt = undefined;
  Object.assign(world.app, { name: "def of git" });
  const other = await typed("move", "--resume");
  expect([other.code, other.said]).toEqual([1, expect.stringMatching(/was begun with the app's functions from abc of git, and would go on with def of git/)]);
  Object.assign(world.app, { name: "abc of git" });
  expect((await typed("move", "--resume", "--json")).code).toBe(0);
});

test("one that is refused before anything is changed leaves nothing to take up: the next is a new one", async () => {
  world.state.owners.worker = "nomad";
  expect((await typed("move")).code).toBe(1);
  const status = await typed("move", "status");
  expect([status.code, status.out]).toEqual([0, expect.stringMatching(/: undone[\s\S]*stopped at "Look before anything is changed": worker-owner is nomad/)]);
  expect((await typed("move", "--resume")).said).toMatch(/there is no data move of "production" that has not ended/);
  world.state.owners.worker = "legacy";
  expect((await typed("move")).code).toBe(0);
  expect(moves(folder)).toHaveLength(2);
});

test.each([["--replace-everything"], ["--app-cannot-trade"], ["--accept-mixed-numbers"]])("%s is refused for a move that was begun without it, and taken with one that was begun with it", async (flag) => {
  world.faults.importLoses = "trades";
  await typed("move");
  const calls = world.calls.length;
  const added = await typed("move", "--resume", flag);
  expect([added.code, added.said]).toEqual([1, expect.stringMatching(new RegExp(`was begun without ${flag}, and goes on as it was begun.*npm run gvfx -- data move ${flag}`))]);
  expect(world.calls.length).toBe(calls);
  world.faults = {};
  await typed("move", "undo");
  world.faults.importLoses = "trades";
  expect((await typed("move", flag)).code).toBe(1);
  // It goes on, to the same defect.
  expect((await typed("move", "--resume", flag)).said).toMatch(/Stopped: .*critical table trades/);
});

test("a dry run is not one that goes on", async () => {
  const { code, said } = await typed("move", "--resume", "--dry-run");
  expect([code, said]).toEqual([1, expect.stringMatching(/--dry-run begins nothing and --resume goes on/)]);
});

test("mixed numbers are accepted by the whole move, also when it is taken up or goes back", async () => {
  world.faults.importLoses = "trades";
  await typed("move", "--accept-mixed-numbers");
  await typed("move", "--resume");
  await typed("move", "undo");
  expect(accepted).toEqual([true, true, true]);
  world.faults = {};
  await typed("move");
  expect(accepted.at(-1)).toBe(false);
});

test("an interrupt names the command that shows how it stands, as it is typed in this environment", async () => {
  const { announce } = world;
  world.announce = async (message) => { process.emit("SIGINT"); return announce.call(world, message); };
  const { code, said } = await typed("move");
  expect([code, said]).toEqual([130, expect.stringContaining("a second look: npm run gvfx -- data move status")]);
});

test("an undo after the thaw that stops on its way says what lasts, and no more once it is over", async () => {
  await typed("move");
  const { exportTo } = world.target;
  Object.assign(world.target, { exportTo: async () => Promise.reject(new Error("no space left")) });
  const stuck = await typed("move", "undo", "--give-up-new-writes");
  expect([stuck.code, stuck.said]).toEqual([2, expect.stringMatching(/legacy worker and API stopped FOR \d+\.\d s NOW\n {2}trading halted FOR \d+\.\d s NOW\n {2}finish going back/)]);
  Object.assign(world.target, { exportTo });
  expect((await typed("move", "undo")).out).toMatch(/: undone[\s\S]*legacy worker and API stopped for[\s\S]*trading halted for/);
});

test("after the thaw an API that does not answer needs its explicit word as well", async () => {
  await typed("move");
  world.state.running.api = false;
  const refused = await typed("move", "undo", "--give-up-new-writes");
  expect([refused.code, refused.said]).toEqual([1, expect.stringMatching(/data move undo --trading-halted-by-hand/)]);
  // Nobody has halted it.
  expect(refused.said).not.toMatch(/ NOW/);
  expect((await typed("move", "undo", "--trading-halted-by-hand")).code).toBe(0);
});

test("a finished move goes back by its explicit word alone", async () => {
  await typed("move");
  const refused = await typed("move", "undo");
  expect([refused.code, refused.said]).toEqual([1, expect.stringMatching(/is finished.*undo --give-up-new-writes.*docs\/data-move\.md/)]);
  expect((await typed("move", "undo", "--give-up-new-writes")).code).toBe(0);
  expect(world.state.files["backend/.env"]).toContain("'http://127.0.0.1:3210'");
});

test("without a move there is nothing to take up, to undo or to show", async () => {
  expect((await typed("move", "--resume")).said).toMatch(/there is no data move of "production" that has not ended/);
  expect((await typed("move", "undo")).said).toMatch(/no data move of "production" was ever begun on this machine/);
  const status = await typed("move", "status");
  expect([status.code, status.out]).toEqual([0, 'No data move of "production" was ever begun on this machine.']);
});

test("machines that are not reached end with 2, and nothing was begun", async () => {
  Object.assign(world, { host: { look: () => Promise.reject(new Error("no route")) } });
  const { code, said } = await typed("move");
  expect(code).toBe(1);
  expect(said).toMatch(/the legacy host: no route/);
  const unopened = moveCommands(() => environment, { variables: {}, complain: () => undefined, world: () => Promise.reject(new Error("CONSUL_HTTP_TOKEN is not set")), folder: () => join(folder, "b") });
  await new Command("data").addCommand(unopened[0]).parseAsync(["node", "data", "move"]);
  expect([process.exitCode, moves(join(folder, "b"))]).toEqual([2, []]);
});
