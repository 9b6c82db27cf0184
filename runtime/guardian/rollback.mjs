/**
 * The in-cluster part of the roll-back, by check-and-set on Consul's keys: first
 * the worker's owner away from Nomad, then traffic. To `nobody`, not to `legacy`:
 * the legacy worker is started by the operator, who proves first that Nomad's is gone.
 */
import { call, parsed } from "./http.mjs";

/** Kept with the key in the same write, so that a guardian that died between the two steps finishes what it began. "GV" and "RB" in ASCII. */
export const ROLLED_BACK_BY_GUARDIAN = 0x47565242;

/** A key that others change at the same moment is read again this often; then the next round tries. */
const TRIES = 3;
const TIMEOUT_MS = 5_000;

/** @typedef { { value: string, index: number, flags: number }} Switch */
/** @typedef { { key: string, from: string, to: string }} Move */

export class Switches {
  /** @param { { address: string, token: string }} consul @param { { workerOwner: string, traffic: string }} keys */
  constructor(consul, keys) {
    this.consul = consul;
    this.keys = keys;
  }

  /** @returns {Promise<{ owner: Switch, traffic: Switch }>} as the servers' leader has them @throws {Error} when Consul does not say */
  async read() {
    const [owner, traffic] = await Promise.all([this.readKey(this.keys.workerOwner), this.readKey(this.keys.traffic)]);
    return { owner, traffic };
  }

  /**
   * Takes the worker and the traffic away from Nomad. Does nothing unless Nomad
   * owns the worker, or a roll-back that began was not finished. Safe to repeat.
   * @param {(move: Move) => void} moved told of each key as soon as it is moved
   * @returns {Promise<"done" | "nothing to do">} done: at least one key was moved
   * @throws {Error} when Consul does not answer or the keys keep changing; call it again
   */
  async rollBack(moved) {
    let { owner, traffic } = await this.read();
    let tries = 0;
    let done = false;
    /** @param {string} key @param {string} from @param {string} to */
    const tell = (key, from, to) => {
      done = true;
      moved({ key, from, to });
    };
    while (owner.value === "nomad") {
      if ((tries += 1) > TRIES) throw new Error(`${this.keys.workerOwner} changed ${TRIES} times while it was being moved`);
      if (await this.move(this.keys.workerOwner, owner, "nobody", ROLLED_BACK_BY_GUARDIAN)) tell(this.keys.workerOwner, "nomad", "nobody");
      ({ owner, traffic } = await this.read());
    }
    tries = 0;
    // An owner that somebody else set since is theirs, and so is traffic that was set after the owner.
    while (unfinished(owner, traffic)) {
      if ((tries += 1) > TRIES) throw new Error(`${this.keys.traffic} changed ${TRIES} times while it was being moved`);
      if (await this.move(this.keys.traffic, traffic, "legacy", ROLLED_BACK_BY_GUARDIAN)) tell(this.keys.traffic, "nomad", "legacy");
      ({ owner, traffic } = await this.read());
    }
    return done ? "done" : "nothing to do";
  }

  /** @param {string} key @returns {Promise<Switch>} */
  async readKey(key) {
    const { status, text } = await this.request("GET", key, "consistent");
    if (status !== 200) throw new Error(`GET of ${key} answered ${status}`);
    const entry = parsed(text)?.[0];
    if (typeof entry?.Value !== "string") throw new Error(`GET of ${key} answered without a value`);
    return { value: Buffer.from(entry.Value, "base64").toString("utf8").trim(), index: Number(entry.ModifyIndex), flags: Number(entry.Flags) };
  }

  /** @param {string} key @param {Switch} seen @param {string} to @param {number} flags @returns {Promise<boolean>} false: changed since it was seen */
  async move(key, seen, to, flags) {
    const { status, text } = await this.request("PUT", key, `cas=${seen.index}&flags=${flags}`, to);
    if (status !== 200) throw new Error(`PUT of ${key} answered ${status}`);
    return text.trim() === "true";
  }

  /** @param {string} method @param {string} key @param {string} query @param {string} [body] */
  request(method, key, query, body) {
    return call(`${this.consul.address}/v1/kv/${key}?${query}`, { method, headers: { "x-consul-token": this.consul.token, ...(body === undefined ? {} : { "content-type": "text/plain" }) }, body, timeoutMs: TIMEOUT_MS });
  }
}

/** The guardian took the worker away, and nobody has set the traffic since. @param {Switch} owner @param {Switch} traffic */
export function unfinished(owner, traffic) {
  return owner.value === "nobody" && owner.flags === ROLLED_BACK_BY_GUARDIAN && traffic.value === "nomad" && traffic.index < owner.index;
}
