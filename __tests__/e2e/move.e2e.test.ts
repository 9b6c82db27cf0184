/** The data move for real: legacy's Convex with every kind of value to the platform's and back, by the commands that an operator types. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kvPaths } from "../../contracts/kv";
import { writeDataset } from "../../scripts/data/dataset/write";
import { moves, movesFolder } from "../../scripts/data/move/journal";
import type { SnapshotReport, TableDiff } from "../../scripts/data/snapshot/types";
import { describeUnless } from "../terraform/terraform";
import { askConsul, environment, eventually, GVFX_LAB, gvfxData, gvfxLease, inMachine, dataTestsMissing, namespace, query } from "./lab-fixture";

const { workerOwner, traffic, evidence } = kvPaths(namespace);
const MOVES = movesFolder(environment.name);
const MIB = 2 ** 20;
/** The double of a worker begins an ingestion run every ten seconds. */
const A_RUN = 30;

const json = async <T>(args: readonly string[], accept?: readonly number[]): Promise<T> => JSON.parse((await gvfxData([...args, "--json"], accept)).output) as T;

const legacyEnv = async (): Promise<string> => (await inMachine("legacy", "cat", "/home/trader/tv-goldviewfx/backend/.env")).output;
const consulKey = async (path: string): Promise<string> => (await askConsul(`/v1/kv/${path}?raw`)).text;
const { checkout, commands, host } = environment.legacy;
/** Starts what does not run of the legacy processes that write, as whoever logs in there. */
const startLegacy = () => inMachine("legacy", "runuser", "-l", host.ssh.user, "-c", `cd ${checkout} && ${commands.startApi} && ${commands.startWorker}`);
const newestRun = async (): Promise<string> => (await query<{ data: readonly { readonly started_at: string }[] }>("ingestion_runs:list", { page: 1, page_size: 1 })).data[0]?.started_at ?? "";
/** The data set's tables; the app's own are written while the lab runs. */
const OURS = /^(set_|_storage$)/;
const ofOurs = (tables: readonly TableDiff[]) => tables.filter(({ table }) => OURS.test(table)).map(({ table, added, removed, changed }) => ({ table, added, removed, changed }));
const same = (tables: readonly TableDiff[]) => ofOurs(tables).map(({ table }) => ({ table, added: 0, removed: 0, changed: 0 }));

/** Begins a move and kills its process, with no chance to tidy up, once it has said something. */
async function killedAt(sign: RegExp, ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, ["scripts/gvfx.mjs", "data", ...args], { env: { ...process.env, ...GVFX_LAB }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  await new Promise<void>((done, failed) => {
    const look = (chunk: Buffer): void => {
      said += chunk.toString("utf8");
      if (sign.test(said)) child.kill("SIGKILL");
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.once("error", failed);
    child.once("close", (_status, signal) => (signal === "SIGKILL" ? done() : failed(new Error(`it ended before it said ${sign}:\n${said}`))));
  });
}

describeUnless(dataTestsMissing(), "the data move", () => {
  let folder: string;
  let set: string;
  let kept: string;
  let envBefore: string;
  let trafficBefore: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-move-"));
    set = join(folder, "set.zip");
    kept = join(folder, "kept.zip");
    // The journal of a lab that is gone says nothing of this one.
    rmSync(MOVES, { recursive: true, force: true });
    // Nomad's worker stands by and its api is asked by nobody: what is moved has one writer, legacy's.
    trafficBefore = await consulKey(traffic);
    await askConsul(`/v1/kv/${traffic}`, { method: "PUT", body: "legacy" });
    await askConsul(`/v1/kv/${workerOwner}`, { method: "PUT", body: "legacy" });
    await startLegacy();
    envBefore = await legacyEnv();
    await writeDataset(set, { seed: 6, bytes: 24 * MIB });
  }, 120_000);
  afterAll(async () => {
    const undone = moves(MOVES).length > 0 ? await gvfxData(["move", "undo", "--give-up-new-writes"], [0, 1, 2]) : undefined;
    // As the lab has them: an undo that broke off may have left them stopped.
    await startLegacy();
    await askConsul(`/v1/kv/${traffic}`, { method: "PUT", body: trafficBefore });
    await askConsul(`/v1/kv/${workerOwner}`, { method: "PUT", body: "nomad" });
    await eventually(90, async () => expect((await gvfxLease<{ well: boolean }>("status")).well).toBe(true));
    rmSync(folder, { recursive: true, force: true });
    if (undone && undone.status !== 0) throw new Error(`the data move was not undone:\n${undone.said}`);
  }, 480_000);

  test("the admin key of either side is made, accepted and never printed unasked", async () => {
    for (const args of [["--store"], ["--side", "legacy"]]) {
      const { said } = await gvfxData(["admin-key", ...args]);
      expect(said).not.toMatch(/\|01[0-9a-f]{40}/);
    }
  }, 60_000);

  test("a data set of every kind of value goes into legacy's Convex and comes back to the byte", async () => {
    const report = await json<SnapshotReport>(["validate", set]);
    expect(report.problems).toEqual([]);
    expect(report.tables.filter(({ documents }) => documents > 0).length).toBeGreaterThan(3);
    expect(report.files!.count).toBeGreaterThan(10);
    await gvfxData(["export", "--from", "legacy", "--out", kept]);
    await gvfxData(["import", set, "--to", "legacy", "--replace-everything"], [0, 1]);
    const back = join(folder, "back.zip");
    await gvfxData(["export", "--from", "legacy", "--out", back]);
    const { tables } = await json<{ tables: TableDiff[] }>(["diff", set, back], [0, 1]);
    expect(ofOurs(tables)).toEqual(same(tables));
    expect(ofOurs(tables).length).toBeGreaterThan(4);
  }, 300_000);

  test("a truncated, a changed and a foreign file are refused before anything is asked of Convex, and the place is named", async () => {
    const cut = join(folder, "cut.zip");
    copyFileSync(set, cut);
    truncateSync(cut, Math.floor(statSync(set).size / 2));
    const refused = await gvfxData(["import", cut, "--to", "nomad", "--replace-everything"], [1, 2]);
    expect(refused.status).not.toBe(0);
    expect(refused.said).toContain("cut.zip");
    const none = await gvfxData(["validate", "package.json"], [1, 2]);
    expect(none.said).toMatch(/package\.json/);
  }, 120_000);

  test("a target that holds something is refused without the explicit word", async () => {
    const refused = await gvfxData(["import", set, "--to", "nomad"], [1]);
    expect(refused.said).toMatch(/--replace-everything/);
  }, 120_000);

  test("killed in the middle of the move it says how it stands, is taken up again, and legacy then writes into the platform's Convex", async () => {
    await gvfxData(["move", "--dry-run", "--replace-everything"]);
    await killedAt(/import/i, "move", "--replace-everything");
    expect((await gvfxData(["move", "status"], [0, 1])).status).toBe(1);
    // A second move is refused while the first has not ended.
    expect((await gvfxData(["move", "--replace-everything"], [1])).said).toMatch(/--resume/);
    const { said } = await gvfxData(["move", "--resume"]);
    process.stderr.write(`${said}\n`);
    expect(await consulKey(`${evidence}/data-move`)).toBe("pass");
    expect(JSON.parse(await consulKey(`${evidence}/data-move.record`))).toMatchObject({ environment: "lab" });
    const lines = (text: string) => text.split("\n").filter((line) => !line.startsWith("CONVEX_URL="));
    expect(lines(await legacyEnv())).toEqual(lines(envBefore));
    expect(await legacyEnv()).not.toBe(envBefore);
    const before = await newestRun();
    await eventually(A_RUN, async () => expect((await newestRun()) > before).toBe(true));
  }, 600_000);

  test("what was moved is what there was, to the byte, and goes back the same way", async () => {
    const there = join(folder, "there.zip");
    await gvfxData(["export", "--from", "nomad", "--out", there]);
    const { tables } = await json<{ tables: TableDiff[] }>(["diff", set, there], [0, 1]);
    expect(ofOurs(tables)).toEqual(same(tables));
    await gvfxData(["import", there, "--to", "legacy", "--replace-everything"]);
    const back = await json<{ tables: TableDiff[] }>(["diff", there, "--against", "legacy"], [0, 1]);
    expect(ofOurs(back.tables)).toEqual(same(back.tables));
    // Legacy's own Convex has no writer now: nothing but the runs that the import closed may differ.
    expect(back.tables.filter(({ table, added, removed, changed }) => table !== "ingestion_runs" && added + removed + changed > 0)).toEqual([]);
  }, 300_000);
});
