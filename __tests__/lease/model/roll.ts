/** Who ran when, and who ran beside whom. */
import type { Contender } from "./contender";
import { Timeline } from "./timeline";

/** `excused`: all but one of them are what a worker left behind that is dead itself, or a worker without a fence; they were frozen through their deadline, and their wrappers were not back yet. */
export interface Overlap { readonly from: number; readonly to: number; readonly who: readonly Contender[]; readonly excused: boolean }

export class Roll {
  running: readonly Contender[] = [];
  readonly overlaps: Overlap[] = [];
  readonly runs: { readonly from: number; to: number; readonly who: Contender }[] = [];
  /** Whose worker itself runs. */
  private trading: readonly Contender[] = [];
  private since = 0;

  constructor(private readonly timeline: Timeline, private readonly contenders: readonly Contender[], private readonly unfenced: boolean, private readonly log: (what: () => string) => void) {}

  /** To be called whenever a child may have begun or ceased to run. */
  call(): void {
    const { now } = this.timeline;
    const trading = this.trading;
    this.trading = this.contenders.filter(({ child }) => child.trading);
    const running = this.contenders.filter(({ child }) => child.running);
    if (this.running.length > 1 && now > this.since) {
      const excused = this.running.filter((contender) => (this.unfenced || !trading.includes(contender)) && contender.excused.some(({ from, to }) => from <= this.since && now <= to)).length;
      this.overlaps.push({ from: this.since, to: now, who: this.running, excused: excused >= this.running.length - 1 });
    }
    for (const who of running) if (!this.running.includes(who)) this.runs.push({ from: now, to: Infinity, who });
    for (const who of this.running) if (!running.includes(who)) this.runs.findLast((run) => run.who === who)!.to = now;
    if (running.length !== this.running.length) this.log(() => `running: ${running.map(({ name }) => name).join(", ") || "nobody"}`);
    this.running = running;
    this.since = now;
  }
}
