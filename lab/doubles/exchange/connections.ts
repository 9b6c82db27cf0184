/** WebSockets that were opened and closed, with monotonic stamps, so that two workers at once show. */
import type { Tick } from "./stream";

export interface RecordedConnection {
  /** Undefined for a client that does not say who it is. */
  readonly instance: string | undefined;
  readonly job: string | undefined;
  /** Milliseconds of CLOCK_MONOTONIC. */
  readonly openedAt: number;
  /** When the client last said that it ran, by its own stamp: what lay in a buffer of a dead one's socket is old. */
  readonly heardAt: number;
  /** Null while it is open. A client that was cut off stays open until the exchange misses its answers. */
  readonly closedAt: number | null;
}

/** A day of reconnects every 20 s. */
const MOST_CONNECTIONS = 5_000;

export class ConnectionRecord {
  private readonly all = new Map<number, RecordedConnection>();

  opened(id: number, at: number): void {
    this.all.set(id, { instance: undefined, job: undefined, openedAt: at, heardAt: at, closedAt: null });
    if (this.all.size > MOST_CONNECTIONS) this.all.delete(this.all.keys().next().value as number);
  }

  heard(id: number, { instance, job, at }: Tick): void {
    const known = this.all.get(id);
    if (known) this.all.set(id, { ...known, instance, job, heardAt: Math.max(known.heardAt, at) });
  }

  closed(id: number, at: number): void {
    const known = this.all.get(id);
    if (known) this.all.set(id, { ...known, closedAt: at });
  }

  /** Those of which something was heard at that time or later, in the order in which they were opened. */
  since(at: number): RecordedConnection[] {
    return [...this.all.values()].filter(({ heardAt, closedAt }) => heardAt >= at || closedAt === null || closedAt >= at);
  }

  /** Forgets those that are closed. */
  reset(): void {
    for (const [id, { closedAt }] of this.all) if (closedAt !== null) this.all.delete(id);
  }
}
