/** Tailscale's API, as far as the CLI asks it. */
import { z } from "zod";
import { json, request, UnexpectedAnswer, type Answer, type RequestOptions, type TransportOptions } from "./http";

export const TAILSCALE_API = "https://api.tailscale.com";

/** An API key of an administrator, or an OAuth client. */
export type TailscaleCredentials = { readonly apiKey: string } | { readonly clientId: string; readonly clientSecret: string };

const deviceSchema = z.object({
  name: z.string(),
  hostname: z.string(),
  addresses: z.array(z.string()),
  authorized: z.boolean(),
  keyExpiryDisabled: z.boolean(),
  expires: z.string().optional(),
  clientVersion: z.string().optional(),
  tags: z.array(z.string()).optional(),
});
export type TailnetDevice = z.output<typeof deviceSchema>;

const validationSchema = z.object({ message: z.string().optional(), data: z.array(z.object({ user: z.string().optional(), errors: z.array(z.string()).optional() })).nullish() });

/** The credentials are not accepted, or lack a scope. */
export class TailscaleDenied extends Error {
  constructor(readonly status: number, what: string) {
    super(`Tailscale refused ${what} with status ${status}`);
    this.name = "TailscaleDenied";
  }
}

export class TailscaleClient {
  private authorization: Promise<string> | undefined;

  /** @param tailnet name as the admin console shows it */
  constructor(private readonly tailnet: string, private readonly credentials: TailscaleCredentials, private readonly transport: TransportOptions = {}, private readonly base: string = TAILSCALE_API) {}

  /** Every device of the tailnet. Scope devices:core:read. */
  async devices(): Promise<TailnetDevice[]> {
    return z.object({ devices: z.array(deviceSchema) }).parse(await this.ask("devices?fields=all", "the list of devices")).devices;
  }

  /** The tailnet's policy, as JSON. Scope policy_file:read. */
  async policy(): Promise<Readonly<Record<string, unknown>>> {
    return z.record(z.string(), z.unknown()).parse(await this.ask("acl", "the policy"));
  }

  /** What is wrong with a policy, the results of its own tests included; empty when it could be posted. Changes nothing. Scope policy_file:read. */
  async policyFaults(policy: unknown): Promise<string[]> {
    const answer = await this.send("acl/validate", { method: "POST", body: JSON.stringify(policy), headers: { "content-type": "application/json" } });
    if (answer.status === 401 || answer.status === 403) throw new TailscaleDenied(answer.status, "to validate a policy");
    // A policy that cannot be read is status 400, one whose tests fail is 200 with a message.
    if (answer.status !== 200 && answer.status !== 400) throw new UnexpectedAnswer(answer.status, "Tailscale's policy validation");
    if (answer.text.trim() === "") return [];
    const { message, data } = validationSchema.parse(json(answer, "Tailscale's policy validation"));
    if (!message && answer.status === 200) return [];
    return [message ?? `status ${answer.status}`, ...(data ?? []).flatMap(({ user, errors }) => (errors ?? []).map((error) => (user ? `${user}: ${error}` : error)))];
  }

  /** Resolvers by domain. Scope dns:read. */
  async splitDns(): Promise<Readonly<Record<string, readonly string[]>>> {
    const domains = z.record(z.string(), z.array(z.string()).nullable()).parse(await this.ask("dns/split-dns", "the split DNS"));
    return Object.fromEntries(Object.entries(domains).map(([domain, resolvers]) => [domain, resolvers ?? []]));
  }

  private async ask(path: string, what: string): Promise<unknown> {
    const answer = await this.send(path, { headers: { accept: "application/json" } });
    // 404: to whoever may not see it, a tailnet does not exist.
    if ([401, 403, 404].includes(answer.status)) throw new TailscaleDenied(answer.status, what);
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Tailscale, asked for ${what},`);
    return json(answer, what);
  }

  private async send(path: string, options: RequestOptions): Promise<Answer> {
    this.authorization ??= this.authorize();
    const headers = { ...options.headers, authorization: await this.authorization };
    return request(`${this.base}/api/v2/tailnet/${encodeURIComponent(this.tailnet)}/${path}`, { ...this.transport, ...options, headers });
  }

  private async authorize(): Promise<string> {
    if ("apiKey" in this.credentials) return `Bearer ${this.credentials.apiKey}`;
    const form = new URLSearchParams({ client_id: this.credentials.clientId, client_secret: this.credentials.clientSecret, grant_type: "client_credentials" });
    const answer = await request(`${this.base}/api/v2/oauth/token`, { ...this.transport, method: "POST", body: form.toString(), headers: { "content-type": "application/x-www-form-urlencoded" } });
    if (answer.status === 400 || answer.status === 401 || answer.status === 403) throw new TailscaleDenied(answer.status, "the OAuth client");
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, "Tailscale's OAuth service");
    return `Bearer ${z.object({ access_token: z.string() }).parse(json(answer, "Tailscale's OAuth service")).access_token}`;
  }
}
