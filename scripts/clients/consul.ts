/** Consul's HTTP API, as far as the CLI asks it. */
import { z } from "zod";
import { json, request, UnexpectedAnswer, type Answer, type ClockOffset, type TransportOptions } from "./http";

export interface ConsulServer {
  readonly name: string;
  /** Without its port. */
  readonly address: string;
  readonly version: string;
  readonly healthy: boolean;
}

/** What a token may do; the secret id is never passed on. */
export interface ConsulToken {
  readonly description: string;
  readonly policies: readonly string[];
  readonly expires: Date | undefined;
}

const healthSchema = z.object({ Servers: z.array(z.object({ Name: z.string(), Address: z.string(), Version: z.string(), Healthy: z.boolean() })).nullable() });
const tokenSchema = z.object({ Description: z.string().optional(), Policies: z.array(z.object({ Name: z.string() })).nullish(), ExpirationTime: z.iso.datetime().optional() });

export class ConsulClient {
  /** @param token sent with every request that does not say `anonymous` */
  constructor(private readonly address: string, private readonly transport: TransportOptions = {}, private readonly token?: string) {}

  /** Address of the leader, empty when there is none, with the server's clock. Needs no token. */
  async leader(): Promise<{ readonly leader: string; readonly clock: ClockOffset | undefined }> {
    const answer = this.must(await this.get("/v1/status/leader"), "Consul's leader");
    return { leader: z.string().parse(json(answer, "Consul's leader")), clock: answer.clockOffset };
  }

  /** Every datacenter that the servers know. Needs no token. */
  async datacenters(): Promise<string[]> {
    const what = "Consul's datacenters";
    return z.array(z.string()).parse(json(this.must(await this.get("/v1/catalog/datacenters"), what), what));
  }

  /** Whether ACLs are on: a server without them says so to whoever asks for a token. */
  async aclsEnabled(): Promise<boolean> {
    const { status } = await this.get("/v1/acl/token/self", { anonymous: true });
    if (status === 401) return false;
    if (status === 200 || status === 403) return true;
    throw new UnexpectedAnswer(status, "Consul's ACL system");
  }

  /** Whether somebody without a token may read a key. Reading is refused exactly when writing is too, for `write` includes `read`. */
  async anonymousMayRead(key: string): Promise<boolean> {
    const { status } = await this.get(`/v1/kv/${key}`, { anonymous: true });
    if (status === 403) return false;
    if (status === 200 || status === 404) return true;
    throw new UnexpectedAnswer(status, `Consul's key ${key}`);
  }

  /** The token that this client has; undefined when Consul does not know it. */
  async ownToken(): Promise<ConsulToken | undefined> {
    const answer = await this.get("/v1/acl/token/self");
    if (answer.status === 403) return undefined;
    const token = tokenSchema.parse(json(this.must(answer, "Consul's token"), "Consul's token"));
    return { description: token.Description ?? "", policies: (token.Policies ?? []).map((policy) => policy.Name), expires: token.ExpirationTime === undefined ? undefined : new Date(token.ExpirationTime) };
  }

  /** Whether the token may do something, as Consul's own UI asks; undefined when this server does not answer that. */
  async may(resource: string, access: string, segment = ""): Promise<boolean | undefined> {
    const answer = await this.post("/v1/internal/acl/authorize", [{ Resource: resource, Access: access, Segment: segment }]);
    if (answer.status !== 200) return undefined;
    return z.array(z.object({ Allow: z.boolean() })).length(1).parse(json(answer, "Consul's authorizer"))[0].Allow;
  }

  /** Every server and its health; undefined when the token lacks `operator:read`. */
  async servers(): Promise<ConsulServer[] | undefined> {
    const answer = await this.get("/v1/operator/autopilot/health");
    if (answer.status === 403) return undefined;
    // 429: at least one server is not healthy; the body is the same.
    if (answer.status !== 200 && answer.status !== 429) throw new UnexpectedAnswer(answer.status, "Consul's autopilot");
    return (healthSchema.parse(json(answer, "Consul's autopilot")).Servers ?? []).map((s) => ({ name: s.Name, address: s.Address.replace(/:\d+$/, ""), version: s.Version.replace(/\+.*$/, ""), healthy: s.Healthy }));
  }

  private must(answer: Answer, what: string): Answer {
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    return answer;
  }

  private get(path: string, { anonymous = false }: { readonly anonymous?: boolean } = {}): Promise<Answer> {
    return request(this.address.replace(/\/$/, "") + path, { ...this.transport, headers: this.token && !anonymous ? { "x-consul-token": this.token } : {} });
  }

  private post(path: string, body: unknown): Promise<Answer> {
    return request(this.address.replace(/\/$/, "") + path, { ...this.transport, method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...(this.token ? { "x-consul-token": this.token } : {}) } });
  }
}
