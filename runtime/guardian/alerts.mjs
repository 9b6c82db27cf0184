/** Alerts to the environment's destination, and the dead-man's signal whose silence is an alert. */
import { Backlog } from "./backlog.mjs";
import { call, describe } from "./http.mjs";

/** Beyond it nobody reads them one by one. */
const MOST_WAITING = 200;
const TIMEOUT_MS = 10_000;

export class Alerts {
  /**
   * @param { { destination: string }} settings @param {string} token
   * @param { { now: () => number, log: (level: string, message: string) => void }} runtime
   */
  constructor({ destination }, token, { now, log }) {
    this.backlog = new Backlog(
      async (/** @type {object} */ alert) => {
        const { status } = await call(destination, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(alert), timeoutMs: TIMEOUT_MS });
        if (status < 200 || status > 299) throw new Error(`the alert destination answered ${status}`);
      },
      { limit: MOST_WAITING, onFailure: (error) => log("warning", `an alert cannot be delivered, ${this.backlog.waiting.length} wait: ${describe(error)}`), now },
    );
  }

  /** @param {object} alert */
  send(alert) {
    this.backlog.add(alert);
  }
}

export class DeadMan {
  /**
   * @param { { deadManUrl?: string, deadManIntervalMs: number, destination: string }} settings @param {string} token sent only to the origin it belongs to
   * @param { { now: () => number, log: (level: string, message: string) => void }} runtime
   */
  constructor({ deadManUrl, deadManIntervalMs, destination }, token, { now, log }) {
    this.url = deadManUrl;
    // Twice as often as it is expected: one that is lost does not cry wolf.
    this.intervalMs = deadManIntervalMs / 2;
    this.headers = deadManUrl && new URL(deadManUrl).origin === new URL(destination).origin ? { authorization: `Bearer ${token}` } : undefined;
    this.now = now;
    this.log = log;
    this.due = -Infinity;
    this.sent = 0;
    this.failures = 0;
  }

  /** Says that evaluation goes on; called after each round, so a guardian that hangs falls silent. */
  async signal() {
    if (!this.url || this.now() < this.due) return;
    this.due = this.now() + this.intervalMs;
    try {
      const { status } = await call(this.url, { headers: this.headers, timeoutMs: TIMEOUT_MS });
      if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
      this.sent += 1;
    } catch (error) {
      this.failures += 1;
      this.log("warning", `the dead-man's signal cannot be sent: ${describe(error)}`);
    }
  }
}
