/**
 * From samples to a verdict; pure. No traffic is not success: what was not
 * measured often enough is inconclusive, what was asked and gave no data is what
 * the trigger says of missing data, and only an answer can pass.
 */

/** @typedef {"pass" | "fail" | "inconclusive"} Verdict */

/**
 * More than `threshold` within `windowMs` fails, judged with at least `minimumSamples` answers.
 * @typedef {object} Trigger
 * @property {number} windowMs
 * @property {number} threshold a ratio for probes, a number for counts
 * @property {number} minimumSamples
 * @property {"fail" | "inconclusive"} missingData
 */

/**
 * One attempt to measure: a probe that was well or not, a read that counted, or an attempt without data.
 * @typedef { { readonly at: number } & ({ readonly error: boolean } | { readonly count: number } | { readonly missing: string })} Sample
 */

/**
 * @typedef {object} Judgement
 * @property {Verdict} verdict
 * @property {number | null} value null when it was not judged
 * @property {number} answered samples in the window that hold data
 * @property {number} attempted samples in the window
 * @property {string} reason one sentence for people
 */

/**
 * Samples that are inside the window that ends now.
 * @param {readonly Sample[]} samples @param {number} windowMs @param {number} now
 */
export function within(samples, windowMs, now) {
  return samples.filter((sample) => sample.at > now - windowMs && sample.at <= now);
}

/**
 * @param {Trigger} trigger
 * @param {readonly Sample[]} samples in the order in which they were taken
 * @param {number} now milliseconds since the epoch
 * @returns {Judgement}
 */
export function judge(trigger, samples, now) {
  const inWindow = within(samples, trigger.windowMs, now);
  const answers = inWindow.filter((sample) => !("missing" in sample));
  const counts = { answered: answers.length, attempted: inWindow.length };
  const { minimumSamples, threshold } = trigger;
  const span = `${trigger.windowMs / 1000} s`;
  if (inWindow.length < minimumSamples) {
    return { verdict: "inconclusive", value: null, ...counts, reason: `${inWindow.length} of the ${minimumSamples} samples that a verdict needs were taken in ${span}` };
  }
  if (answers.length < minimumSamples) {
    const why = inWindow.flatMap((sample) => ("missing" in sample ? [sample.missing] : [])).at(-1);
    return { verdict: trigger.missingData, value: null, ...counts, reason: `only ${answers.length} of ${inWindow.length} samples in ${span} hold data, ${minimumSamples} are needed; last: ${why}` };
  }
  const value = valueOf(answers);
  return value > threshold
    ? { verdict: "fail", value, ...counts, reason: `${round(value)} is more than ${threshold} in ${span}` }
    : { verdict: "pass", value, ...counts, reason: `${round(value)} is at most ${threshold} in ${span}` };
}

/**
 * Probes: the share that went wrong. Counts: what the newest read says, since each read covers the whole window.
 * @param {readonly Sample[]} answers
 */
function valueOf(answers) {
  const newest = answers[answers.length - 1];
  if ("count" in newest) return newest.count;
  return answers.filter((sample) => "error" in sample && sample.error).length / answers.length;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10_000) / 10_000;
}

/**
 * One verdict over all triggers: one failure fails, and only passes pass.
 * @param {readonly Verdict[]} verdicts @returns {Verdict}
 */
export function overall(verdicts) {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === "pass") ? "pass" : "inconclusive";
}
