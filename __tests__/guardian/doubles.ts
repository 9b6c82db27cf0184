/** Doubles of what the guardian talks to, over real HTTP: API, RL service, Consul KV, Nomad variables, alert receiver. Each records the requests it got. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Request { readonly method: string; readonly path: string; readonly query: URLSearchParams; readonly headers: IncomingMessage["headers"]; readonly body: string }
interface Answer { readonly status: number; readonly body?: unknown }

export interface Double { readonly url: string; readonly requests: Request[]; close(): Promise<void> }

export async function double(answer: (request: Request) => Answer | undefined | Promise<Answer | undefined>, listenOn: number | string = 0): Promise<Double> {
  const requests: Request[] = [];
  const server: Server = createServer((req, res) => {
    let body = "";
    req.on("data", (chunk) => (body += chunk));
    req.on("end", async () => {
      const url = new URL(req.url ?? "/", "http://double");
      const request = { method: req.method ?? "GET", path: url.pathname, query: url.searchParams, headers: req.headers, body };
      requests.push(request);
      const given = await answer(request);
      // Undefined: the connection breaks without an answer.
      if (!given) return res.destroy();
      res.writeHead(given.status, { "content-type": "application/json" }).end(given.body === undefined ? "" : typeof given.body === "string" ? given.body : JSON.stringify(given.body));
    });
  });
  await (typeof listenOn === "string" ? new Promise<void>((resolve) => server.listen(listenOn, resolve)) : new Promise<void>((resolve) => server.listen(listenOn, "127.0.0.1", resolve)));
  const address = server.address();
  return {
    url: typeof address === "string" ? `unix://${address}` : `http://127.0.0.1:${(address as AddressInfo).port}`,
    requests,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}

/** Consul's KV with check-and-set, one index over all keys as Raft has it. */
export class ConsulKv {
  private index = 100;
  private readonly keys = new Map<string, { value: string; index: number; flags: number }>();
  /** Every accepted write, in order. */
  readonly writes: string[] = [];
  /** Called before a write is looked at: whoever else writes at that moment. */
  beforeWrite: (key: string) => void = () => undefined;
  /** Status for every request, or for none. */
  outage: ((request: Request) => boolean) | undefined;

  constructor(initial: Readonly<Record<string, string>>) {
    for (const [key, value] of Object.entries(initial)) this.set(key, value);
  }

  set(key: string, value: string, flags = 0): void {
    this.keys.set(key, { value, flags, index: (this.index += 1) });
  }

  get(key: string): string | undefined {
    return this.keys.get(key)?.value;
  }

  answer = (request: Request): Answer => {
    const key = request.path.replace("/v1/kv/", "");
    if (this.outage?.(request)) return { status: 500, body: "No cluster leader" };
    if (request.method === "GET") {
      const entry = this.keys.get(key);
      return entry ? { status: 200, body: [{ Key: key, Value: Buffer.from(entry.value).toString("base64"), ModifyIndex: entry.index, Flags: entry.flags }] } : { status: 404 };
    }
    this.beforeWrite(key);
    if (String(this.keys.get(key)?.index) !== request.query.get("cas")) return { status: 200, body: "false" };
    this.set(key, request.body, Number(request.query.get("flags") ?? 0));
    this.writes.push(`${key}=${request.body}`);
    return { status: 200, body: "true" };
  };
}

export type Items = Record<string, string>;

/** Nomad's variables, with check-and-set. */
export class NomadVariables {
  readonly entries = new Map<string, Items>();
  outage = false;

  answer = (request: Request): Answer => {
    if (this.outage) return { status: 500, body: "no cluster leader" };
    const path = request.path.replace("/v1/var/", "");
    const present = this.entries.get(path);
    if (request.method === "GET") return present ? { status: 200, body: { Path: path, Items: present } } : { status: 404 };
    if (request.query.get("cas") !== "0") return { status: 400, body: "an entry was written without check-and-set" };
    if (present) return { status: 409, body: { Path: path } };
    this.entries.set(path, (JSON.parse(request.body) as { Items: Items }).Items);
    return { status: 200, body: {} };
  };

  of(kind: string): Items[] {
    return [...this.entries.values()].filter((items) => items.kind === kind);
  }
}

export interface Allocation { ID: string; Name: string; NodeID: string; NodeName: string; DesiredStatus: string; ClientStatus: string; CreateIndex: number; ClientDescription?: string; TaskStates?: Record<string, { Events: { Type: string; DisplayMessage: string }[] }> }

/** Nomad with one system job on two nodes: a failed allocation stays as it is until the job is evaluated, and then only a node that is well gets another. */
export class NomadSystemJob {
  private index = 0;
  readonly job: { ID: string; Type: string; Stop: boolean } | undefined = { ID: "gvfx-gateway", Type: "system", Stop: false };
  readonly nodes = new Map(["server-1", "server-2"].map((name) => [name, { Status: "ready", SchedulingEligibility: "eligible", Drain: false }]));
  readonly allocations: Allocation[] = [];
  /** When each evaluation was asked for. */
  readonly evaluations: number[] = [];
  /** What becomes of an allocation that is placed. */
  becomes = "running";
  /** Status of every answer to this method, instead of what is asked for. */
  refuses: Readonly<Record<string, number>> = {};

  constructor(private readonly now: () => number) {
    for (const node of this.nodes.keys()) this.place(node);
  }

  place(node: string): Allocation {
    const allocation = { ID: `${String((this.index += 1)).padStart(8, "0")}-of-${node}`, Name: "gvfx-gateway.gateway[0]", NodeID: node, NodeName: node, DesiredStatus: "run", ClientStatus: this.becomes, CreateIndex: this.index };
    this.allocations.unshift(allocation);
    return allocation;
  }

  newest(node: string): Allocation {
    return this.allocations.filter(({ NodeID }) => NodeID === node).sort((a, b) => b.CreateIndex - a.CreateIndex)[0];
  }

  fail(node: string): void {
    Object.assign(this.newest(node), { ClientStatus: "failed", ClientDescription: "Failed tasks", TaskStates: { haproxy: { Events: [{ Type: "Received", DisplayMessage: "" }, { Type: "Setup Failure", DisplayMessage: 'pre-run hook "identity" failed: Permission denied' }] } } });
  }

  answer = (request: Request): Answer => {
    if (this.refuses[request.method]) return { status: this.refuses[request.method], body: "refused" };
    if (request.query.get("namespace") !== "gvfx") return { status: 403 };
    if (request.path.startsWith("/v1/node/")) {
      const node = this.nodes.get(request.path.slice("/v1/node/".length));
      return node ? { status: 200, body: node } : { status: 404 };
    }
    if (!this.job || !request.path.startsWith(`/v1/job/${this.job.ID}`)) return { status: 404 };
    if (request.path.endsWith("/allocations")) return { status: 200, body: this.allocations };
    if (!request.path.endsWith("/evaluate")) return { status: 200, body: this.job };
    const { JobID, EvalOptions } = JSON.parse(request.body) as { JobID: string; EvalOptions: { ForceReschedule: boolean } };
    if (request.method !== "POST" || JobID !== this.job.ID || !EvalOptions.ForceReschedule) return { status: 400 };
    this.evaluations.push(this.now());
    for (const [name, { Status, SchedulingEligibility }] of this.nodes) if (Status === "ready" && SchedulingEligibility === "eligible" && this.newest(name).ClientStatus === "failed") this.place(name);
    return { status: 200, body: { EvalID: "e" } };
  };
}

/** The app's API as the guardian asks it; its store can fail the way the app's does: 200 and nothing in it. */
export class Api {
  ill = false;
  storeFails = false;
  runs: object[] = [];
  retries: object[] = [];

  answer = (request: Request): Answer => {
    if (this.ill) return { status: 503, body: { error: "down" } };
    if (request.path === "/health") return { status: 200, body: { status: "ok" } };
    if (request.headers.authorization !== `Bearer ${TOKENS.API_TOKEN}`) return { status: 401, body: { error: "Unauthorized" } };
    if (request.path === "/data-sources/status") return { status: 200, body: this.storeFails ? [] : [{ pair: "BTC-USDT", source_type: "bingx_trades", enabled: true, status: "ok", last_seen_at: new Date().toISOString(), freshness_threshold_seconds: 120 }] };
    if (request.path === "/ops/ingestion/runs") return { status: 200, body: { data: this.storeFails || request.query.get("page") !== "1" ? [] : this.runs, total: 0 } };
    if (request.path === "/ops/retry-queue") return { status: 200, body: this.storeFails ? [] : this.retries };
    return { status: 404 };
  };
}

export const TOKENS = { API_TOKEN: "api-token-of-the-test", ALERT_TOKEN: "alert-token-of-the-test", NOMAD_TOKEN: "nomad-token-of-the-test", CONSUL_HTTP_TOKEN: "consul-token-of-the-test" };
export const KEYS = { workerOwner: "gvfx/worker-owner", traffic: "gvfx/traffic" };
