/**
 * Consul as the lease sees it, over real HTTP: sessions that end at twice their TTL,
 * lock-delay, transactions, tokens, an election; the answers' forms are those of
 * Consul 1.21 (lease-consul.programs.test.ts asks the real one the same questions).
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export const OWNER_KEY = "gvfx/worker-owner";
export const LEASE_KEY = "gvfx/worker-lease";

export interface Request { readonly at: number; readonly path: string; readonly token: string | undefined; readonly body: string; readonly connection: Socket }
/** What one endpoint does with a request instead of answering it, or before it does. */
export type Fault = { readonly status: number; readonly body?: string } | "silent" | "break" | { readonly delayMs: number };
type Answer = { readonly status: number; readonly body: unknown };
interface Session { readonly id: string; readonly node: string; readonly ttlMs: number; readonly lockDelayMs: number; endsAt: number }
interface Entry { value: string; modifyIndex: number; session?: string }
interface Operation { readonly Verb: string; readonly Key: string; readonly Value?: string; readonly Session?: string; readonly Index?: number }

const milliseconds = (text: string): number => Number(/^(\d+)ms$/.exec(text)?.[1] ?? NaN);

/** The servers' common state; `speed`: how much faster than real its TTLs and lock-delays run. */
export class ConsulDouble {
  readonly sessions = new Map<string, Session>();
  readonly tokens = new Set(["token-of-the-test"]);
  /** Tokens that may do nothing. */
  readonly powerless = new Set<string>();
  readonly nodes = new Set(["server-1"]);
  /** Every change of the lease's holder, for the tests to compare with who ran. */
  readonly holders: { readonly at: number; readonly session: string | undefined; readonly how: string }[] = [];
  leaderless = false;
  private readonly entries = new Map<string, Entry>();
  private readonly lockedUntil = new Map<string, number>();
  private readonly endpoints: Endpoint[] = [];
  private index = 10;

  constructor(private readonly speed = 1) {
    this.set(OWNER_KEY, "nomad");
  }

  async listen(): Promise<Endpoint> {
    const endpoint = new Endpoint((request) => this.answer(request));
    await endpoint.open();
    this.endpoints.push(endpoint);
    return endpoint;
  }

  close(): Promise<unknown> {
    return Promise.all(this.endpoints.map((endpoint) => endpoint.refuse()));
  }

  set(key: string, value: string): void {
    const entry = this.entries.get(key);
    this.entries.set(key, { ...entry, value: Buffer.from(value).toString("base64"), modifyIndex: (this.index += 1) });
  }

  delete(key: string): void {
    this.entries.delete(key);
    if (key === LEASE_KEY) this.holders.push({ at: performance.now(), session: undefined, how: "deleted" });
  }

  /** Session that holds the lease. */
  holder(): string | undefined {
    this.expire();
    return this.entries.get(LEASE_KEY)?.session;
  }

  leaseText(): string {
    return Buffer.from(this.entries.get(LEASE_KEY)?.value ?? "", "base64").toString();
  }

  /** A new leader counts every session's time from the beginning. */
  elected(): void {
    this.leaderless = false;
    for (const session of this.sessions.values()) session.endsAt = performance.now() + (2 * session.ttlMs) / this.speed;
  }

  /** @param how told in `holders` */
  end(id: string, how: string): void {
    const session = this.sessions.get(id);
    if (!session) return;
    this.sessions.delete(id);
    for (const [key, entry] of this.entries) {
      if (entry.session !== id) continue;
      entry.session = undefined;
      entry.modifyIndex = this.index += 1;
      this.lockedUntil.set(key, performance.now() + session.lockDelayMs / this.speed);
      if (key === LEASE_KEY) this.holders.push({ at: performance.now(), session: undefined, how });
    }
  }

  private expire(): void {
    if (this.leaderless) return;
    for (const session of [...this.sessions.values()]) if (session.endsAt <= performance.now()) this.end(session.id, "expired");
  }

  private answer({ path, token, body }: Request): Answer {
    if (this.leaderless) return { status: 500, body: "No cluster leader" };
    this.expire();
    if (token === undefined || !this.tokens.has(token)) return { status: 403, body: "ACL not found" };
    const may = !this.powerless.has(token);
    if (path === "/v1/session/create") return this.create(JSON.parse(body) as Record<string, unknown>, may);
    const [, verb, id] = /^\/v1\/session\/(renew|destroy)\/(.+)$/.exec(path) ?? [];
    if (verb && !may) return { status: 403, body: "Permission denied: token lacks permission 'session:write' on \"server-1\"" };
    if (verb === "renew") {
      const session = this.sessions.get(id);
      if (!session) return { status: 404, body: `Session id '${id}' not found` };
      session.endsAt = performance.now() + (2 * session.ttlMs) / this.speed;
      return { status: 200, body: [{ ID: id }] };
    }
    if (verb === "destroy") {
      this.end(id, "destroyed");
      return { status: 200, body: true };
    }
    if (/^\/v1\/txn(\?consistent)?$/.test(path)) return this.transaction((JSON.parse(body) as { KV: Operation }[]).map(({ KV }) => KV), may);
    return { status: 404, body: `no such path in the double: ${path}` };
  }

  private create({ Node, TTL, LockDelay, Behavior, NodeChecks }: Record<string, unknown>, may: boolean): Answer {
    if (!may) return { status: 403, body: "Permission denied: token lacks permission 'session:write' on \"server-1\"" };
    if (!this.nodes.has(String(Node))) return { status: 500, body: "apply failed: Missing node registration" };
    const [ttlMs, lockDelayMs] = [milliseconds(String(TTL)), milliseconds(String(LockDelay))];
    if (!(ttlMs >= 10_000) || !(lockDelayMs <= 60_000) || Behavior !== "release" || JSON.stringify(NodeChecks) !== "[]") return { status: 400, body: `a session that the lease must not make: ${JSON.stringify({ TTL, LockDelay, Behavior, NodeChecks })}` };
    const id = randomUUID();
    this.sessions.set(id, { id, node: String(Node), ttlMs, lockDelayMs, endsAt: performance.now() + (2 * ttlMs) / this.speed });
    return { status: 200, body: { ID: id } };
  }

  private transaction(operations: readonly Operation[], may: boolean): Answer {
    const read = operations.every(({ Verb }) => Verb === "get-or-empty");
    if (!may && read) return { status: 200, body: { Results: [], Errors: null } };
    const errors = operations.flatMap((operation, OpIndex) => {
      const What = may ? this.complaint(operation) : `Permission denied: token lacks permission 'key:write' on "${operation.Key}"`;
      return What === undefined ? [] : [{ OpIndex, What }];
    });
    if (errors.length > 0) return { status: 409, body: { Results: null, Errors: errors } };
    return { status: 200, body: { Results: operations.map((operation) => ({ KV: this.apply(operation) })), Errors: null } };
  }

  private complaint({ Verb, Key, Session, Index }: Operation): string | undefined {
    const entry = this.entries.get(Key);
    if (Verb === "get-or-empty") return undefined;
    if (Verb === "check-index") return entry?.modifyIndex === Index ? undefined : `failed index check for key "${Key}", current modify index ${entry?.modifyIndex} != ${Index}`;
    if (Verb === "unlock") return entry?.session === Session ? undefined : `failed to unlock key "${Key}", lock isn't held, or is held by another session`;
    if (Verb !== "lock") return `the double does not know ${Verb}`;
    if ((this.lockedUntil.get(Key) ?? 0) > performance.now()) return `failed to lock key "${Key}" due to lock delay`;
    if (!this.sessions.has(String(Session))) return `failed to lock key "${Key}": invalid session "${Session}"`;
    return entry?.session === undefined || entry.session === Session ? undefined : `failed to lock key "${Key}", lock is already held`;
  }

  private apply({ Verb, Key, Value = "", Session }: Operation): object {
    if (Verb === "lock" || Verb === "unlock") {
      const session = Verb === "lock" ? Session : undefined;
      this.entries.set(Key, { value: Value, modifyIndex: (this.index += 1), session });
      if (Key === LEASE_KEY) this.holders.push({ at: performance.now(), session, how: Verb });
    }
    const entry = this.entries.get(Key);
    return { Key, Value: entry && Verb === "get-or-empty" ? entry.value : null, ModifyIndex: entry?.modifyIndex ?? 0, ...(entry?.session ? { Session: entry.session } : {}) };
  }
}

/** One agent or server; each has faults of its own. */
export class Endpoint {
  readonly requests: Request[] = [];
  fault: ((request: Request) => Fault | undefined) | undefined;
  private port = 0;
  private server: Server | undefined;

  constructor(private readonly answer: (request: Request) => Answer) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async open(): Promise<void> {
    const server = createServer((req, res) => this.take(req, res));
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Connections are refused until it is opened again. */
  async refuse(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  private take(req: IncomingMessage, res: ServerResponse): void {
    let body = "";
    req.on("data", (chunk) => (body += chunk));
    req.on("end", () => {
      const request = { at: performance.now(), path: req.url ?? "/", token: req.headers["x-consul-token"] as string | undefined, body, connection: req.socket };
      this.requests.push(request);
      const fault = this.fault?.(request);
      const send = ({ status, body: text }: Answer) => res.writeHead(status, { "content-type": "application/json" }).end(typeof text === "string" ? text : JSON.stringify(text));
      if (fault === "silent") return;
      if (fault === "break") return res.destroy();
      if (fault && "status" in fault) return send({ status: fault.status, body: fault.body ?? "" });
      if (!fault) return send(this.answer(request));
      // Late, but done when it came, as by an agent whose answer is slow.
      const answer = this.answer(request);
      setTimeout(() => send(answer), fault.delayMs);
    });
  }
}
