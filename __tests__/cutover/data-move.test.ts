/** The data move as a cutover relies on it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataBack, dataMoveSeen, snapshotKept } from "../../scripts/cutover/world/data-move";
import { JournalFile } from "../../scripts/data/move/journal";
import type { SnapshotReport } from "../../scripts/data/snapshot/types";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "gvfx-moves-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const commands = { status: "gvfx data move status", undo: "gvfx data move undo --give-up-new-writes" };
const never = () => Promise.reject(new Error("nothing was to be opened"));

test("the evidence names the move, and the move's folder has its snapshot", () => {
  expect(dataMoveSeen({ verdict: "pass", record: JSON.stringify({ move: "20260101T120000Z" }) }, folder)).toEqual({ verdict: "pass", snapshot: join(folder, "20260101T120000Z", "legacy.zip") });
  expect(dataMoveSeen({ verdict: undefined, record: undefined }, folder)).toEqual({ verdict: undefined, snapshot: undefined });
  expect(dataMoveSeen({ verdict: "pass", record: "{}" }, folder).snapshot).toBeUndefined();
});

test("planted: a snapshot that is gone, or not whole, is not kept", async () => {
  const path = join(folder, "legacy.zip");
  const check = (problems: number) => () => Promise.resolve({ problems: Array.from({ length: problems }, () => ({ place: "trades", what: "torn", fix: "export again" })) } as unknown as SnapshotReport);
  expect(await snapshotKept(path, check(0))).toBe(false);
  writeFileSync(path, "zip");
  expect(await snapshotKept(path, check(0))).toBe(true);
  expect(await snapshotKept(path, check(1))).toBe(false);
});

test("nothing to undo on this machine is a failure that says where it is; what is undone stays so, and opens nothing", async () => {
  expect(await dataBack({ folder, mover: never, commands })).toMatchObject({ verdict: "fail", detail: expect.stringContaining("no data move was begun on this machine"), mend: expect.stringContaining(commands.status) });
  mkdirSync(join(folder, "20260101T120000Z"));
  const journal = new JournalFile(join(folder, "20260101T120000Z"));
  journal.append({ event: "start", move: "20260101T120000Z", environment: "production", options: { replaceEverything: false, appCannotTrade: false, app: "a" } });
  await expect(dataBack({ folder, mover: never, commands })).rejects.toThrow("nothing was to be opened");
  journal.append({ event: "undo", gaveUpNewWrites: true });
  journal.append({ event: "undone" });
  expect(await dataBack({ folder, mover: never, commands })).toEqual({ verdict: "pass", detail: "the data move 20260101T120000Z is undone" });
});
