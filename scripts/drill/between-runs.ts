/** Time that is in no run of a case: what restores one case and arranges the next may make two workers, too. */
import { measuresOf } from "./analysis";
import type { Interval } from "./analysis-intervals";
import type { TickRecord } from "./tick-record";

export class BetweenRuns {
  /** Not judged yet: those before runs that broke off are judged with the next one. */
  private windows: Interval[] = [];
  private since: number | undefined;

  /** A run, or whatever came before the first one, is over. */
  end(at: number): void {
    this.since = at;
  }

  /** The next run begins. Nothing is known of the time before the first `end`. */
  begin(at: number): void {
    if (this.since !== undefined) this.windows.push({ from: this.since, to: at });
    this.since = at;
  }

  /** Ticks from then on are still to be judged. */
  neededFrom(): number {
    return Math.min(...this.windows.map(({ from }) => from));
  }

  /** Milliseconds at most for which two workers with a lease ran in what was not judged yet; which is judged by that. */
  judge(record: Pick<TickRecord, "stretches">): number {
    const windows = this.windows;
    this.windows = [];
    return windows.reduce((sum, { from, to }) => sum + measuresOf("lease", { from, to, events: [], stretches: record.stretches(from, to), connections: [] }).overlapAtMostMs, 0);
  }
}
