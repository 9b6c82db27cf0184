/** When periodic jobs run. */
import { Duration } from "./units";

const HOUR = Duration.hours(1);
const DAY = Duration.hours(24);

/**
 * Cron expression of a run every `interval`, counted from midnight.
 * @throws RangeError for an interval that divides neither an hour nor a day into whole parts: the last run of each would come too soon
 */
export function cronEvery(interval: Duration): string {
  if (interval.milliseconds > 0 && Number.isInteger(interval.minutes)) {
    if (HOUR.isLongerThan(interval) && 60 % interval.minutes === 0) return `*/${interval.minutes} * * * *`;
    if (Number.isInteger(interval.hours) && 24 % interval.hours === 0) return DAY.isLongerThan(interval) ? `0 */${interval.hours} * * *` : "0 0 * * *";
  }
  throw new RangeError(`${interval} divides neither an hour nor a day into whole parts; use for example "15m" or "6h"`);
}
