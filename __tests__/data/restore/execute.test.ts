import fc from "../../properties";
import type { InventoryLine } from "../../../contracts/backup";
import { silentProgress } from "../../../scripts/data/progress";
import { executePlan, type Execution } from "../../../scripts/data/restore/execute";
import type { Fingerprint } from "../../../scripts/data/restore/fingerprint";
import type { RestoreOperations } from "../../../scripts/data/restore/operations";
import { planRestore } from "../../../scripts/data/restore/plan";
import { isLate, restoreReport } from "../../../scripts/data/restore/report";
import { textReport } from "../../../scripts/data/restore/text";
import type { RestoreMode, RestorePlan } from "../../../scripts/data/restore/types";
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import { facts, manifest, request } from "./facts";

const SHA = "ab".repeat(32);
const INVENTORY: InventoryLine[] = [{ bucket: "convex-files", key: "instance/u-1", size: 5, sha256: SHA }];
const FINGERPRINT: Fingerprint = {
  version: "17.6",
  systemIdentifier: "7712350902180618115",
  databases: ["gvfx", "postgres", "tv_goldviewfx"],
  tables: [{ name: "tv_goldviewfx.public.documents_1", rows: 1, hash: "aa" }],
  layout: "double",
  convex: [{ name: "bingx_trades", rows: 7, hash: "bb" }],
  references: [{ table: "_storage", id: "k1", bucket: "convex-files", key: "u-1", sha256: SHA, size: 5 }],
};

const plan = (mode: RestoreMode): RestorePlan => (planRestore(facts(), request({ mode, target: mode === "rehearse" ? "server-2" : "server-1" })) as { plan: RestorePlan }).plan;

/** A world in which everything works, but for what a test changes. */
class World implements RestoreOperations {
  readonly done: string[] = [];
  running = true;
  data = "old";
  constructor(private readonly changes: Partial<RestoreOperations> = {}, private readonly failAt?: string) {}
  private async do<T>(name: string, value: T): Promise<T> {
    if (name === this.failAt) throw new Error(`${name} failed`);
    this.done.push(name);
    return value;
  }
  pull = () => this.do("pull", undefined);
  fetch = async (_step: unknown, onBytes: (count: number) => void) => (onBytes(3), this.do("fetch", undefined));
  checkFiles = () => this.changes.checkFiles?.() ?? this.do("check-files", { manifest: manifest(), inventory: INVENTORY, problems: [] as string[] });
  proveDatabase = () => this.changes.proveDatabase?.() ?? this.do("prove-database", FINGERPRINT);
  loadObjects = (proof: Parameters<RestoreOperations["loadObjects"]>[0]) => this.changes.loadObjects?.(proof) ?? this.do("load-objects", [] as string[]);
  markProven = () => this.do("mark-proven", undefined);
  stopBackups = () => this.do("stop-backups", [] as string[]);
  stopJobs = async () => (await this.do("stop-jobs", undefined), void (this.running = false));
  volumeUsers = () => this.changes.volumeUsers?.() ?? this.do("prove-idle", [] as string[]);
  swap = async () => {
    if (this.running) throw new Error("swapped under a running server");
    await this.do("swap", undefined);
    this.data = "restored";
  };
  startJobs = async () => (await this.do("start-jobs", undefined), void (this.running = true));
  remove = () => this.do("remove", undefined);
  cleanUp = () => this.do("clean-up", undefined);
}

/** Its interval is this test's own: what production chooses is its affair. */
const production = loadEnvironment("production");
const env = { name: production.name, dataPlane: { ...production.dataPlane, backup: { ...production.dataPlane.backup, interval: Duration.minutes(15) } } };

const run = (world: World, mode: RestoreMode, signal?: AbortSignal, begun = false): Promise<Execution> => executePlan({ ...plan(mode), begun }, world, { progress: silentProgress, signal, convexDatabase: "tv_goldviewfx", bytes: 3, gvfx: "gvfx" });

test("in place: proven, swapped between stop and start, with what was found in the report", async () => {
  const world = new World();
  const execution = await run(world, "in-place");
  expect(execution).toMatchObject({ outcome: "done", problems: [], next: [expect.stringMatching(/gvfx-api and gvfx-worker are stopped/), expect.stringMatching(/outside of Nomad/), expect.stringMatching(/kill switch.*docs\/restore.md/), expect.stringMatching(/data restore --start$/)] });
  expect(world).toMatchObject({ data: "restored", running: true });
  const report = restoreReport(env, plan("in-place"), execution, new Date("2026-11-26T03:10:00Z"), new Date("2026-11-26T03:11:00Z"));
  expect(report).toMatchObject({ verdict: "proven", recoveryPoint: "2026-11-26T03:00:00Z", recoveryPointAgeSeconds: 600, recoveryPointLimitSeconds: 15 * 60 + 30 + 60, references: 1, convex: [{ name: "bingx_trades", rows: 7 }] });
  expect(textReport(report, ["x.json"])).toMatch(/^PROVEN: backup 01234567.*10 min 0 s before.*bingx_trades +7 +bb.*Report: x\.json$/s);
});

test("a rehearsal of a backup that is older than its interval explains is late", async () => {
  const execution = await run(new World(), "rehearse");
  const at = (time: string) => restoreReport(env, plan("rehearse"), execution, new Date(time), new Date(time));
  expect(isLate(at("2026-11-26T03:16:30Z"))).toBe(false);
  expect(isLate(at("2026-11-26T03:17:00Z"))).toBe(true);
  expect(textReport(at("2026-11-26T03:17:00Z"), [])).toMatch(/LATE: the interval allows 16 min 30 s/);
});

// Planted defects: each proof must stop the restore before anything that runs is touched.
const defects: readonly (readonly [string, Partial<RestoreOperations>, RegExp])[] = [
  ["a file", { checkFiles: async () => ({ manifest: manifest(), inventory: INVENTORY, problems: ["postgres/base/1 is missing"] }) }, /postgres\/base\/1 is missing/],
  ["another cluster", { proveDatabase: async () => ({ ...FINGERPRINT, systemIdentifier: "1" }) }, /system identifier 1/],
  ["another major version", { proveDatabase: async () => ({ ...FINGERPRINT, version: "16.1" }) }, /Postgres 16\.1.*17\.6/],
  ["no database of Convex", { proveDatabase: async () => ({ ...FINGERPRINT, databases: ["postgres"] }) }, /no database tv_goldviewfx/],
  ["a database that is not Convex's", { proveDatabase: async () => ({ ...FINGERPRINT, layout: "unknown" as const }) }, /no tables of Convex that are known/],
  ["an object that was not taken", { loadObjects: async () => ["in the object store/convex-files/u-1 is missing"] }, /in the object store\/convex-files\/u-1 is missing/],
  ["a row whose file is not there", { proveDatabase: async () => ({ ...FINGERPRINT, references: [{ ...FINGERPRINT.references[0], key: "u-2" }] }) }, /row k1 of _storage names convex-files\/u-2/],
  ["a row whose file is another one", { proveDatabase: async () => ({ ...FINGERPRINT, references: [{ ...FINGERPRINT.references[0], size: 6 }] }) }, /row k1 of _storage says 6 bytes/],
];
test.each(defects)("not proven: %s", async (_name, changes, message) => {
  const world = new World(changes);
  const execution = await run(world, "in-place");
  expect(execution.outcome).toBe("not-proven");
  expect(execution.problems.join("\n")).toMatch(message);
  expect(execution.next.join("\n")).toMatch(/nothing that runs was touched/);
  expect(world).toMatchObject({ data: "old", running: true });
  expect(world.done).not.toContain("mark-proven");
});

test("a volume that is still in use is not renamed, and the data plane runs again on its data as it was", async () => {
  const world = new World({ volumeUsers: async () => ["gvfx-postgres container x"] });
  const execution = await run(world, "in-place");
  expect(execution).toMatchObject({ outcome: "failed", error: expect.stringMatching(/still in use.*container x/) });
  expect(world).toMatchObject({ data: "old", running: true });
  expect(execution.next.join("\n")).toMatch(/stopped runs again on the data as it was/);
  const stuck = new World({ volumeUsers: async () => ["gvfx-postgres container x"] }, "start-jobs");
  expect((await run(stuck, "in-place")).next.join("\n")).toMatch(/data is as it was.*data restore --start/s);
});

test("whatever step fails: what is left is said, a swap never happens under a running server, and a failed rehearsal leaves nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("beside" as const, "in-place" as const, "rehearse" as const), fc.nat(12), async (mode, at) => {
      const steps = plan(mode).steps;
      const failAt = steps[at % steps.length].kind;
      const world = new World({}, failAt);
      const execution = await run(world, mode);
      if (failAt === "prove-references") return execution.outcome === "done";
      expect(execution).toMatchObject({ outcome: "failed", error: `${failAt} failed` });
      expect(execution.next.length).toBeGreaterThan(0);
      expect(world.done).toContain("clean-up");
      if (mode === "rehearse" && failAt !== "remove") expect(world.done.at(-1)).toBe("remove");
      if (world.data === "restored") expect(execution.next.join("\n")).toMatch(/--undo/);
      else expect(execution.next.join("\n")).toMatch(/data restore --in-place|nothing that runs was touched|was not removed/);
      if (["stop-backups", "stop-jobs", "prove-idle"].includes(failAt)) expect(world.running).toBe(true);
      return true;
    }),
  );
});

test("a resume of a swap that broke off starts nothing on the mixture, whatever fails before its renames", async () => {
  for (const failAt of ["stop-backups", "stop-jobs", "prove-idle", "swap"]) {
    const world = new World({}, failAt);
    const execution = await run(world, "in-place", undefined, true);
    expect(world.done).not.toContain("start-jobs");
    expect(execution.next.join("\n")).toMatch(/may be half in place: start nothing.*--in-place --snapshot 01234567 --from server-2 --to server-1 --confirm production.*--undo --confirm production/s);
  }
});

test("a rehearsal that could not be removed names a command for its node that keeps what was kept aside", async () => {
  expect((await run(new World({}, "remove"), "rehearse")).next.join("\n")).toMatch(/data restore --discard-old --beside --to server-2 --confirm production/);
});

test("an interrupt before the swap ends it; one after the stop of the jobs does not keep the data plane down", async () => {
  const stop = new AbortController();
  const early = new World({ proveDatabase: async () => (stop.abort(), FINGERPRINT) });
  expect(await run(early, "in-place", stop.signal)).toMatchObject({ outcome: "interrupted" });
  expect(early).toMatchObject({ data: "old", running: true });
  const late = new AbortController();
  const world = new World({ volumeUsers: async () => (late.abort(), []) });
  expect(await run(world, "in-place", late.signal)).toMatchObject({ outcome: "done" });
  expect(world).toMatchObject({ data: "restored", running: true });
  const between = new AbortController();
  const stopped = new World();
  const { stopJobs } = stopped;
  stopped.stopJobs = () => (between.abort(), stopJobs());
  expect(await run(stopped, "in-place", between.signal)).toMatchObject({ outcome: "interrupted" });
  expect(stopped).toMatchObject({ data: "old", running: true });
});
