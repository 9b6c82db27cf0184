/** Whether another clock is near enough, given how well it was read. */
import type { Duration } from "../../contracts/units";
import type { ClockOffset } from "../clients/http";
import { fail, inconclusive, pass, type Outcome } from "./check";

/**
 * @param limit still right
 * @param consequence of being further away
 */
export function clockOutcome(offset: ClockOffset | undefined, limit: Duration, consequence: string, mend: string): Outcome {
  if (!offset) return inconclusive("the clock could not be read", mend);
  const away = Math.abs(offset.milliseconds);
  const seen = away <= offset.uncertainty ? `agrees with this machine, to ${milliseconds(offset.uncertainty)}` : `${milliseconds(away)} ${offset.milliseconds < 0 ? "behind" : "ahead of"} this machine (to ${milliseconds(offset.uncertainty)})`;
  if (away - offset.uncertainty > limit.milliseconds) return fail(`${seen}, more than ${limit}: ${consequence}`, mend);
  if (away + offset.uncertainty > limit.milliseconds) return inconclusive(`${seen}: too coarse to tell whether it is within ${limit}`, `Run gvfx doctor again from a quicker line; ${mend}`);
  return pass(seen);
}

function milliseconds(value: number): string {
  return value >= 10_000 ? `${(value / 1_000).toFixed(1)} s` : value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}
