/** The cutover's keys in Consul: who trades, where users land, and the evidence of this gate. */
import { hostname } from "node:os";
import { z } from "zod";
import type { KvPaths } from "../../../../contracts/kv";
import { json, request, UnexpectedAnswer, Unreachable, type Answer, type TransportOptions } from "../../../clients/http";
import type { Evidence, Keys } from "../world";

/** As constructs/cutover/evidence.ts names it. */
export const GATE = "data-move";

const entriesSchema = z.array(z.object({ Value: z.string().nullable(), ModifyIndex: z.number() }));

/** Also the machine: two may begin in the same second, and an operator must find it. */
const holderOf = (move: string): string => `${move} on ${hostname()}`;

/** @param addresses of several servers, or one; each request goes to the first that answers */
export function consulKeys(addresses: readonly string[], token: string, paths: Pick<KvPaths, "workerOwner" | "traffic" | "evidence">, transport: TransportOptions = {}): Keys {
  const [verdictKey, recordKey] = [`${paths.evidence}/${GATE}`, `${paths.evidence}/${GATE}.record`];
  const lockKey = `${paths.evidence}/${GATE}.lock`;
  const send = async (method: "GET" | "PUT" | "DELETE", path: string, body?: string): Promise<Answer> => {
    let last: unknown = new Unreachable("other", "no address of Consul is known");
    for (const address of addresses) {
      try {
        const answer = await request(address.replace(/\/$/, "") + path, { ...transport, method, headers: { "x-consul-token": token }, ...(body === undefined ? {} : { body }) });
        // A server that is cut off from the leader says so; another may not be.
        if (answer.status < 500) return answer;
        last = new UnexpectedAnswer(answer.status, "Consul");
      } catch (error) {
        if (!(error instanceof Unreachable) || error.reason === "interrupted") throw error;
        last = error;
      }
    }
    throw last;
  };
  const entry = async (key: string): Promise<{ readonly value: string; readonly index: number } | undefined> => {
    const answer = await send("GET", `/v1/kv/${key}?consistent`);
    if (answer.status === 404) {
      if (answer.headers["x-consul-results-filtered-by-acls"] === "true") throw new Error(`the token may not read Consul's key ${key}; use the cutover operator's`);
      return undefined;
    }
    if (answer.status === 403) throw new Error(`the token may not read Consul's key ${key}; use the cutover operator's`);
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Consul's key ${key}`);
    const [found] = entriesSchema.parse(json(answer, `Consul's key ${key}`));
    return found && { value: Buffer.from(found.Value ?? "", "base64").toString("utf8").trim(), index: found.ModifyIndex };
  };
  const read = async (key: string): Promise<string | undefined> => (await entry(key))?.value;
  /** Check and set. @returns whether it was done */
  const change = async (method: "PUT" | "DELETE", index: number, body?: string): Promise<boolean> => {
    const answer = await send(method, `/v1/kv/${lockKey}?cas=${index}`, body);
    if (answer.status === 403) throw new Error(`the token may not write Consul's key ${lockKey}; use the cutover operator's`);
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Consul's key ${lockKey}`);
    return answer.text.trim() === "true";
  };
  return {
    async owners() {
      const [worker, traffic] = await Promise.all([read(paths.workerOwner), read(paths.traffic)]);
      return { worker, traffic };
    },
    async evidence(): Promise<Evidence> {
      const [verdict, record] = await Promise.all([read(verdictKey), read(recordKey)]);
      return { verdict, record };
    },
    async setEvidence({ verdict, record }) {
      // Both or neither: a verdict must not stand beside another move's record.
      const operations = [[verdictKey, verdict] as const, [recordKey, record] as const].map(([Key, value]) => ({ KV: value === undefined ? { Verb: "delete", Key } : { Verb: "set", Key, Value: Buffer.from(value).toString("base64") } }));
      const answer = await send("PUT", "/v1/txn", JSON.stringify(operations));
      if (answer.status === 403) throw new Error(`the token may not write Consul's keys below ${paths.evidence}; use the cutover operator's`);
      if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Consul's transaction on ${verdictKey}`);
    },
    async hold(move) {
      for (;;) {
        if (await change("PUT", 0, holderOf(move))) return undefined;
        const holder = await read(lockKey);
        if (holder === holderOf(move)) return undefined;
        // Otherwise it was given back between the two.
        if (holder !== undefined) return { holder, key: lockKey };
      }
    },
    async release(move) {
      const found = await entry(lockKey);
      if (found?.value === holderOf(move)) await change("DELETE", found.index);
    },
  };
}
