/** The whole procedure for real, under load: to Nomad, back to legacy, and again; and the executor killed at every step of either way. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { kvPaths } from "../../contracts/kv";
import { duplicateRuns, gaps, overlaps } from "../../lab/doubles/backend/count";
import type { CutoverStatus } from "../../scripts/cutover/text";
import { moves, movesFolder } from "../../scripts/data/move/journal";
import { textResult } from "../../scripts/lab/load/tally";
import { run } from "../../scripts/lab/run";
import { describeUnless } from "../terraform/terraform";
import { askConsul, dataTestsMissing, environment, eventually, GVFX_LAB, gvfxData, gvfxLease, inMachine, namespace, runsSince } from "./lab-fixture";
import { startUsers } from "./under-load";

const { traffic, sections, workerOwner } = kvPaths(namespace);
const MOVES = movesFolder(environment.name);
/** What the procedure promises. */
const REHEARSAL_GOAL_S = 600;
const INGESTION_GAP_GOAL_MS = 5_000;
/** Of either way, with the lab's watch of two minutes, and what a resumed step looks at again. */
const A_WAY_MS = 600_000;

const { checkout, commands, host } = environment.legacy;
const startLegacy = () => inMachine("legacy", "runuser", "-l", host.ssh.user, "-c", `cd ${checkout} && ${commands.startApi} && ${commands.startWorker} && ${commands.startFrontend}`);
const key = async (path: string): Promise<string> => (await askConsul(`/v1/kv/${path}?raw`)).text;
const setKey = (path: string, value: string) => askConsul(`/v1/kv/${path}`, { method: "PUT", body: value });
const says = (text: string) => process.stderr.write(`${text}\n`);

/** Runs `gvfx cutover ...` to its end. @returns all that it said */
async function cutover(args: readonly string[], accept: readonly number[] = [0]): Promise<string> {
  const lines: string[] = [];
  await run(process.execPath, ["scripts/gvfx.mjs", "cutover", ...args], { env: GVFX_LAB, accept, onLine: (line) => lines.push(line) });
  return lines.join("\n");
}

const status = async (): Promise<CutoverStatus> => JSON.parse((await run(process.execPath, ["scripts/gvfx.mjs", "cutover", "status", "--json"], { env: GVFX_LAB, accept: [0, 1] })).output) as CutoverStatus;

/**
 * Runs it, and kills it, with no chance to tidy up, in the first step that it has not been killed in yet.
 * @param titles of the steps that it was killed in
 * @returns the title of the step; undefined when it came to its end
 */
function killedInNextStep(direction: "run" | "roll-back", titles: ReadonlySet<string>): Promise<string | undefined> {
  const child = spawn(process.execPath, ["scripts/gvfx.mjs", "cutover", direction], { env: { ...process.env, ...GVFX_LAB }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let killedIn: string | undefined;
  return new Promise((done, failed) => {
    child.stdout.on("data", (chunk: Buffer) => void (said += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      const step = [...said.matchAll(/^\d+\/\d+ (.+)$/gm)].map(([, title]) => title).find((title) => !titles.has(title));
      if (step === undefined || killedIn !== undefined) return;
      killedIn = step;
      // Somewhere in the step: before its record, in its work, or after it.
      setTimeout(() => child.kill("SIGKILL"), Math.random() * 1_500);
    });
    child.once("error", failed);
    child.once("close", (code, signal) => {
      if (signal === "SIGKILL" || code === 0) done(code === 0 ? undefined : killedIn);
      else failed(new Error(`it ended with ${code}:\n${said}`));
    });
  });
}

/** Until it comes to its end by itself. @returns the steps that it was killed in */
async function killedAtEveryStep(direction: "run" | "roll-back"): Promise<string[]> {
  const titles = new Set<string>();
  for (;;) {
    const title = await killedInNextStep(direction, titles);
    if (title === undefined) return [...titles];
    titles.add(title);
    says(`  killed in: ${title}`);
  }
}

/** What no step of either way may do to users. */
const NOTHING_LOST = { failed: 0, lost: 0, repeated: 0 };
type Suffered = Record<keyof typeof NOTHING_LOST, number>;

/** Users who come while something is done. @returns how to end them, and see what they went through */
async function load(): Promise<{ readonly end: () => Promise<Suffered> }> {
  const users = await startUsers();
  return {
    end: async () => {
      const { api, frontend, lost, repeated } = await users.end();
      says(`${textResult(api)}\n${textResult(frontend)}`);
      return { failed: api.failed + frontend.failed, lost, repeated };
    },
  };
}

describeUnless(dataTestsMissing(), "the cutover, there and back", () => {
  let before: { readonly traffic: string; readonly sections: string };

  beforeAll(async () => {
    before = { traffic: await key(traffic), sections: await key(sections) };
    // Of a run that was broken off; else the journal of a lab that is gone, which says nothing of this one.
    if (moves(MOVES).length > 0) await gvfxData(["move", "undo", "--give-up-new-writes"], [0, 1, 2]);
    rmSync(MOVES, { recursive: true, force: true });
    await setKey(traffic, "legacy");
    await setKey(workerOwner, "legacy");
    await startLegacy();
    // A lab that is used again may have been cut over before.
    if (!["none", "back"].includes((await status()).state)) await cutover(["roll-back"]);
    await gvfxData(["move", "--replace-everything"]);
    // What brought the feeds before this file may have left a silence: it grows out of the window.
    await gvfxData(["backfill", "--gold", "--fresh"], [0, 1]);
    await gvfxData(["coverage", "--gold", "--wait", "4m"]);
  }, 600_000);
  afterAll(async () => {
    // As the lab has them, wherever a failure left them.
    await startLegacy();
    await setKey(traffic, "legacy");
    await setKey(workerOwner, "legacy");
    const undone = moves(MOVES).length > 0 ? await gvfxData(["move", "undo", "--give-up-new-writes"], [0, 1, 2]) : undefined;
    await startLegacy();
    await setKey(traffic, before.traffic);
    await setKey(sections, before.sections);
    await setKey(workerOwner, "nomad");
    await eventually(90, async () => expect((await gvfxLease<{ well: boolean }>("status")).well).toBe(true));
    if (undone && undone.status !== 0) throw new Error(`the data move was not undone:\n${undone.said}`);
  }, 480_000);

  test("legacy to Nomad, back, and again, under 200 requests a second: none fails, nothing is lost, the worker is one", async () => {
    const under = await load();
    const [since, began] = [new Date(), Date.now()];
    const took = () => ((Date.now() - began) / 1_000).toFixed(0);
    let seconds = 0;
    let users: Suffered;
    try {
      for (const way of ["run", "roll-back", "run"] as const) {
        says(await cutover([way]));
        says(`${way}: at its end after ${took()} s`);
      }
      seconds = (Date.now() - began) / 1_000;
    } finally {
      users = await under.end();
    }
    const runs = await runsSince(since);
    const gapsSeen = gaps(runs, INGESTION_GAP_GOAL_MS);
    says(`rehearsal: ${seconds.toFixed(0)} s; ${runs.length} ingestion runs of ${new Set(runs.map(({ instance }) => instance)).size} workers, longest gap ${Math.max(0, ...gaps(runs, 0).map(({ ms }) => ms))} ms`);
    expect(new Set(runs.map(({ instance }) => instance)).size).toBeGreaterThanOrEqual(4);
    expect({ overlaps: overlaps(runs), duplicateRuns: duplicateRuns(runs), gaps: gapsSeen }).toEqual({ overlaps: [], duplicateRuns: [], gaps: [] });
    expect(users).toEqual(NOTHING_LOST);
    expect(seconds).toBeLessThan(REHEARSAL_GOAL_S);
    expect((await status()).state).toBe("done");
    expect([await key(traffic), await key(sections), await key(workerOwner)]).toEqual(["nomad", "open", "nomad"]);
  }, 3 * A_WAY_MS);

  test("the way back, killed in each of its steps, comes to the same end by the same command", async () => {
    const [since, under] = [new Date(), await load()];
    let killed: string[];
    let users: Suffered;
    try {
      killed = await killedAtEveryStep("roll-back");
    } finally {
      users = await under.end();
    }
    const { state, steps } = await status();
    expect([state, killed.length]).toEqual(["back", steps.length]);
    expect([await key(traffic), await key(workerOwner)]).toEqual(["legacy", "legacy"]);
    expect({ users, overlaps: overlaps(await runsSince(since)) }).toEqual({ users: NOTHING_LOST, overlaps: [] });
  }, A_WAY_MS);

  test("the way to Nomad, killed in each of its steps, comes to the same end by the same command", async () => {
    const [since, under] = [new Date(), await load()];
    let killed: string[];
    let users: Suffered;
    try {
      killed = await killedAtEveryStep("run");
    } finally {
      users = await under.end();
    }
    const { state, steps } = await status();
    expect([state, killed.length]).toEqual(["done", steps.length]);
    expect([await key(traffic), await key(sections), await key(workerOwner)]).toEqual(["nomad", "open", "nomad"]);
    expect({ users, overlaps: overlaps(await runsSince(since)) }).toEqual({ users: NOTHING_LOST, overlaps: [] });
  }, 2 * A_WAY_MS);
});
