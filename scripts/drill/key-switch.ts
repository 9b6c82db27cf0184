/** A key in Consul that the drill sets for its time, and puts back. */
import { Duration } from "../../contracts/units";
import { request, UnexpectedAnswer } from "../clients/http";
import type { Endpoint } from "../lab/access";

const ANSWER_TIMEOUT = Duration.seconds(6);

export class KeySwitch {
  private before: string | undefined;

  constructor(private readonly consul: Endpoint, private readonly key: string) {}

  /** Undefined when there is no such key. */
  async value(): Promise<string | undefined> {
    const { status, text } = await this.ask("?raw");
    if (status === 404) return undefined;
    if (status !== 200) throw new UnexpectedAnswer(status, `Consul's key ${this.key}`);
    return text;
  }

  async set(value: string): Promise<void> {
    const now = await this.value();
    this.before ??= now;
    if (now !== value) await this.put(value);
  }

  /** Nothing to do when it was never set, or somebody changed it since. */
  async restore(): Promise<void> {
    if (this.before === undefined || (await this.value()) === this.before) return;
    await this.put(this.before);
  }

  private async put(value: string): Promise<void> {
    const { status } = await this.ask("", "PUT", value);
    if (status !== 200) throw new UnexpectedAnswer(status, `writing Consul's key ${this.key}`);
  }

  private ask(query: string, method: "GET" | "PUT" = "GET", body?: string) {
    const { address, caPem, token } = this.consul;
    return request(`${address}/v1/kv/${this.key}${query}`, { ca: caPem, method, headers: { "x-consul-token": token }, answerTimeout: ANSWER_TIMEOUT, ...(body === undefined ? {} : { body }) });
  }
}
