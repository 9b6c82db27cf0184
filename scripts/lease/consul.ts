/** The lease's keys, its session and the worker's registrations in Consul. */
import { z } from "zod";
import { serviceName } from "../../contracts/services";
import type { KvPaths } from "../../contracts/kv";
import { Duration } from "../../contracts/units";
import { consulServers, type AskConsul } from "../clients/consul-servers";
import { json, UnexpectedAnswer, type Answer, type TransportOptions } from "../clients/http";
import type { LeaseKeys, LeaseSources, RegisteredWorker, SessionDetails, Side } from "./sources";

/** The token may not read the keys. Consul answers with nothing instead of a refusal. */
export class KeysHidden extends Error {}

const entrySchema = z.object({ KV: z.object({ Value: z.string().nullable(), Session: z.string().optional(), CreateIndex: z.number(), ModifyIndex: z.number() }) });
const readSchema = z.object({ Results: z.array(entrySchema).nullable() });
const sessionSchema = z.array(z.object({ Name: z.string(), Node: z.string(), TTL: z.string(), LockDelay: z.number() }));
const healthSchema = z.array(z.object({ Node: z.object({ Node: z.string(), Address: z.string() }), Service: z.object({ ID: z.string(), Address: z.string(), Port: z.number() }), Checks: z.array(z.object({ Status: z.string() })) }));
/** The service id by which Nomad registers an allocation's service. */
const ALLOCATION = /^_nomad-task-([0-9a-f-]{36})-/;

export class LeaseConsul implements Omit<LeaseSources, "workerState"> {
  readonly keys: LeaseSources["keys"];
  private readonly send: AskConsul;

  /** @param addresses of several servers, or one; each request goes to the first that answers */
  constructor(addresses: readonly string[], token: string, paths: Pick<KvPaths, "workerOwner" | "workerLease">, transport: TransportOptions = {}) {
    this.send = consulServers(addresses, token, transport);
    this.keys = { owner: paths.workerOwner, lease: paths.workerLease };
  }

  async readKeys(): Promise<LeaseKeys> {
    const what = `Consul's keys ${this.keys.owner} and ${this.keys.lease}`;
    // get-or-empty: a key that is not there would fail the whole transaction.
    const reads = [this.keys.owner, this.keys.lease].map((Key) => ({ KV: { Verb: "get-or-empty", Key } }));
    const { Results } = readSchema.parse(json(must(await this.send("PUT", "/v1/txn?consistent", JSON.stringify(reads)), what), what));
    // What a token may not read is left out of the answer.
    if (Results?.length !== 2) throw new KeysHidden(`the token may not read ${what}`);
    const [owner, lease] = Results.map(({ KV }) => KV);
    return {
      owner: owner.CreateIndex === 0 ? undefined : { value: text(owner.Value), index: owner.ModifyIndex, untouched: owner.CreateIndex === owner.ModifyIndex },
      lease: { session: lease.Session, who: lease.Value === null ? undefined : text(lease.Value), index: lease.ModifyIndex },
    };
  }

  async session(id: string): Promise<SessionDetails | "gone" | "hidden"> {
    const what = "Consul's session of the lease";
    const answer = await this.send("GET", `/v1/session/info/${encodeURIComponent(id)}?consistent`);
    if (answer.status === 403) return "hidden";
    const [session] = sessionSchema.parse(json(must(answer, what), what) ?? []);
    if (!session) return answer.headers["x-consul-results-filtered-by-acls"] === "true" ? "hidden" : "gone";
    return { name: session.Name, node: session.Node, ttlSeconds: Duration.parse(session.TTL).seconds, lockDelaySeconds: session.LockDelay / 1e9 };
  }

  async workers(): Promise<RegisteredWorker[]> {
    const what = "Consul's catalog of workers";
    const entries = healthSchema.parse(json(must(await this.send("GET", `/v1/health/service/${serviceName("worker")}?consistent`), what), what));
    return entries.map(({ Node, Service, Checks }) => ({ allocation: ALLOCATION.exec(Service.ID)?.[1] ?? Service.ID, node: Node.Node, address: Service.Address || Node.Address, port: Service.Port, passing: Checks.every(({ Status }) => Status === "passing") }));
  }

  async setOwner(to: Side | "nobody", index: number): Promise<boolean> {
    // Without flags: a guardian's mark of a roll-back ends with the owner that it set.
    return must(await this.send("PUT", `/v1/kv/${this.keys.owner}?cas=${index}`, to), `Consul's key ${this.keys.owner}`).text.trim() === "true";
  }
}

function must(answer: Answer, what: string): Answer {
  if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
  return answer;
}

function text(base64: string | null): string {
  return Buffer.from(base64 ?? "", "base64").toString("utf8").trim();
}
