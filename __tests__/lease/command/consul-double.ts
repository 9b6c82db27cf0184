/** Consul and the workers as far as the lease's commands see them, over HTTP: indexes, check-and-set, sessions and tokens as Consul 1.21 has them. */
import { startDouble, type Double, type DoubleAnswer, type SeenRequest } from "../../doctor/doubles/server";

export const OWNER = "gvfx/worker-owner";
export const LEASE = "gvfx/worker-lease";
export const TOKEN = "planted-token-of-the-operator";
export const ALLOCATION = "0f0e0d0c-1111-2222-3333-444444444444";

interface Entry {
  value: string;
  created: number;
  modified: number;
  session?: string;
}

export class ConsulDouble {
  readonly keys = new Map<string, Entry>();
  readonly sessions = new Map<string, { Name: string; Node: string; TTL: string; LockDelay: number }>();
  readonly states: { phase: string; since: string; reason: string | null; session: string | null; remainingMs: number | null; childPid: number | null; owner?: string }[] = [];
  /** Allocations in the catalog, by the port of their /state. */
  workers: { allocation: string; node: string; port: number; passing: boolean }[] = [];
  maySeeSessions = true;
  mayReadKeys = true;
  /** Answered to everything instead. */
  failure: number | undefined;
  /** Called with each request before it is answered. */
  onRequest: (request: SeenRequest) => void = () => undefined;
  private index = 10;
  private http!: Double;
  private worker!: Double;

  async start(): Promise<this> {
    this.http = await startDouble((request) => this.answer(request));
    this.worker = await startDouble(() => (this.states[0] ? { body: this.states[0] } : { status: 503 }));
    return this;
  }

  get url(): string {
    return this.http.url;
  }

  get requests(): SeenRequest[] {
    return this.http.requests;
  }

  async close(): Promise<void> {
    await Promise.all([this.http.close(), this.worker.close()]);
  }

  /** Writes a key, as anybody with the right token may. */
  put(key: string, value: string, session?: string): void {
    const index = (this.index += 1);
    const created = this.keys.get(key)?.created ?? index;
    this.keys.set(key, { value, created, modified: index, ...(session ? { session } : {}) });
  }

  /** A side takes the lease, with a session of its own. */
  take(session: string, who = ""): void {
    this.sessions.set(session, { Name: LEASE, Node: "server-1", TTL: "10000ms", LockDelay: 12e9 });
    this.put(LEASE, who, session);
  }

  /** A side gives it back. */
  release(): void {
    const session = this.keys.get(LEASE)?.session;
    this.put(LEASE, "");
    if (session) this.sessions.delete(session);
  }

  /** Nomad's allocation, which answers on /state. */
  standby(reason = "the owner is legacy"): void {
    this.workers = [{ allocation: ALLOCATION, node: "server-1", port: this.worker.port, passing: true }];
    this.says("standby", null, reason);
  }

  says(phase: string, session: string | null, reason: string | null = null): void {
    this.states[0] = { phase, since: "2026-01-01T00:00:00.000Z", reason, session, remainingMs: session ? 8_500 : null, childPid: session ? 17 : null, owner: "nomad" };
  }

  private answer(request: SeenRequest): DoubleAnswer {
    this.onRequest(request);
    const { method, path, headers, body } = request;
    if (this.failure) return { status: this.failure, body: "No cluster leader" };
    if (headers["x-consul-token"] !== TOKEN) return { status: 403, body: "ACL not found" };
    if (method === "PUT" && path === "/v1/txn?consistent") return { body: { Results: this.mayReadKeys ? (JSON.parse(body) as { KV: { Key: string } }[]).map(({ KV }) => ({ KV: this.shown(KV.Key) })) : [], Errors: null } };
    const set = /^\/v1\/kv\/(.+)\?cas=(\d+)$/.exec(path);
    if (method === "PUT" && set) {
      if ((this.keys.get(set[1])?.modified ?? 0) !== Number(set[2])) return { body: "false" };
      this.put(set[1], body);
      return { body: "true" };
    }
    const session = /^\/v1\/session\/info\/([^?]+)\?consistent$/.exec(path)?.[1];
    if (session) return this.maySeeSessions ? { body: [this.sessions.get(session)].filter(Boolean) } : { body: [], headers: { "x-consul-results-filtered-by-acls": "true" } };
    if (path === "/v1/health/service/gvfx-worker?consistent") return { body: this.workers.map((it) => ({ Node: { Node: it.node, Address: "127.0.0.1" }, Service: { ID: `_nomad-task-${it.allocation}-group-worker-gvfx-worker-metrics`, Address: "127.0.0.1", Port: it.port }, Checks: [{ Status: it.passing ? "passing" : "critical" }] })) };
    return { status: 404, body: `${method} ${path}` };
  }

  private shown(key: string): object {
    const entry = this.keys.get(key);
    return entry ? { Key: key, Value: Buffer.from(entry.value).toString("base64"), Flags: 0, CreateIndex: entry.created, ModifyIndex: entry.modified, ...(entry.session ? { Session: entry.session } : {}) } : { Key: key, Value: null, CreateIndex: 0, ModifyIndex: 0 };
  }
}
