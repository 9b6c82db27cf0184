/** One repetition of one case: all well, a calm, the fault, the heal, all well again; then what the workers wrote is judged. */
import { Duration } from "../../contracts/units";
import { measuresOf, silenceOf } from "./analysis";
import type { DrillCase, Lasts, Step } from "./case";
import { judge } from "./expectations";
import type { CaseRun, DrillEvent } from "./result";
import { Interrupted, type Mark, type Scene } from "./scene";

/** Both workers are seen to run before anything happens. */
const CALM = Duration.seconds(3);
/** What is about to fail does so within a check's interval. */
const STAYS_WELL = Duration.seconds(3);
/** A second worker that would begin now, begins within it. */
const SETTLE = Duration.seconds(4);
const LOOK_EVERY = Duration.ms(500);
/** As for any outage (scripts/lab/outages): twice the longest pause between a template's attempts, and what follows from it. */
export const WELL_WITHIN = Duration.minutes(3);
/** A replacement that is not there by then is late by any measure; the fault is healed, and the run judged as it is. */
export const REPLACED_WITHIN = Duration.seconds(75);
/** It must run on: one that fails at once is none. */
const REPLACED_FOR = Duration.seconds(2);

export interface CaseOptions {
  readonly repetition: number;
  readonly say: (line: string) => void;
  /** ISO, by the clock on the wall. */
  readonly startedAt: string;
}

/** @throws Interrupted, with everything healed */
export async function runCase(drillCase: DrillCase, scene: Scene, { repetition, say, startedAt }: CaseOptions): Promise<CaseRun> {
  const { id: caseId, title, group } = drillCase;
  const events: DrillEvent[] = [];
  const mark: Mark = (kind, what) => {
    events.push({ at: scene.now(), kind, what });
    say(what);
  };
  const known = { caseId, title, group, repetition, startedAt };
  let from = scene.now();
  try {
    await scene.arrange(drillCase.given ?? {});
    const observation = await scene.observe();
    from = observation.from;
    let refused: string | undefined;
    let healedAt: number | undefined;
    let broke: unknown;
    try {
      await scene.wait(CALM);
      for (const step of drillCase.steps) {
        const done = await perform(step, scene, mark);
        [refused, healedAt] = [done.refused ?? refused, done.healedAt ?? healedAt];
      }
    } catch (error) {
      broke = error;
    } finally {
      // Also after an error, and before anything else: nothing stays broken.
      await scene.healAll();
    }
    let recoveredMs: number | null;
    try {
      if (broke) throw broke;
      recoveredMs = await untilWell(scene, mark, healedAt);
      await scene.wait(SETTLE);
    } catch (error) {
      await observation.abandon();
      throw error;
    }
    const to = scene.now();
    const { overlapBeforeMs, workerOrders, ...evidence } = await observation.end(to);
    const observed = { from, to, events, ...evidence };
    const measures = { lease: measuresOf("lease", observed), plain: measuresOf("plain", observed) };
    return { ...known, ...observed, measures, recoveredMs, expectations: judge(drillCase.expect, { measures, duplicates: evidence.duplicates, recoveredMs, refused, overlapBeforeMs, silentForMs: silenceOf(workerOrders, events) }), error: null };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    const observed = { from, to: scene.now(), events, stretches: [], connections: [], phases: [] };
    const measures = { lease: measuresOf("lease", observed), plain: measuresOf("plain", observed) };
    return { ...known, ...observed, measures, duplicates: { orders: 0, ordersSent: 0, ordersInOverlap: 0, plainOrders: 0, runs: 0, rows: 0 }, recoveredMs: null, expectations: [], error: (error as Error).message };
  } finally {
    await scene.healAll();
    await scene.restore();
  }
}

/** @returns what Nomad said when it refused; when the fault was healed, where another worker was waited for since */
async function perform(step: Step, scene: Scene, mark: Mark): Promise<{ readonly refused?: string; readonly healedAt?: number }> {
  if ("wait" in step) {
    await scene.wait(step.wait);
    return {};
  }
  const before = new Set(scene.running("lease").map(({ instance }) => instance));
  const { refused, confirm, heal } = await scene.perform(step, mark);
  const replaced = (): Promise<void> => untilReplaced(scene, before, mark);
  const lasts = "for" in step ? step.for : undefined;
  try {
    if (lasts !== undefined) await last(lasts, scene, replaced);
    else if ("replaces" in step && step.replaces) await replaced();
    await confirm?.();
  } finally {
    await heal?.();
  }
  if (lasts === undefined || !("replaces" in step && step.replaces)) return { refused };
  const healedAt = scene.now();
  await replaced();
  return { refused, healedAt };
}

async function last(lasts: Lasts, scene: Scene, replaced: () => Promise<void>): Promise<void> {
  await (lasts === "until replaced" ? replaced() : scene.wait(lasts));
}

async function untilReplaced(scene: Scene, before: ReadonlySet<string>, mark: Mark): Promise<void> {
  const began = scene.now();
  let since: number | undefined;
  while (scene.now() - began < REPLACED_WITHIN.milliseconds) {
    const other = scene.running("lease").find(({ instance }) => !before.has(instance));
    since = other ? (since ?? scene.now()) : undefined;
    if (other && since !== undefined && scene.now() - since >= REPLACED_FOR.milliseconds) return mark("seen", `another worker runs on ${other.node}`);
    await scene.wait(LOOK_EVERY);
  }
  mark("seen", `no other worker within ${REPLACED_WITHIN}`);
}

/** Milliseconds from the heal, or from now, until all was well, and stayed so; null when that took too long. */
async function untilWell(scene: Scene, mark: Mark, healedAt = scene.now()): Promise<number | null> {
  const began = scene.now();
  let since: number | undefined;
  let problems: readonly string[] = [];
  while (scene.now() - began <= WELL_WITHIN.milliseconds) {
    problems = await scene.problems();
    const at = scene.now();
    since = problems.length === 0 ? (since ?? at) : undefined;
    if (since !== undefined && at - since >= STAYS_WELL.milliseconds) {
      mark("seen", "all is well");
      return Math.max(0, since - healedAt);
    }
    await scene.wait(LOOK_EVERY);
  }
  mark("seen", `not well within ${WELL_WITHIN}: ${problems.join("; ") || "it did not stay so"}`);
  return null;
}
