/** What arrived: requests by method and path, and ids that others report, so that a repetition shows. */

/** Paths beyond it are counted together: a scan of made-up paths must not fill the memory. */
const MOST_PATHS = 1_000;
/** An hour of a load of 50 ids a second. */
const MOST_IDS = 200_000;

export class RequestCounts {
  private readonly counts = new Map<string, number>();

  add(method: string, path: string): void {
    const key = `${method} ${path}`;
    const known = this.counts.has(key) || this.counts.size < MOST_PATHS ? key : "other";
    this.counts.set(known, (this.counts.get(known) ?? 0) + 1);
  }

  report(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => a.localeCompare(b)));
  }

  reset(): void {
    this.counts.clear();
  }
}

interface Seen {
  count: number;
  /** Who reported it, for example an api instance, with how often. */
  readonly reporters: Map<string, number>;
  readonly firstAt: string;
}

export interface IdReport {
  /** Reports in all. */
  readonly received: number;
  /** Different ids that are remembered. */
  readonly ids: number;
  /** Ids that are no longer remembered. */
  readonly forgotten: number;
  readonly duplicates: readonly { readonly id: string; readonly count: number; readonly reporters: readonly string[]; readonly firstAt: string }[];
}

/** Counts ids across everyone who reports them: several instances of the api, before and after a restart. */
export class IdCounts {
  private readonly seen = new Map<string, Seen>();
  private received = 0;
  private forgotten = 0;

  /** @returns how often the id has been reported, this time included */
  add(id: string, reporter: string, nowMs: number): number {
    this.received += 1;
    const entry = this.seen.get(id) ?? { count: 0, reporters: new Map<string, number>(), firstAt: new Date(nowMs).toISOString() };
    entry.count += 1;
    entry.reporters.set(reporter, (entry.reporters.get(reporter) ?? 0) + 1);
    this.seen.set(id, entry);
    if (this.seen.size > MOST_IDS) {
      this.seen.delete(this.seen.keys().next().value as string);
      this.forgotten += 1;
    }
    return entry.count;
  }

  /** @param prefix only ids that begin so, for example those of one load */
  report(prefix = ""): IdReport {
    const chosen = [...this.seen].filter(([id]) => id.startsWith(prefix));
    return {
      received: prefix ? chosen.reduce((sum, [, { count }]) => sum + count, 0) : this.received,
      ids: chosen.length,
      forgotten: this.forgotten,
      duplicates: chosen.flatMap(([id, { count, reporters, firstAt }]) => (count > 1 ? [{ id, count, reporters: [...reporters.keys()], firstAt }] : [])),
    };
  }

  reset(): void {
    this.seen.clear();
    this.received = 0;
    this.forgotten = 0;
  }
}
