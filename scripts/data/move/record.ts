/** How long the freeze was, and what a move leaves beside its verdict in Consul. */
import { z } from "zod";
import { parseJson } from "../../json";
import type { StepContext, StepTime } from "./step";

/** ISO times; undefined what has not come yet. */
export interface Freeze {
  /** Trading halted. */
  readonly halted: string | undefined;
  /** Worker and API stopped. */
  readonly stopped: string | undefined;
  /** Worker and API run again. */
  readonly started: string | undefined;
  /** The kill switch is as it was. */
  readonly over: string | undefined;
}

export function freezeOf(times: readonly StepTime[]): Freeze {
  const time = (step: string): StepTime | undefined => times.find((it) => it.step === step);
  return { halted: time("halt-trading")?.began, stopped: time("stop")?.began, started: time("start")?.done, over: time("resume-trading")?.done };
}

export const secondsBetween = (from: string | undefined, to: string | undefined): number | undefined => (from === undefined || to === undefined ? undefined : (Date.parse(to) - Date.parse(from)) / 1_000);

/** JSON without a secret. Consul keeps up to 512 KiB in a key; a table is some 150 bytes. */
export function evidenceRecord(context: StepContext): string {
  const { move, environment, world, fact, maybe, settings } = context;
  const snapshot = fact("export");
  const times = context.times();
  const freeze = freezeOf(times);
  return JSON.stringify({
    version: 1,
    move,
    environment,
    at: world.clock.now().toISOString(),
    app: maybe("functions")?.app,
    from: world.source.address,
    to: world.target.address,
    convexUrl: settings.convexUrl,
    snapshot: { bytes: snapshot.bytes, sha256: snapshot.sha256, tables: snapshot.tables, files: snapshot.files },
    criticalTables: Object.fromEntries(settings.criticalTables.map((table) => [table, snapshot.tables.find(({ name }) => name === table)?.documents ?? 0])),
    compared: maybe("compare"),
    closedRuns: maybe("close-runs")?.closed,
    timescale: maybe("timescale") ?? null,
    freeze: { ...freeze, haltedSeconds: secondsBetween(freeze.halted, freeze.over), stoppedSeconds: secondsBetween(freeze.stopped, freeze.started) },
    steps: times,
  });
}

const moveSchema = z.object({ move: z.string() });

/** Whose record it is. */
export function recordMove(record: string | undefined): string | undefined {
  return record === undefined ? undefined : moveSchema.safeParse(parseJson(record)).data?.move;
}
