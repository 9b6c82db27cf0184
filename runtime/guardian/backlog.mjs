/** What is to be delivered, in order, with growing pauses while it cannot be; the sender's caller never waits. */

const FIRST_PAUSE_MS = 1_000;
/** A minute: whoever comes back after an outage hears of it soon, and is not flooded meanwhile. */
const LONGEST_PAUSE_MS = 60_000;

/** @template T */
export class Backlog {
  /**
   * @param {(item: T) => Promise<void>} deliver throws when it must be tried again
   * @param { { limit: number, expendable?: (item: T) => boolean, onFailure: (error: unknown) => void, now: () => number }} options
   *   limit: most items that wait; beyond it expendable ones go first, then the oldest
   */
  constructor(deliver, { limit, expendable = () => false, onFailure, now }) {
    this.deliver = deliver;
    this.limit = limit;
    this.expendable = expendable;
    this.onFailure = onFailure;
    this.now = now;
    /** @type {T[]} */
    this.waiting = [];
    this.delivered = 0;
    this.failures = 0;
    this.dropped = 0;
    this.pauseMs = 0;
    this.notBefore = -Infinity;
    /** @type {Promise<void> | undefined} */
    this.running = undefined;
  }

  /** @param {T} item */
  add(item) {
    this.waiting.push(item);
    if (this.waiting.length > this.limit) {
      // The first one may be on its way right now.
      const from = this.running ? 1 : 0;
      const victim = this.waiting.findIndex((waiting, i) => i >= from && this.expendable(waiting));
      this.waiting.splice(victim < 0 ? from : victim, 1);
      this.dropped += 1;
    }
  }

  /** Delivers what waits, unless a pause is on; one run at a time. */
  flush() {
    if (this.now() < this.notBefore) return Promise.resolve();
    this.running ??= this.drain().finally(() => (this.running = undefined));
    return this.running;
  }

  async drain() {
    while (this.waiting.length > 0) {
      try {
        await this.deliver(this.waiting[0]);
      } catch (error) {
        this.failures += 1;
        this.pauseMs = Math.min(Math.max(this.pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
        this.notBefore = this.now() + this.pauseMs;
        this.onFailure(error);
        return;
      }
      this.waiting.shift();
      this.delivered += 1;
      this.pauseMs = 0;
    }
  }
}
