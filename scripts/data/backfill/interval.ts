/** Intervals of candles as the app and the exchange write them: "1m", "4h", "1d", "1w", "1M". */

export const DAY_MS = 86_400_000;
/** The mean month of the Gregorian calendar: 28 days and 31 both round to one of it, and two months to two. */
const MONTH_MS = 30.436875 * DAY_MS;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS, M: MONTH_MS };

/**
 * Milliseconds from one candle's opening to the next one's; of months the mean.
 * @throws RangeError when it is no interval
 */
export function intervalMs(interval: string): number {
  const match = /^([1-9]\d?)([mhdwM])$/.exec(interval);
  if (!match) throw new RangeError(`"${interval}" is no interval of candles: write a number and m, h, d, w or M, for example "1m"`);
  return Number(match[1]) * UNITS[match[2]];
}
