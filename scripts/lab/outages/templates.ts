/** Whether templates that failed while something was away have been rendered since: Nomad's agent says when it tries again, and says nothing when that works. */

/** `<time> server-1 nomad: ... (view) vault.read(...): ... (retry attempt 7 after "16s")`; an error of several lines has this end on the last one, which has a time of its own. */
const RETRY = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([+-]\d\d):?(\d\d) .*\(retry attempt \d+ after "([^"]+)"\)/;
const GO_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * When the last announced attempt of any template falls due, in milliseconds
 * since 1970; undefined when none failed. Later than that, without a newer
 * failure, all are rendered.
 * @param journal lines of a node's Nomad agent, with the time in front
 */
export function lastTemplateRetry(journal: readonly string[]): number | undefined {
  const due = journal.flatMap((line) => {
    const match = RETRY.exec(line);
    return match ? Date.parse(`${match[1]}${match[2]}:${match[3]}`) + goMilliseconds(match[4]) : [];
  });
  return due.length === 0 ? undefined : Math.max(...due);
}

/** "1m0s", "250ms", "1.5s", as Go prints durations. */
export function goMilliseconds(text: string): number {
  return [...text.matchAll(/([\d.]+)(ms|s|m|h)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * GO_UNITS_MS[unit], 0);
}
