/** Where the cutover's entries are, and the lock that keeps a second operator out. */
import type { Entry, EntryBody, Head } from "./entry";

export interface Ledger {
  /** @throws Error when it cannot be read, or was changed by hand */
  entries(): Promise<readonly Entry[]>;
  /**
   * Adds an entry. Returns when it is kept.
   * @throws LedgerMoved when somebody else added one after `after`
   */
  append(after: Head, body: EntryBody): Promise<Entry>;
  /** Takes the lock, which ends by itself when its holder does. */
  lock(): Promise<HeldLock | LockHolder>;
}

export interface HeldLock {
  readonly held: true;
  /** Aborted once the lock is lost: nothing may be changed any more. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/** Who has it instead. */
export interface LockHolder {
  readonly held: false;
  /** "user@host, process 4711". */
  readonly who: string;
  /** ISO time. */
  readonly since: string;
}

export class LedgerMoved extends Error {
  override readonly name = "LedgerMoved";
  constructor(number: number) {
    super(`somebody else wrote entry ${number} of the cutover's ledger at the same moment, so that this run ends here, after what it has done; see what they did: gvfx cutover status`);
  }
}
