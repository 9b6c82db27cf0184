/** Nomad's variables: listed, read, made where there is none, and locked. */
import { z } from "zod";
import { json, request, type Answer } from "./http";

export interface NomadEndpoint {
  readonly address: string;
  readonly token: string;
  /** PEM of the authority of its certificate. */
  readonly caPem: string;
}

export type VariableItems = Readonly<Record<string, string>>;

/** Variables read at once. */
const AT_ONCE = 8;

export class NomadVariables {
  constructor(private readonly nomad: NomadEndpoint, private readonly namespace: string) {}

  /** Paths below a folder, sorted. */
  async list(folder: string): Promise<string[]> {
    const answer = await this.send("GET", `/v1/vars?prefix=${folder}/&`);
    return z.array(z.object({ Path: z.string() })).parse(json(this.well(answer, `listing ${folder}`), "Nomad's list of variables")).map(({ Path }) => Path).sort();
  }

  /** @throws Error also when there is none */
  async read(path: string): Promise<VariableItems> {
    const answer = await this.send("GET", `/v1/var/${path}?`);
    return z.object({ Items: z.record(z.string(), z.string()) }).parse(json(this.well(answer, `reading ${path}`), "Nomad's variable")).Items;
  }

  /** In the order of the paths. */
  async readAll(paths: readonly string[]): Promise<VariableItems[]> {
    const read: VariableItems[] = [];
    for (let at = 0; at < paths.length; at += AT_ONCE) read.push(...(await Promise.all(paths.slice(at, at + AT_ONCE).map((path) => this.read(path)))));
    return read;
  }

  /** Only where there is none. @returns false when there is one */
  async create(path: string, items: VariableItems): Promise<boolean> {
    const answer = await this.send("PUT", `/v1/var/${path}?cas=0&`, { Path: path, Items: items });
    if (answer.status === 409) return false;
    this.well(answer, `writing ${path}`);
    return true;
  }

  /**
   * Takes a variable's lock, and writes its items.
   * @param ttl as Nomad writes durations, at least 10 s (nomad/structs/variables.go, minVariableLockTTL)
   * @returns false when somebody has it
   */
  async lock(path: string, items: VariableItems, { id, ttl, delay }: { readonly id: string; readonly ttl: string; readonly delay: string }): Promise<boolean> {
    const answer = await this.send("PUT", `/v1/var/${path}?lock-acquire&`, { Path: path, Items: items, Lock: { ID: id, TTL: ttl, LockDelay: delay } });
    if (answer.status === 409) return false;
    this.well(answer, `taking the lock ${path}`);
    return true;
  }

  /** @returns whether the lock is still that one */
  async renew(path: string, id: string): Promise<boolean> {
    return this.lockStands("lock-renew", path, id);
  }

  /** Leaves the items as they are. @returns whether the lock was that one */
  async release(path: string, id: string): Promise<boolean> {
    return this.lockStands("lock-release", path, id);
  }

  private async lockStands(operation: string, path: string, id: string): Promise<boolean> {
    // Without items: Nomad refuses a release that has any.
    const answer = await this.send("PUT", `/v1/var/${path}?${operation}&`, { Path: path, Lock: { ID: id } });
    if (answer.status === 409 || answer.status === 404) return false;
    this.well(answer, `the lock ${path}`);
    return true;
  }

  private well(answer: Answer, what: string): Answer {
    if (answer.status === 200) return answer;
    throw new Error(`Nomad answered ${answer.status} to ${what}${answer.status === 403 ? ": the token may not; use the cutover operator's (terraform output -raw operator-nomad-token of the cutover stack)" : ""}`);
  }

  private send(method: "GET" | "PUT", path: string, body?: Readonly<Record<string, unknown>>): Promise<Answer> {
    return request(`${this.nomad.address}${path}namespace=${encodeURIComponent(this.namespace)}`, { ca: this.nomad.caPem, headers: { "x-nomad-token": this.nomad.token }, method, ...(body ? { body: JSON.stringify({ Namespace: this.namespace, ...body }) } : {}) });
  }
}
