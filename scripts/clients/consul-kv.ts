/** Single keys of Consul, read consistently and written by check-and-set. */
import { z } from "zod";
import { consulServers, type AskConsul } from "./consul-servers";
import { json, UnexpectedAnswer, type TransportOptions } from "./http";

export interface ConsulEntry {
  readonly value: string;
  /** Consul's ModifyIndex. */
  readonly index: number;
}

const entriesSchema = z.array(z.object({ Value: z.string().nullable(), ModifyIndex: z.number() }));

export class ConsulKv {
  private readonly ask: AskConsul;

  /** @param addresses of several servers, or one */
  constructor(addresses: readonly string[], token: string, transport: TransportOptions = {}) {
    this.ask = consulServers(addresses, token, transport);
  }

  /** Undefined when there is no such key. @throws Error when the token may not read it, which Consul may answer like an absent key */
  async read(key: string): Promise<ConsulEntry | undefined> {
    const answer = await this.ask("GET", `/v1/kv/${key}?consistent`);
    const hidden = answer.status === 403 || (answer.status === 404 && answer.headers["x-consul-results-filtered-by-acls"] === "true");
    if (hidden) throw new Error(`the token may not read Consul's key ${key}; use the cutover operator's (terraform output -raw operator-consul-token of the cutover stack)`);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Consul's key ${key}`);
    const [found] = entriesSchema.parse(json(answer, `Consul's key ${key}`));
    return found && { value: Buffer.from(found.Value ?? "", "base64").toString("utf8").trim(), index: found.ModifyIndex };
  }

  /** Check-and-set. @param seen undefined: only where there is no such key. @returns false when it was changed since */
  async write(key: string, value: string, seen: ConsulEntry | undefined): Promise<boolean> {
    const answer = await this.ask("PUT", `/v1/kv/${key}?cas=${seen?.index ?? 0}`, value);
    if (answer.status === 403) throw new Error(`the token may not write Consul's key ${key}; use the cutover operator's (terraform output -raw operator-consul-token of the cutover stack)`);
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Consul's key ${key}`);
    return answer.text.trim() === "true";
  }

  /**
   * Makes it so.
   * @throws Error when somebody else writes the key at the same moment: which of the two counts is theirs to say
   */
  async set(key: string, value: string): Promise<void> {
    const seen = await this.read(key);
    if (seen?.value === value) return;
    let failure: unknown;
    try {
      if (await this.write(key, value, seen)) return;
    } catch (error) {
      // It may have been done all the same: the key says.
      failure = error;
    }
    const found = await this.read(key);
    if (found?.value === value) return;
    if (failure !== undefined) throw failure;
    throw new Error(`somebody else set Consul's key ${key} to ${found?.value ?? "nothing"} while it was to become ${value}; see who, and run the same command again`);
  }
}
