/** The sync protocol (websocket /api/<version>/sync), as much of it as a client that subscribes to queries needs. */
import { decodeWire, encodeInt64, encodeWire, isFields, type Fields, type Value } from "../values/value";

/** What a client says; other kinds are not served. */
type ClientMessage =
  | { type: "Connect" }
  | { type: "Event" }
  | { type: "Authenticate"; baseVersion: number; tokenType: "Admin" | "User" | "None"; value?: string }
  | { type: "ModifyQuerySet"; baseVersion: number; newVersion: number; modifications: ({ type: "Add"; queryId: number; udfPath: string; args: unknown[] } | { type: "Remove"; queryId: number })[] };

interface Version {
  readonly querySet: number;
  readonly identity: number;
  readonly ts: bigint;
}

interface Subscription {
  readonly path: string;
  readonly args: Fields;
  /** What the client was told last, to tell it changes only. */
  told?: string;
}

export interface SyncParts {
  isAdmin(key: string): boolean;
  /** Runs a query. @param admin whether it may be one of the system's */
  query(path: string, args: Fields, admin: boolean): Promise<Value>;
  send(message: object): void;
}

function wireVersion({ querySet, identity, ts }: Version) {
  return { querySet, identity, ts: encodeInt64(ts) };
}

/** One client's session. Messages are handled in the order in which they came. */
export class SyncSession {
  private version: Version = { querySet: 0, identity: 0, ts: 0n };
  private admin = false;
  private readonly subscriptions = new Map<number, Subscription>();
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly parts: SyncParts) {}

  receive(text: string): Promise<void> {
    return this.enqueue(() => this.handle(JSON.parse(text) as ClientMessage));
  }

  /** Tells the client which of its queries have another answer now. */
  refresh(): Promise<void> {
    return this.enqueue(async () => {
      const modifications = await this.changes();
      if (modifications.length > 0) this.transition({}, modifications);
    });
  }

  private enqueue(run: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(run).catch((error: unknown) => this.parts.send({ type: "FatalError", error: error instanceof Error ? error.message : String(error) }));
    return this.queue;
  }

  private transition(change: Partial<Version>, modifications: readonly object[]): void {
    const now = BigInt(Date.now()) * 1_000_000n;
    const next = { ...this.version, ...change, ts: now > this.version.ts ? now : this.version.ts + 1n };
    this.parts.send({ type: "Transition", startVersion: wireVersion(this.version), endVersion: wireVersion(next), modifications });
    this.version = next;
  }

  private async handle(message: ClientMessage): Promise<void> {
    if (message.type === "Connect" || message.type === "Event") return;
    if (message.type === "Authenticate") {
      this.admin = message.tokenType === "Admin" && this.parts.isAdmin(message.value ?? "");
      if (message.tokenType !== "None" && !this.admin) throw new Error("BadAdminKey: The provided admin key was invalid for this instance");
      this.transition({ identity: message.baseVersion + 1 }, []);
    } else if (message.type === "ModifyQuerySet") {
      const removed: object[] = [];
      for (const change of message.modifications) {
        if (change.type === "Remove") {
          if (this.subscriptions.delete(change.queryId)) removed.push({ type: "QueryRemoved", queryId: change.queryId });
        } else {
          const args = decodeWire(change.args[0] ?? {});
          this.subscriptions.set(change.queryId, { path: change.udfPath, args: isFields(args) ? args : {} });
        }
      }
      this.transition({ querySet: message.newVersion }, [...removed, ...(await this.changes())]);
    } else {
      throw new Error(`the Convex double's websocket serves queries only: use POST /api/mutation or /api/action (got ${JSON.stringify((message as { type?: unknown }).type)})`);
    }
  }

  private async changes(): Promise<object[]> {
    const changes: object[] = [];
    for (const [queryId, subscription] of this.subscriptions) {
      const common = { queryId, logLines: [], journal: null };
      const change = await this.parts.query(subscription.path, subscription.args, this.admin).then(
        (value) => ({ type: "QueryUpdated", ...common, value: encodeWire(value) }),
        (error: unknown) => ({ type: "QueryFailed", ...common, errorMessage: error instanceof Error ? error.message : String(error), errorData: null }),
      );
      const told = JSON.stringify(change);
      if (told === subscription.told) continue;
      subscription.told = told;
      changes.push(change);
    }
    return changes;
  }
}
