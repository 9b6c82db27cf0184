/** A whole drill: every case in every repetition, with what was found kept after each. */
import type { DrillCase } from "./case";
import type { Progress } from "./progress";
import { passed, type BrokenOff, type CaseRun, type DrillReport, type NotRun, type PolicyMeasures } from "./result";
import { runCase } from "./run-case";
import { Interrupted, type Scene } from "./scene";

export interface DrillOptions {
  readonly cases: readonly DrillCase[];
  readonly repetitions: number;
  readonly scene: Scene;
  readonly progress: Progress;
  /** Takes the report as it is after each run. */
  readonly keep: (report: DrillReport) => void;
  readonly today: () => Date;
}

/**
 * @param begun what there is already: runs in it that measured something are not repeated, the others are, and it stays known that they broke off
 * @returns the report, also of a drill that was interrupted: then with what was not run
 */
export async function runDrill(begun: DrillReport, { cases, repetitions, scene, progress, keep, today }: DrillOptions): Promise<DrillReport> {
  let report: DrillReport = { ...begun, brokeOff: [...(begun.brokeOff ?? []), ...begun.runs.flatMap(brokenOff)], runs: begun.runs.filter(({ error }) => error === null), notRun: begun.notRun.filter(({ why }) => !why.includes(INTERRUPTED)) };
  // One repetition of all first: a drill that is interrupted has seen every case.
  const all = Array.from({ length: repetitions }, (_, i) => cases.map((drillCase) => ({ drillCase, repetition: i + 1 }))).flat();
  const left = all.filter(({ drillCase, repetition }) => !report.runs.some((run) => run.caseId === drillCase.id && run.repetition === repetition));
  if (left.length < all.length) progress.say(`${all.length - left.length} of ${all.length} runs are there already`);
  for (const [index, { drillCase, repetition }] of left.entries()) {
    progress.begin(`${all.length - left.length + index + 1}/${all.length} ${drillCase.id} (${repetition} of ${repetitions}): ${drillCase.title}`);
    let run: CaseRun;
    try {
      run = await runCase(drillCase, scene, { repetition, say: (line) => progress.say(line), startedAt: today().toISOString() });
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      report = { ...report, notRun: [...report.notRun, ...interrupted(left.slice(index))] };
      break;
    }
    progress.end(outcome(run), passed(run));
    report = { ...report, runs: [...report.runs, run] };
    keep(report);
  }
  keep(report);
  return report;
}

function brokenOff({ caseId, title, repetition, startedAt, error }: CaseRun): BrokenOff[] {
  return error === null ? [] : [{ caseId, title, repetition, startedAt, error }];
}

const INTERRUPTED = "the drill was interrupted";

function interrupted(left: readonly { readonly drillCase: DrillCase; readonly repetition: number }[]): NotRun[] {
  return left.map(({ drillCase: { id, title }, repetition }) => ({ caseId: id, title, why: `repetition ${repetition}: ${INTERRUPTED}; it goes on with: npm run gvfx -- drill singleton --continue` }));
}

/** One line, for people. */
export function outcome(run: CaseRun): string {
  if (run.error !== null) return `proves nothing: ${run.error}`;
  const failed = run.expectations.filter(({ held }) => !held);
  const measured = `lease ${short(run.measures.lease)}; plain ${short(run.measures.plain)}`;
  return failed.length === 0 ? measured : `${measured}; expected ${failed.map(({ what, found }) => `"${what}", found ${found}`).join("; ")}`;
}

function short({ overlapMs, longestGapMs }: PolicyMeasures): string {
  return `twice for ${seconds(overlapMs)}, none for ${seconds(longestGapMs)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
