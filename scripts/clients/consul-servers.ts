/** Requests to Consul that any of several servers may answer. */
import { Duration } from "../../contracts/units";
import { request, Unreachable, type Answer, type TransportOptions } from "./http";

/** An election takes a few seconds, and a request to a server without leader is held for up to 7 s (Consul's rpc_hold_timeout). */
const ANSWER_TIMEOUT = Duration.seconds(10);
/** A server that does not answer is passed over soon: the next one may. */
const CONNECT_TIMEOUT = Duration.seconds(3);

export type AskConsul = (method: "GET" | "PUT" | "DELETE", path: string, body?: string) => Promise<Answer>;

/**
 * @param addresses of several servers, or one; each request goes to the first that answers
 * @returns what asks; it throws Unreachable when no server answers, and gives an answer of 500 or more when none gives a better one
 */
export function consulServers(addresses: readonly string[], token: string, transport: TransportOptions = {}): AskConsul {
  return async (method, path, body) => {
    let last: unknown = new Unreachable("other", "no address of Consul is known");
    let refused: Answer | undefined;
    for (const address of addresses) {
      try {
        const answer = await request(address.replace(/\/$/, "") + path, { connectTimeout: CONNECT_TIMEOUT, answerTimeout: ANSWER_TIMEOUT, ...transport, method, headers: { "x-consul-token": token }, ...(body === undefined ? {} : { body }) });
        // One that is cut off from the leader says so; another may not be. Writes too are asked again: a check-and-set cannot be done twice.
        if (answer.status < 500) return answer;
        refused = answer;
      } catch (error) {
        if (!(error instanceof Unreachable) || error.reason === "interrupted") throw error;
        last = error;
      }
    }
    if (refused) return refused;
    throw last;
  };
}
