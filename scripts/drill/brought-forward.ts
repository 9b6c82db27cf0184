/** A drill that goes on under other values of the environment than it was begun with: which of its runs still say something. */
import type { DrillCase } from "./case";
import { CASES } from "./cases";
import type { DrillReport, EarlierRuns } from "./result";

/** Values that decide some cases alone; any other decides all of them. */
const DECIDES: Readonly<Record<string, (drillCase: DrillCase) => boolean>> = {
  // The first TTL that a new leader of Nomad's gives: no leader lost, no new one.
  "nomad.failoverHeartbeatTtl": mayLoseLeader,
};

export interface Now {
  readonly commit: string;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * The report with today's commit and values. Runs whose case one of the changed values decides are taken out, and so made
 * again; the others stay, and the report says under what they were made.
 *
 * @throws Error when a changed value decides every case: nothing would be left to go on with
 */
export function broughtForward(report: DrillReport, now: Now, cases: readonly DrillCase[] = CASES): DrillReport {
  const then = report.settings.values;
  const changed = [...new Set([...Object.keys(then), ...Object.keys(now.values)])].filter((name) => then[name] !== now.values[name]);
  if (changed.length === 0 && report.commit === now.commit) return report;
  const decisive = changed.filter((name) => !(name in DECIDES));
  if (decisive.length > 0) throw new Error(`the drill of ${report.createdAt} was made under other values, which decide every case: ${decisive.map((name) => `${name} ${then[name] ?? "unset"}, now ${now.values[name] ?? "unset"}`).join("; ")}. Nothing was done; begin a new one with: npm run gvfx -- drill singleton`);
  const again = new Set(cases.filter((it) => changed.some((name) => DECIDES[name](it))).map(({ id }) => id));
  const runs = report.runs.filter(({ caseId }) => !again.has(caseId));
  const differing = Object.fromEntries(changed.map((name) => [name, then[name] ?? "unset"]));
  // What was made even earlier differs from today's in the same, unless it had values of its own.
  const older = (report.earlier ?? []).map((it) => ({ ...it, values: Object.fromEntries(Object.entries({ ...differing, ...it.values }).filter(([name, value]) => value !== (now.values[name] ?? "unset"))) }));
  const earlier: EarlierRuns = {
    commit: report.commit,
    values: differing,
    runs: [...new Set(runs.map(({ caseId }) => caseId))].map((caseId) => ({ caseId, repetitions: runs.filter((it) => it.caseId === caseId).map(({ repetition }) => repetition) })),
  };
  return { ...report, commit: now.commit, settings: { ...report.settings, values: now.values }, runs, earlier: keptOf([...older, withoutOlder(earlier, older)], again) };
}

/** The report without the runs of some cases, which are made again. What it was made under stays. */
export function withoutRunsOf(report: DrillReport, again: readonly DrillCase[]): DrillReport {
  const ids = new Set(again.map(({ id }) => id));
  if (ids.size === 0) return report;
  return { ...report, runs: report.runs.filter(({ caseId }) => !ids.has(caseId)), ...(report.earlier ? { earlier: keptOf(report.earlier, ids) } : {}) };
}

/** Whether the case takes Nomad's leader away, or may when whichever machine leads is the worker's. */
export function mayLoseLeader({ given, steps }: DrillCase): boolean {
  return steps.some((step) => {
    if (!("fault" in step)) return false;
    if (step.fault === "kill-nomad-agent") return given?.leader === undefined || given.leader === "worker-node";
    if (!["kill", "pause", "partition", "stop", "cut-nomad", "crash-nomad"].includes(step.fault) || !("at" in step)) return false;
    if (step.at === "leader") return true;
    return step.at === "worker-node" && (given?.leader === undefined || given.leader === "worker-node");
  });
}

/** Without the runs that are made again, and without an entry that has none left. */
function keptOf(earlier: readonly EarlierRuns[], again: ReadonlySet<string>): EarlierRuns[] {
  return earlier.map((it) => ({ ...it, runs: it.runs.filter(({ caseId }) => !again.has(caseId)) })).filter(({ runs }) => runs.length > 0);
}

/** Runs that were brought forward before belong to where they were made. */
function withoutOlder(newest: EarlierRuns, older: readonly EarlierRuns[]): EarlierRuns {
  const known = (caseId: string, repetition: number): boolean => older.some(({ runs }) => runs.some((it) => it.caseId === caseId && it.repetitions.includes(repetition)));
  return { ...newest, runs: newest.runs.map(({ caseId, repetitions }) => ({ caseId, repetitions: repetitions.filter((it) => !known(caseId, it)) })).filter(({ repetitions }) => repetitions.length > 0) };
}
