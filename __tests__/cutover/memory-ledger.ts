/** The ledger's double: entries in memory, which several executors share, and a point at which whoever uses it is killed. */
import { headOf, nextEntry, readChain, type Entry, type EntryBody, type Head } from "../../scripts/cutover/entry";
import { LedgerMoved, type HeldLock, type Ledger, type LockHolder } from "../../scripts/cutover/ledger";

export class MemoryLedger implements Ledger {
  readonly texts: string[] = [];
  holder: LockHolder | undefined;
  private seconds = 0;
  /** What is appended next goes this way first. */
  beforeAppend: (body: EntryBody) => Promise<void> = async () => undefined;
  /** And after it is kept, this way. */
  afterAppend: (body: EntryBody) => Promise<void> = async () => undefined;

  entries(): Promise<readonly Entry[]> {
    return Promise.resolve(readChain(this.texts));
  }

  async append(after: Head, body: EntryBody): Promise<Entry> {
    await this.beforeAppend(body);
    if (headOf(readChain(this.texts)).hash !== after.hash) throw new LedgerMoved(after.number + 1);
    const entry = nextEntry(after, new Date(Date.UTC(2026, 0, 1, 12, 0, this.seconds++)).toISOString(), "operator@laptop", body);
    this.texts.push(JSON.stringify(entry));
    await this.afterAppend(body);
    return entry;
  }

  lock(): Promise<HeldLock | LockHolder> {
    if (this.holder) return Promise.resolve(this.holder);
    this.holder = { held: false, who: "operator@laptop, process 1", since: "2026-01-01T12:00:00.000Z" };
    return Promise.resolve({ held: true, signal: new AbortController().signal, release: () => Promise.resolve(void (this.holder = undefined)) });
  }

  /** A line an entry, for golden transcripts. */
  lines(): string[] {
    return readChain(this.texts).map(({ body }) => {
      switch (body.kind) {
        case "plan":
          return `plan ${body.plan.direction}: ${body.plan.steps.join(" ")}`;
        case "began":
          return `began ${body.step}`;
        case "ended":
          return `ended ${body.step}: ${body.verdict}`;
        case "triggered":
          return `triggered before ${body.step}`;
        case "accepted":
          return `accepted ${body.step}: ${body.reason}`;
        case "finished":
          return "finished";
      }
    });
  }
}
