/** The real CLI and this repository's client against the Convex double: there and back, to the byte. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duration } from "../../../contracts/units";
import { diffAgainst, validateAgainst } from "../../../scripts/data/convex/against";
import { convexCli } from "../../../scripts/data/convex/cli";
import { exportSnapshot } from "../../../scripts/data/convex/export";
import { importByCli, importSnapshot } from "../../../scripts/data/convex/import";
import { ConvexInstance } from "../../../scripts/data/convex/instance";
import { closeRunningRuns } from "../../../scripts/data/convex/runs";
import { writeDataset } from "../../../scripts/data/dataset/write";
import { diffSnapshots } from "../../../scripts/data/snapshot/diff";
import { openSnapshot } from "../../../scripts/data/snapshot/open";
import { validateSnapshot } from "../../../scripts/data/snapshot/validate";
import { DoubleProcess, HAS_BUN } from "./double-process";

jest.setTimeout(180_000);
const withBun = HAS_BUN ? describe : describe.skip;

withBun("two doubles (skipped without bun: set GVFX_BUN)", () => {
  const legacy = new DoubleProcess("legacy");
  const nomad = new DoubleProcess("tv-goldviewfx");
  let folder: string;
  const file = (name: string): string => join(folder, name);
  const at = (double: DoubleProcess, side: "legacy" | "nomad", signal?: AbortSignal) => new ConvexInstance(double.access(side), { signal });
  const cliOf = (double: DoubleProcess, side: "legacy" | "nomad") => convexCli(double.access(side), { variables: process.env });
  const whole = (diffs: readonly { added: number; removed: number; changed: number }[]) => diffs.every(({ added, removed, changed }) => added + removed + changed === 0);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-move-"));
    await Promise.all([legacy.start(), nomad.start()]);
    await writeDataset(file("set.zip"), { seed: 7, bytes: 3 * 2 ** 20, files: 12 });
  });
  afterAll(async () => {
    await Promise.all([legacy.close(), nomad.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  test("a data set of every kind of value goes there by our upload, back by the CLI's, and is the same to the byte", async () => {
    const set = await validateSnapshot(file("set.zip"));
    expect(set.problems).toEqual([]);
    const { written } = await importSnapshot(at(legacy, "legacy"), set, { recordFolder: file("imports") });
    expect(written).toBe(set.tables.reduce((sum, { documents }) => sum + documents, 0));

    await exportSnapshot(at(legacy, "legacy"), cliOf(legacy, "legacy"), file("there.zip"));
    await importByCli(at(nomad, "nomad"), cliOf(nomad, "nomad"), file("there.zip"), {});
    await exportSnapshot(at(nomad, "nomad"), cliOf(nomad, "nomad"), file("back.zip"));

    const diffs = await diffSnapshots(file("set.zip"), file("back.zip"));
    expect(diffs.map(({ table }) => table)).toEqual(expect.arrayContaining(["_storage", "set_kinds"]));
    expect(whole(diffs)).toBe(true);
    const [there, back] = [await validateSnapshot(file("there.zip")), await validateSnapshot(file("back.zip"))];
    expect(back.tables.map(({ name, documents, digest }) => [name, documents, digest])).toEqual(there.tables.map(({ name, documents, digest }) => [name, documents, digest]));
    expect(back.files).toEqual(there.files);
  });

  test("against the running backend: everything the same; after one write, that row", async () => {
    const report = await validateSnapshot(file("there.zip"));
    const snapshot = await openSnapshot(file("there.zip"));
    const check = () => validateAgainst(report, snapshot, at(nomad, "nomad"), { samples: 5 });
    expect((await check()).problems).toEqual([]);
    expect(whole(await diffAgainst(file("there.zip"), at(nomad, "nomad"), cliOf(nomad, "nomad"), { folder }))).toBe(true);

    await at(nomad, "nomad").call("mutation", "data:write", { table: "set_ticks", action: "insert", payload: { pair: "new" } });
    expect((await check()).problems.map(({ place }) => place)).toEqual(expect.arrayContaining(["set_ticks"]));
    expect((await diffAgainst(file("there.zip"), at(nomad, "nomad"), cliOf(nomad, "nomad"), { folder })).filter(({ added, removed, changed }) => added + removed + changed > 0)).toMatchObject([{ table: "set_ticks", added: 1, removed: 0, changed: 0 }]);
    await snapshot.close();
  });

  test("runs that were left running are closed by the app's function, and that is all that differs", async () => {
    const there = at(legacy, "legacy");
    await there.call("mutation", "ingestion_runs:create", { source_type: "bingx", feed: "candles", trigger: "schedule", status: "running", new_count: 3 });
    await exportSnapshot(there, cliOf(legacy, "legacy"), file("running.zip"));
    const report = await validateSnapshot(file("running.zip"));
    await importSnapshot(at(nomad, "nomad"), report, { recordFolder: file("imports") });
    expect(await closeRunningRuns(at(nomad, "nomad"))).toEqual({ closed: 1, withoutId: [] });
    const snapshot = await openSnapshot(file("running.zip"));
    expect(await validateAgainst(report, snapshot, at(nomad, "nomad"))).toMatchObject({ closedRuns: 1, problems: [] });
    await snapshot.close();
    // Idle again: the app may start a run.
    expect(await at(nomad, "nomad").call("mutation", "ingestion_runs:startIfIdle", { source_type: "bingx", feed: "candles", trigger: "schedule", timeout_minutes: 30 })).toMatchObject({ created: true });
  });

  test("the backend is killed in the middle of an upload: the next run goes on where it was, and all of it arrives", async () => {
    const report = await validateSnapshot(file("there.zip"));
    const stop = new AbortController();
    let parts = 0;
    const progress = { step: (what: string) => ({ advance: () => void (what.startsWith("upload") && ++parts === 4 && stop.abort()), done: () => undefined, failed: () => undefined }) };
    await expect(importSnapshot(at(nomad, "nomad", stop.signal), report, { recordFolder: file("imports"), partBytes: 100_000, signal: stop.signal, progress })).rejects.toThrow();
    await nomad.kill();
    await nomad.start();
    const { resumedParts } = await importSnapshot(at(nomad, "nomad"), report, { recordFolder: file("imports"), partBytes: 100_000, patience: Duration.seconds(20) });
    expect(resumedParts).toBeGreaterThanOrEqual(2);
    expect(whole(await diffAgainst(file("there.zip"), at(nomad, "nomad"), cliOf(nomad, "nomad"), { folder }))).toBe(true);
  });
});
