/** Windows over features, counted as the app counts them (backend/rl-service/src/data/dataset_builder.py). */
import { Refusal } from "./model";

const SECONDS = { m: 60, h: 3600, d: 86_400 } as const;

/**
 * How many windows of a size fit.
 * @throws Refusal when size or stride is not positive: the app fails with 500 there
 */
export function windowCount(features: number, windowSize = 30, stride = 1): number {
  if (windowSize <= 0) throw new Refusal(500, "window_size must be positive");
  if (stride <= 0) throw new Refusal(500, "stride must be positive");
  return features < windowSize ? 0 : Math.floor((features - windowSize) / stride) + 1;
}

/**
 * How many rows a preview has when the caller brings none: one for each interval.
 * @throws Refusal for an interval that the app does not know
 */
export function syntheticRows(interval: string, startAt: string, endAt: string): number {
  const [, amount, unit] = /^(\d+)([mhd])$/.exec(interval) ?? [];
  if (!amount || !unit) throw new Refusal(400, "Unsupported interval");
  const seconds = Number(amount) * SECONDS[unit as keyof typeof SECONDS];
  return Math.max(0, Math.floor((Date.parse(endAt) - Date.parse(startAt)) / 1000 / seconds));
}
