/** Whether a run of a case is what is expected of a worker with a lease. */
import type { Expected } from "./case";
import type { CaseRun, Expectation } from "./result";

export type Judged = Pick<CaseRun, "measures" | "duplicates" | "recoveredMs"> & {
  /** What Nomad said when it refused what the operator asked; undefined when it did not. */
  readonly refused: string | undefined;
  /** See Evidence. */
  readonly overlapBeforeMs: number;
  /** Longest time of the fault in which no order of the worker came to the exchange. */
  readonly silentForMs: number;
};

export function judge(expected: Expected, { measures: { lease }, duplicates, recoveredMs, refused, overlapBeforeMs, silentForMs }: Judged): Expectation[] {
  const allowed = expected.overlap?.milliseconds ?? 0;
  const { gap, bound } = expected;
  const at = (measuredMs: number, ofMs: number): Pick<Expectation, "bound"> => (bound ? { bound: { id: bound, measuredMs, ofMs } } : {});
  // A node that stood still has one bound for its overlap and one for its gap.
  const frozen: Pick<Expectation, "bound"> = allowed > 0 ? { bound: { id: "frozen", measuredMs: lease.overlapAtMostMs, ofMs: allowed } } : {};
  return [
    // The upper bound, a tick longer than what was seen.
    { what: allowed === 0 ? "two workers: never" : `two workers: for ${allowed} ms at most`, held: allowed === 0 ? lease.overlapAtMostMs === 0 : lease.overlapAtMostMs < allowed, found: `${ms(lease.overlapMs)} seen, ${ms(lease.overlapAtMostMs)} at most`, ...frozen },
    { what: allowed === 0 ? "two workers at the exchange: never" : `two workers at the exchange: for ${allowed} ms at most`, held: allowed === 0 ? lease.connectionOverlapMs === 0 : lease.connectionOverlapMs < allowed, found: ms(lease.connectionOverlapMs) },
    { what: "two workers between the cases: never", held: overlapBeforeMs === 0, found: `${ms(overlapBeforeMs)} since the case before` },
    { what: "an order sent twice: none", held: duplicates.orders === 0, found: `${duplicates.orders} of ${duplicates.ordersSent}` },
    { what: "an order of a worker that another one had followed: none", held: duplicates.ordersInOverlap === 0, found: String(duplicates.ordersInOverlap) },
    { what: "orders came, so that this means something", held: duplicates.ordersSent > 0, found: String(duplicates.ordersSent) },
    { what: "an ingestion run beside another, or a row written twice: none", held: duplicates.runs === 0 && duplicates.rows === 0, found: `${duplicates.runs} runs, ${duplicates.rows} rows` },
    ...(gap ? [{ what: `without a worker: ${gap} at most`, held: lease.longestGapMs <= gap.milliseconds, found: ms(lease.longestGapMs), ...at(lease.longestGapMs, gap.milliseconds) }] : []),
    // Else a fault that did nothing would be the best of all results.
    ...(expected.undisturbed || expected.mayRunOn ? [] : [{ what: "the fault reached the worker: another one began", held: lease.starts > 0, found: `${lease.starts} began` }]),
    ...(expected.silentFor ? [{ what: `the cut reached the worker: no order of it came for ${expected.silentFor} at least`, held: silentForMs >= expected.silentFor.milliseconds, found: ms(silentForMs) }] : []),
    ...(expected.undisturbed ? [{ what: "the worker runs on, undisturbed", held: lease.undisturbed, found: lease.undisturbed ? "undisturbed" : `${lease.starts} started, ${ms(lease.longestGapMs)} without one` }] : []),
    ...(expected.refused ? [{ what: "Nomad refuses it", held: refused !== undefined, found: refused ?? "accepted" }] : []),
    { what: "a worker runs when the fault is gone, and all is well", held: recoveredMs !== null && lease.downForMs !== null, found: recoveredMs === null ? "not in time" : `after ${ms(recoveredMs)}` },
  ];
}

function ms(value: number): string {
  return value >= 10_000 ? `${(value / 1_000).toFixed(1)} s` : `${Math.round(value)} ms`;
}
