/** The clock that the workers' stamps are of, seen from here: the same where the engine runs on this kernel, otherwise known to some milliseconds. */

const own = (): number => Number(process.hrtime.bigint()) / 1e6;

export class DrillClock {
  private offsetMs: number | undefined;
  private same = false;

  constructor(private readonly hrtime: () => number = own, private readonly wall: () => number = Date.now) {}

  /** Milliseconds of CLOCK_MONOTONIC of the lab's machines. */
  now(): number {
    return this.hrtime() + (this.same ? 0 : (this.offsetMs ?? 0));
  }

  /** Whether the lab's machines and this process have one kernel, and so one clock. */
  sameKernel(same: boolean): void {
    this.same = same;
  }

  /** A stamp that was just received: the true time is later by the way that it took, so the largest difference is the best. */
  sample(theirs: number): void {
    this.offsetMs = Math.max(this.offsetMs ?? -Infinity, theirs - this.hrtime());
  }

  /** What an instant of the clock on the wall is on this one. */
  ofWall(ms: number): number {
    return ms - (this.wall() - this.now());
  }

  /** What an instant of this clock is on the wall. */
  toWall(at: number): number {
    return at + (this.wall() - this.now());
  }
}
