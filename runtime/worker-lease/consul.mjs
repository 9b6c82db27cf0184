/** The lease's requests to Consul; each effect of the protocol is answered by exactly one event. */
import { Unanswered } from "./consul-endpoints.mjs";
import { parsed } from "./http.mjs";

/** @typedef {import("./settings.mjs").LeaseSettings} LeaseSettings */
/** @typedef {Exclude<import("./protocol.mjs").Effect, { type: "start" | "signal" | "kill" | "exit" }>} LeaseRequest what of the effects is asked of Consul */
/** @template E @typedef {E extends any ? Omit<E, "at"> : never} WithoutTime */
/** @typedef {WithoutTime<import("./protocol.mjs").Event>} Outcome */
/** @typedef { { owner: string | null, ownerIndex: number, holder: string | null }} Reading */

/** Rights that are missing are told within a 409, or by leaving out of an answer what may not be seen. */
const DENIED = /permission denied|ACL not found/i;

/** Failed, and no retry elsewhere helps until somebody acts. */
class Refused extends Error {}

export class Consul {
  /**
   * @param {LeaseSettings} settings
   * @param { {
   *   endpoints: Pick<import("./consul-endpoints.mjs").Endpoints, "ask">, token: import("./token.mjs").TokenFile,
   *   trouble: import("./trouble.mjs").Trouble, now: () => number, holder: string,
   * }} options `holder`: written into the lease for people
   */
  constructor(settings, { endpoints, token, trouble, now, holder }) {
    this.settings = settings;
    this.endpoints = endpoints;
    this.token = token;
    this.trouble = trouble;
    this.now = now;
    this.value = Buffer.from(holder).toString("base64");
  }

  /** @param {LeaseRequest} effect @returns {Promise<Outcome>} never rejects */
  async perform(effect) {
    try {
      const outcome = await this.outcome(effect);
      this.trouble.over("consul");
      return outcome;
    } catch (error) {
      const why = this.explain(error);
      switch (effect.type) {
        case "observe": return { type: "observe-failed", why };
        case "create-session": return { type: "session-failed", why };
        case "acquire": return { type: "acquire-failed", session: effect.session, why };
        case "renew": return { type: "renew-failed", session: effect.session };
        case "release": return { type: "release-failed", session: effect.session };
        default: return { type: "destroy-failed", session: effect.session };
      }
    }
  }

  /** @param {LeaseRequest} effect @returns {Promise<Outcome>} @throws {Error} when it is not known what happened */
  async outcome(effect) {
    const { owner, lease } = this.settings.keys;
    switch (effect.type) {
      case "observe":
        return { type: "observed", ...(await this.read()) };

      case "create-session": {
        const { node, timing } = this.settings;
        // Without checks: with the default one, gossip ends the session of a node that is merely cut off.
        const session = { Name: lease, Node: node, TTL: `${timing.ttlMs}ms`, LockDelay: `${timing.lockDelayMs}ms`, Behavior: "release", NodeChecks: [] };
        const sentAt = this.now();
        const { status, text } = await this.ask("/v1/session/create", session);
        const id = parsed(text)?.ID;
        if (status !== 200 || typeof id !== "string") throw unexpected("making a session", status, text);
        return { type: "session-created", session: id, sentAt };
      }

      case "acquire": {
        const { status, text } = await this.ask("/v1/txn", [
          { KV: { Verb: "check-index", Key: owner, Index: effect.ownerIndex } },
          { KV: { Verb: "lock", Key: lease, Value: this.value, Session: effect.session } },
        ]);
        if (status === 200) return { type: "acquired", session: effect.session };
        if (status === 409) return { type: "acquire-refused", session: effect.session, why: `the lease was refused: ${complaints(text)}` };
        throw unexpected("taking the lease", status, text);
      }

      case "renew":
        return this.renew(effect.session);

      case "release": {
        const { status, text } = await this.ask("/v1/txn", [{ KV: { Verb: "unlock", Key: lease, Value: this.value, Session: effect.session } }]);
        // 409: it does not hold the lock, which is all that was asked for.
        if (status === 200 || status === 409) return { type: "released", session: effect.session };
        throw unexpected("giving the lease back", status, text);
      }

      default: {
        const { status, text } = await this.ask(`/v1/session/destroy/${effect.session}`);
        if (status === 200) return { type: "destroyed", session: effect.session };
        throw unexpected("ending the session", status, text);
      }
    }
  }

  /**
   * The read decides whether the lease is ours: it is answered by a leader that the
   * other servers confirmed. A renewal alone may be answered by a leader of the past,
   * and its 404 by one that has not read all of its log yet.
   * @param {string} session @returns {Promise<Outcome>}
   */
  async renew(session) {
    const sentAt = this.now();
    const { status, text } = await this.ask(`/v1/session/renew/${session}`);
    if (status !== 200 && status !== 404) throw unexpected("renewing the session", status, text);
    const { owner, holder } = await this.read();
    if (holder !== session) return { type: "renew-lost", session };
    if (status === 404) throw new Error(`the session is not known where it was renewed, and holds the lease all the same: ${text.trim()}`);
    return { type: "renewed", session, sentAt, owner };
  }

  /** Owner and holder at one instant. @returns {Promise<Reading>} */
  async read() {
    const keys = [this.settings.keys.owner, this.settings.keys.lease];
    const { status, text } = await this.ask("/v1/txn?consistent", keys.map((Key) => ({ KV: { Verb: "get-or-empty", Key } })));
    const found = keys.map((key) => parsed(text)?.Results?.find?.((/** @type {any} */ result) => result?.KV?.Key === key)?.KV);
    if (status !== 200) throw unexpected("reading owner and lease", status, text);
    // A key that is not there is answered as empty; one that may not be read is left out.
    if (found.some((entry) => entry === undefined)) throw new Refused(`the answer leaves out ${keys.filter((_, i) => found[i] === undefined).join(" and ")}, which the token may not read`);
    const [owner, lease] = found;
    return { owner: owner.Value === null ? null : Buffer.from(owner.Value, "base64").toString("utf8").trim(), ownerIndex: owner.ModifyIndex, holder: lease.Session ?? null };
  }

  /** @param {string} path @param {unknown} [body] @returns {Promise<import("./http.mjs").Answer>} */
  async ask(path, body) {
    const token = this.token.read();
    if (token === undefined) throw new Refused(`there is no token to ask with: ${this.token.problem}`);
    const answer = await this.endpoints.ask(path, { token, body: body === undefined ? undefined : JSON.stringify(body), timeoutMs: this.settings.timing.requestTimeoutMs });
    if (answer.status === 409 && DENIED.test(answer.text)) throw new Refused(complaints(answer.text));
    return answer;
  }

  /** @param {unknown} error @returns {string} for the state; told in full to the log */
  explain(error) {
    const { keys, node, tokenFile } = this.settings;
    const why = error instanceof Error ? error.message : String(error);
    const refused = error instanceof Refused || (error instanceof Unanswered && error.refused !== undefined);
    if (refused) {
      const stale = this.token.problem === undefined ? "" : ` ${this.token.problem}, the token before is used.`;
      this.trouble.met("consul", "error", "consul-refuses", `Consul refuses the token of ${tokenFile}.${stale} It needs key read on ${keys.owner}, key write on ${keys.lease} and session write on node ${node}. Put a token that is valid into that file, it is read anew for each request; a Nomad task gets one when its allocation is restarted`, { why });
      return "Consul refuses the token";
    }
    const help = why.includes("Missing node registration")
      ? `Consul knows no node ${node}, on which the session is made: set node (or WORKER_LEASE_NODE) to the name of this node's Consul agent`
      : "Look at the Consul agent of this node, then at the servers and whether they have a leader";
    this.trouble.met("consul", "warning", "consul-fails", `Consul gives no usable answer; it is asked again all the time. ${help}`, { why });
    return "Consul gives no usable answer";
  }
}

/** @param {string} text of a 409 @returns {string} what the transaction's operations complain of */
function complaints(text) {
  const errors = parsed(text)?.Errors;
  return Array.isArray(errors) ? errors.map((error) => error?.What).join("; ") : text.trim().slice(0, 200);
}

/** @param {string} doing @param {number} status @param {string} text */
function unexpected(doing, status, text) {
  return new Error(`${doing} was answered ${status}: ${text.trim().slice(0, 200)}`);
}
