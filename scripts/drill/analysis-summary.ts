/** What the repetitions of each case come to. */
import { passed, POLICIES, type CaseRun, type DrillReport, type Duplicates, type Policy, type PolicyMeasures } from "./result";

/** Over the repetitions. */
export interface Spread {
  readonly worst: number;
  readonly median: number;
}

export interface PolicySummary {
  readonly overlapMs: Spread;
  readonly overlapAtMostMs: Spread;
  readonly connectionOverlapMs: Spread;
  readonly longestGapMs: Spread;
  /** Null when a worker was down at the end of one repetition or more. */
  readonly downForMs: Spread | null;
  readonly starts: Spread;
  /** In how many repetitions the worker ran on as if nothing had been. */
  readonly undisturbed: number;
}

export interface CaseSummary {
  readonly caseId: string;
  readonly title: string;
  readonly group: string;
  /** Repetitions that were begun. */
  readonly runs: number;
  /** Those in which the drill itself worked: what is measured is of these alone. */
  readonly measured: number;
  /** Those in which everything expected was found. */
  readonly passed: number;
  readonly expectations: { readonly held: number; readonly of: number };
  /** Null when no repetition measured anything. */
  readonly policies: Readonly<Record<Policy, PolicySummary>> | null;
  /** Sums. */
  readonly duplicates: Duplicates;
  /** Null when one repetition or more did not get well in time. */
  readonly recoveredMs: Spread | null;
}

/** In the order in which the cases were run first. */
export function summariesOf({ runs }: Pick<DrillReport, "runs">): CaseSummary[] {
  return [...new Set(runs.map(({ caseId }) => caseId))].map((caseId) => summaryOf(runs.filter((run) => run.caseId === caseId)));
}

function summaryOf(runs: readonly CaseRun[]): CaseSummary {
  const [{ caseId, title, group }] = runs;
  const measured = runs.filter(({ error }) => error === null);
  const expectations = measured.flatMap((run) => run.expectations);
  const count = (of: keyof Duplicates): number => measured.reduce((sum, { duplicates }) => sum + duplicates[of], 0);
  return {
    caseId,
    title,
    group,
    runs: runs.length,
    measured: measured.length,
    passed: runs.filter(passed).length,
    expectations: { held: expectations.filter(({ held }) => held).length, of: expectations.length },
    policies: measured.length === 0 ? null : byPolicy((policy) => policySummary(measured.map(({ measures }) => measures[policy]))),
    duplicates: { orders: count("orders"), ordersSent: count("ordersSent"), ordersInOverlap: count("ordersInOverlap"), plainOrders: count("plainOrders"), runs: count("runs"), rows: count("rows") },
    recoveredMs: spreadUnlessNull(measured.map(({ recoveredMs }) => recoveredMs)),
  };
}

function policySummary(all: readonly PolicyMeasures[]): PolicySummary {
  const of = (value: (measures: PolicyMeasures) => number): Spread => spread(all.map(value));
  return {
    overlapMs: of(({ overlapMs }) => overlapMs),
    overlapAtMostMs: of(({ overlapAtMostMs }) => overlapAtMostMs),
    connectionOverlapMs: of(({ connectionOverlapMs }) => connectionOverlapMs),
    longestGapMs: of(({ longestGapMs }) => longestGapMs),
    downForMs: spreadUnlessNull(all.map(({ downForMs }) => downForMs)),
    starts: of(({ starts }) => starts),
    undisturbed: all.filter(({ undisturbed }) => undisturbed).length,
  };
}

function byPolicy<T>(of: (policy: Policy) => T): Record<Policy, T> {
  return Object.fromEntries(POLICIES.map((policy) => [policy, of(policy)])) as Record<Policy, T>;
}

function spreadUnlessNull(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 || known.length < values.length ? null : spread(known);
}

/** @param values one or more */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return { worst: sorted[sorted.length - 1], median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2 };
}

/** `held`: every repetition of every case that was asked for shows what is expected. `incomplete`: nothing spoke against it, but something could not be run, or not yet. */
export type Verdict = "held" | "failed" | "incomplete";

type Asked = Pick<DrillReport, "runs" | "notRun" | "settings">;

export function verdictOf(report: Asked): Verdict {
  const { runs, notRun } = report;
  if (runs.some((run) => run.error === null && !passed(run))) return "failed";
  return runs.length > 0 && notRun.length === 0 && runsMissing(report) === 0 && runs.every(passed) ? "held" : "incomplete";
}

/** How many repetitions were asked for and not begun, as in a drill that was ended before. */
export function runsMissing({ runs, settings: { cases, repetitions } }: Pick<Asked, "runs" | "settings">): number {
  return cases.reduce((sum, id) => sum + Math.max(0, repetitions - runs.filter(({ caseId }) => caseId === id).length), 0);
}
