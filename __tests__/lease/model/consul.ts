/**
 * Consul 1.21 as far as the lease uses it, read from its sources (session_ttl.go, kvs_endpoint.go, state/session.go) and measured:
 * - a session ends at twice its TTL after the last renewal that reached the leader, and the count starts anew with each leader;
 * - whatever ends a session that holds the lock starts the lock-delay; a release does not, and deleting the key does not;
 * - a deposed leader answers renewals, without effect, until its raft lease is over; what is consistent fails there.
 */
import { Timeline } from "./timeline";

export type Owner = "nomad" | "legacy";
export type Request =
  | { type: "create" | "read" }
  | { type: "acquire"; session: string; ownerIndex: number }
  | { type: "renew" | "release" | "destroy"; session: string };
export type Answer =
  | { status: 200; session?: string; owner?: Owner; ownerIndex?: number; holder?: string | null }
  | { status: 404 | 409 | 500 };

export interface ConsulSettings {
  readonly ttlMs: number;
  readonly lockDelayMs: number;
  /** Planted defect: the lock is taken without a look at the owner key's index. */
  readonly ignoresIndex?: boolean;
}

export class Consul {
  /** When each session ends, unless it is renewed. */
  private readonly sessions = new Map<string, number>();
  private readonly deposed = { until: 0, contenders: 0, sessions: new Set<string>() };
  private holder: string | null = null;
  private lockDelayUntil = 0;
  private index = 1;
  private ownerIndex = 1;
  private made = 0;
  private leader = true;
  private silent = false;
  /** Called when a contender's session got the lock. */
  granted: (contender: number, session: string) => void = () => undefined;

  constructor(private readonly timeline: Timeline, private readonly settings: ConsulSettings, public owner: Owner) {}

  /** @returns undefined: no answer @param contender its number, which decides whom it talks to after an election */
  handle(contender: number, request: Request): Answer | undefined {
    if (this.silent) return undefined;
    if (this.timeline.now < this.deposed.until && (this.deposed.contenders >> contender) & 1) {
      if (request.type !== "renew") return { status: 500 };
      return { status: this.deposed.sessions.has(request.session) ? 200 : 404 };
    }
    if (!this.leader) return { status: 500 };
    return this.apply(contender, request);
  }

  private apply(contender: number, request: Request): Answer {
    switch (request.type) {
      case "create": {
        const session = `s${++this.made}`;
        this.count(session);
        return { status: 200, session };
      }
      case "read":
        return { status: 200, owner: this.owner, ownerIndex: this.ownerIndex, holder: this.holder };
      case "acquire": {
        const { session } = request;
        const refused = !this.sessions.has(session) || (this.holder !== null && this.holder !== session) || this.timeline.now < this.lockDelayUntil || (!this.settings.ignoresIndex && request.ownerIndex !== this.ownerIndex);
        if (refused) return { status: 409 };
        this.index += 1;
        this.holder = session;
        this.granted(contender, session);
        return { status: 200 };
      }
      case "renew":
        if (!this.sessions.has(request.session)) return { status: 404 };
        this.count(request.session);
        return { status: 200 };
      case "release":
        if (this.holder === request.session) this.holder = null;
        return { status: 200 };
      case "destroy":
        this.end(request.session);
        return { status: 200 };
    }
  }

  private count(session: string): void {
    const known = this.sessions.has(session);
    this.sessions.set(session, this.timeline.now + 2 * this.settings.ttlMs);
    if (!known) this.watch(session);
  }

  private watch(session: string): void {
    this.timeline.at(this.sessions.get(session)!, () => {
      const endsAt = this.sessions.get(session);
      if (endsAt === undefined) return;
      // Without a leader nothing expires; the next one counts anew.
      if (endsAt <= this.timeline.now && this.leader) this.end(session);
      else if (this.leader) this.watch(session);
    });
  }

  /** Expiry, destroy, a node that leaves, an operator: all the same to the lock. */
  private end(session: string): void {
    if (!this.sessions.delete(session)) return;
    if (this.holder !== session) return;
    this.holder = null;
    this.lockDelayUntil = this.timeline.now + this.settings.lockDelayMs;
  }

  /** The session that holds the lock ends early, as when its node's agent leaves. */
  endHolder(): void {
    if (this.leader && this.holder !== null) this.end(this.holder);
  }

  deleteKey(): void {
    if (this.leader) this.holder = null;
  }

  setOwner(owner: Owner): void {
    if (!this.leader || owner === this.owner) return;
    this.owner = owner;
    this.ownerIndex = this.index += 1;
  }

  /** @param silent whether the servers do not even answer @param stale how long the deposed leader goes on answering `contenders`, a bit each */
  loseLeader(forMs: number, options: { silent?: boolean; staleMs?: number; contenders?: number }): void {
    if (!this.leader) return;
    this.leader = false;
    this.silent = options.silent ?? false;
    Object.assign(this.deposed, { until: this.timeline.now + (options.staleMs ?? 0), contenders: options.contenders ?? 0, sessions: new Set(this.sessions.keys()) });
    this.timeline.after(forMs, () => {
      this.leader = true;
      this.silent = false;
      for (const session of this.sessions.keys()) {
        this.sessions.set(session, this.timeline.now + 2 * this.settings.ttlMs);
        this.watch(session);
      }
    });
  }
}
