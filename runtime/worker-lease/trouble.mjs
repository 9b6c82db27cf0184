/** Trouble that lasts is told when it begins, changes or ends, and in between now and then: not once a second through an outage. */

/** An operator who looks in the middle of an outage finds it in the last lines. */
const REMIND_MS = 30_000;

export class Trouble {
  /** @param {import("./log.mjs").Log} log @param {() => number} now */
  constructor(log, now) {
    this.log = log;
    this.now = now;
    /** @type {Map<string, { event: string, since: number, toldAt: number, times: number }>} */
    this.lasting = new Map();
  }

  /** @param {string} what @param {import("./log.mjs").Level} level @param {string} event @param {string} message @param {Readonly<Record<string, unknown>>} fields */
  met(what, level, event, message, fields) {
    const now = this.now();
    const before = this.lasting.get(what);
    const same = before?.event === event ? before : { event, since: before?.since ?? now, toldAt: -Infinity, times: before?.times ?? 0 };
    same.times += 1;
    this.lasting.set(what, same);
    if (now - same.toldAt < REMIND_MS) return;
    same.toldAt = now;
    this.log(level, event, message, { ...fields, times: same.times, lastsMs: Math.round(now - same.since) });
  }

  /** @param {string} what */
  over(what) {
    const before = this.lasting.get(what);
    if (before === undefined) return;
    this.lasting.delete(what);
    this.log("info", `${what}-answers`, `${what} is well again`, { times: before.times, lastedMs: Math.round(this.now() - before.since) });
  }
}
