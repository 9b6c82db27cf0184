/** A running Convex as a move uses it, by the commands' own functions. */
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Progress } from "../../progress";
import { openSnapshot } from "../../snapshot/open";
import { validateAgainst } from "../../convex/against";
import { exportSnapshot } from "../../convex/export";
import { importSnapshot } from "../../convex/import";
import { closeRunningRuns, RUNS_TABLE } from "../../convex/runs";
import type { OpenedSide } from "../../convex/sides";
import type { ConvexSide } from "../world";
import type { CheckSnapshot } from "./checked-snapshots";

/** An import of a GiB takes minutes, and says how far it is every few seconds. */
const LOOK_EVERY_MS = 1_000;

export interface ConvexSideOptions {
  /** Where uploads are recorded, so that one which broke off goes on. */
  readonly recordFolder: string;
  readonly criticalTables: readonly string[];
  readonly check: CheckSnapshot;
  readonly progress: Progress;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export function convexSide({ instance, cli }: OpenedSide, { recordFolder, criticalTables, check, progress, say, signal }: ConvexSideOptions): ConvexSide {
  const { side, address } = instance.access;
  return {
    side,
    address,
    async answers() {
      await instance.version();
      // By the admin key, which /version does not ask for.
      await instance.tables();
    },
    counts: async () => new Map([...(await instance.counts())].filter(([, rows]) => rows > 0)),
    imports: async () => (await instance.imports()).flatMap(({ id, state }) => (state === "completed" ? [id] : [])).sort(),
    async newestRun() {
      if (!(await instance.tables()).includes(RUNS_TABLE)) return undefined;
      for await (const { started_at } of instance.documents(RUNS_TABLE, "desc", 1)) return typeof started_at === "string" ? started_at : undefined;
      return undefined;
    },
    environment: async () => new Map(Object.entries(await cli.environment())),
    setVariable: (name, value) => cli.setEnvironment({ [name]: value }),
    removeVariable: (name) => cli.removeEnvironment(name),
    async exportTo(file) {
      // An earlier attempt's may be older than what Convex holds now.
      await rm(file, { force: true });
      await exportSnapshot(instance, cli, file, { progress, signal });
    },
    async importFrom(file) {
      const report = await check(file, { filesRequired: false });
      if (report.problems.length > 0) throw new Error(`${file} is not sound any more (${report.problems[0].place}: ${report.problems[0].what}); it was when it was written: see the disk of this machine`);
      await othersImport(file);
      await importSnapshot(instance, report, { recordFolder: join(recordFolder, basename(dirname(file)), basename(file)), progress, say, signal });
    },
    deploy: (folder) => cli.deploy(folder),
    async closeRuns() {
      const { closed, withoutId } = await closeRunningRuns(instance);
      if (withoutId.length > 0) say(`${withoutId.length} runs that are marked as running have no id by which the app could close them, and stay: ${withoutId.slice(0, 3).join(", ")}`);
      return closed;
    },
    async compare(file) {
      const report = await check(file);
      const snapshot = await openSnapshot(file);
      try {
        const { problems } = await validateAgainst(report, snapshot, instance, { criticalTables, progress, signal });
        return problems.map(({ place, what, more }) => `${place}: ${what}${more ? `, and ${more} more like it` : ""}`);
      } finally {
        await snapshot.close();
      }
    },
  };

  /** One that a killed command left behind goes on by itself, and two at once would mix. Its own is followed by importSnapshot. */
  async function othersImport(file: string): Promise<void> {
    const running = async (): Promise<boolean> => (await instance.imports()).some(({ state }) => state === "in_progress");
    if (basename(file) === "legacy.zip" || !(await running())) return;
    const step = progress.step(`wait for an import that runs at ${side} already`);
    while (await running()) await pause(LOOK_EVERY_MS, undefined, { signal });
    step.done();
  }
}
