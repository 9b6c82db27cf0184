/** Nomad's variables with their locks, as nomad/state/state_store_variables.go has them: a double over real HTTP. */
import { randomUUID } from "node:crypto";
import { double, type Double, type Request } from "../guardian/doubles";

interface Variable {
  Items: Record<string, string>;
  lock?: { readonly id: string; readonly ttlMs: number; readonly delayMs: number; until: number };
  /** Until then nobody takes a lock that was lost. */
  barred?: number;
}
interface Body { readonly Items?: Record<string, string>; readonly Lock?: { readonly ID?: string; readonly TTL?: string; readonly LockDelay?: string } }

const ms = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : Number.parseFloat(text) * 1_000);

export class NomadDouble {
  private readonly variables = new Map<string, Variable>();
  private server: Double | undefined;
  /** Answers of this kind are lost: the write is done. */
  losesNext: ((request: Request) => boolean) | undefined;

  async start(): Promise<string> {
    this.server = await double((request) => {
      const lost = this.losesNext?.(request) === true;
      const answer = this.answer(request);
      if (!lost) return answer;
      this.losesNext = undefined;
      return undefined;
    });
    return this.server.url;
  }
  stop(): Promise<void> | undefined {
    return this.server?.close();
  }

  private answer({ method, path, query, body }: Request): { readonly status: number; readonly body?: unknown } {
    this.expire();
    if (path === "/v1/vars") return { status: 200, body: [...this.variables.keys()].filter((name) => name.startsWith(query.get("prefix") ?? "")).map((Path) => ({ Path })) };
    const name = path.replace("/v1/var/", "");
    const present = this.variables.get(name);
    if (method === "GET") return present ? { status: 200, body: { Path: name, Items: present.Items } } : { status: 404 };
    if (method === "DELETE") {
      if (present?.lock) return { status: 409 };
      this.variables.delete(name);
      return { status: 204 };
    }
    const sent = JSON.parse(body) as Body;
    if (query.has("lock-acquire")) return this.acquire(name, present, sent);
    if (query.has("lock-renew")) {
      if (!present?.lock || present.lock.id !== sent.Lock?.ID) return { status: 409 };
      present.lock.until = Date.now() + present.lock.ttlMs;
      return { status: 200, body: {} };
    }
    if (query.has("lock-release")) {
      if (sent.Items) return { status: 400, body: "release doesn't update the variable" };
      if (!present?.lock || present.lock.id !== sent.Lock?.ID) return { status: 409 };
      present.lock = undefined;
      return { status: 200, body: {} };
    }
    if (present?.lock || (query.get("cas") === "0" && present)) return { status: 409, body: { Path: name } };
    this.variables.set(name, { Items: sent.Items ?? {} });
    return { status: 200, body: {} };
  }

  private acquire(name: string, present: Variable | undefined, { Items = {}, Lock = {} }: Body): { readonly status: number; readonly body?: unknown } {
    if (present?.lock || (present?.barred ?? 0) > Date.now()) return { status: 409, body: {} };
    const ttlMs = ms(Lock.TTL, 15_000);
    if (ttlMs < 10_000) return { status: 400, body: "the TTL is too short" };
    this.variables.set(name, { Items, lock: { id: Lock.ID ?? randomUUID(), ttlMs, delayMs: ms(Lock.LockDelay, 15_000), until: Date.now() + ttlMs } });
    return { status: 200, body: {} };
  }

  private expire(): void {
    for (const variable of this.variables.values()) {
      const { lock } = variable;
      if (!lock || lock.until > Date.now()) continue;
      variable.barred = lock.until + lock.delayMs;
      variable.lock = undefined;
    }
  }
}
