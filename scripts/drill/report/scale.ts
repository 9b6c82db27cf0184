/** The time axis. Places are shares of the drawing's width, so that it fits any window. */
import type { Interval } from "../analysis-intervals";

/** The narrowest that the drawing gets, in pixels: what does not overlap at this width does not at any greater one, since texts keep their size. */
export const LEAST_WIDTH = 500;

/** Milliseconds between two marks. */
const STEPS = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];
/** Room for "−120" and some air, in pixels of the narrowest drawing. */
const MARK_ROOM = 46;

export class Scale {
  /** @param zero stands at 0 s: the first fault or action */
  constructor(private readonly window: Interval, readonly zero: number) {}

  /** Share of the width, 0 to 1; what lies outside is at the edge. */
  share(at: number): number {
    const length = this.window.to - this.window.from;
    return length <= 0 ? 0 : Math.min(1, Math.max(0, (at - this.window.from) / length));
  }

  /** For an attribute: "12.345%". */
  x(at: number): string {
    return percent(this.share(at));
  }

  width(from: number, to: number): string {
    return percent(this.share(to) - this.share(from));
  }

  /** Marks at whole steps before and after zero, with their text in seconds. */
  marks(): { readonly at: number; readonly text: string }[] {
    const { from, to } = this.window;
    const step = STEPS.find((ms) => (to - from) / ms <= LEAST_WIDTH / MARK_ROOM) ?? (to - from);
    const marks: { at: number; text: string }[] = [];
    for (let at = this.zero + Math.ceil((from - this.zero) / step) * step; at <= to && step > 0; at += step) {
      const seconds = Math.round((at - this.zero) / 100) / 10;
      marks.push({ at, text: seconds < 0 ? `−${-seconds}` : String(seconds) });
    }
    return marks;
  }
}

export function percent(share: number): string {
  return `${Math.round(share * 100_000) / 1_000}%`;
}
