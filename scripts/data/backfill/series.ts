/** Gaps and silences in rows' times. Pure: milliseconds in, what is missing out. */
import { DAY_MS, intervalMs } from "./interval";
import type { Gap, Series } from "./report";

/** Listed one by one; more of them say nothing new, and a report stays readable. */
export const MAX_GAPS = 20;

export interface Window {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly now: number;
}

const iso = (ms: number): string => new Date(ms).toISOString();
/** Ascending, each once: two rows of one moment are no gap. */
const sorted = (times: readonly number[]): number[] => [...new Set(times)].sort((a, b) => a - b);

/**
 * Candles by the times at which they open: every one that should be in the window and is not.
 * The newest whole candle may come late by `lateMs`; the one that is open now may be missing.
 */
export function candleSeries(interval: string, opens: readonly number[], { from, now }: Window, lateMs: number): Series & { readonly missing: number } {
  const step = intervalMs(interval);
  const times = sorted(opens.filter((open) => open >= from));
  const gaps: Gap[] = [];
  let [gapCount, missing, longest] = [0, 0, 0];
  const look = (a: number, b: number, count: number): void => {
    longest = Math.max(longest, b - a);
    if (count <= 0) return;
    gapCount += 1;
    missing += count;
    if (gaps.length < MAX_GAPS) gaps.push({ from: iso(a), to: iso(b), missing: count });
  };
  // At the window's begin whole steps count: the candle that was open then began before it.
  for (const [index, open] of times.entries()) look(index === 0 ? from : times[index - 1], open, index === 0 ? Math.floor((open - from) / step) : Math.round((open - times[index - 1]) / step) - 1);
  const last = times.at(-1);
  if (last === undefined) look(from, now, Math.floor((now - from) / step));
  else look(last, Math.max(now, last), now - (last + step) > lateMs ? Math.floor((now - last) / step) - 1 : 0);
  return { interval, rows: times.length, oldest: times.length > 0 ? iso(times[0]) : undefined, newest: last === undefined ? undefined : iso(last), gaps, gapCount, missing, longestSilenceMs: longest };
}

/** Rows of a feed without a fixed step: every time without a row that is longer than `maxSilenceMs`. */
export function timeSeries(times: readonly number[], { from, now }: Window, maxSilenceMs: number): Series {
  const inWindow = times.filter((time) => time >= from);
  const moments = sorted(inWindow);
  const gaps: Gap[] = [];
  let [gapCount, longest] = [0, 0];
  for (const [index, end] of [...moments, Math.max(now, moments.at(-1) ?? now)].entries()) {
    const begin = index === 0 ? from : moments[index - 1];
    longest = Math.max(longest, end - begin);
    if (end - begin <= maxSilenceMs) continue;
    gapCount += 1;
    if (gaps.length < MAX_GAPS) gaps.push({ from: iso(begin), to: iso(end) });
  }
  return { rows: inWindow.length, oldest: moments.length > 0 ? iso(moments[0]) : undefined, newest: moments.length > 0 ? iso(moments.at(-1)!) : undefined, gaps, gapCount, longestSilenceMs: longest };
}

/** "4 d 3 h", "2 min 5 s", "0.4 s": two units say enough. */
export function lengthText(ms: number): string {
  const units: readonly (readonly [string, number])[] = [["d", DAY_MS], ["h", 3_600_000], ["min", 60_000], ["s", 1_000]];
  const first = units.findIndex(([, length]) => ms >= length);
  if (first === -1) return `${(ms / 1_000).toFixed(1)} s`;
  const [name, length] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((ms % length) / next[1]) : 0;
  return `${Math.floor(ms / length)} ${name}${rest > 0 ? ` ${rest} ${next[0]}` : ""}`;
}
