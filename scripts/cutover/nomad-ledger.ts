/** The ledger in Nomad: a variable for each entry, made only where there is none, and a variable that is locked while somebody works. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CUTOVER_VARIABLES } from "../../contracts/variables";
import { Duration } from "../../contracts/units";
import type { NomadVariables } from "../clients/nomad-variables";
import { parseJson } from "../json";
import { nextEntry, readChain, type Entry, type EntryBody, type Head } from "./entry";
import { LedgerMoved, type HeldLock, type Ledger, type LockHolder } from "./ledger";

const ENTRIES = `${CUTOVER_VARIABLES}/entry`;
const LOCK = `${CUTOVER_VARIABLES}/lock`;
/** Six digits, so that names sort as numbers do. */
const nameOf = (number: number): string => `${ENTRIES}/${String(number).padStart(6, "0")}`;
/** The least that Nomad takes (nomad/structs/variables.go, minVariableLockTTL): whoever died is out of the way after twice that and the delay. */
const LOCK_TTL = Duration.seconds(10);
/** Nomad makes 15 s of none; entries keep each other from being written twice by themselves. */
const LOCK_DELAY = Duration.seconds(1);
const RENEW_EVERY = Duration.seconds(3);

export interface NomadLedgerOptions {
  readonly variables: NomadVariables;
  /** Folder of this machine that keeps the lock's id, so that a run that was killed here is followed at once. */
  readonly folder: string;
  /** "user@host". */
  readonly by: string;
  /** Of this process. */
  readonly pid: number;
  /** Whether a process of this machine lives. */
  readonly alive: (pid: number) => boolean;
  readonly now?: () => Date;
}

const keptSchema = z.object({ id: z.string(), pid: z.number() });

export class NomadLedger implements Ledger {
  private readonly now: () => Date;

  constructor(private readonly options: NomadLedgerOptions) {
    this.now = options.now ?? (() => new Date());
  }

  async entries(): Promise<readonly Entry[]> {
    const { variables } = this.options;
    return readChain((await variables.readAll(await variables.list(ENTRIES))).map(({ entry }) => entry ?? ""));
  }

  async append(after: Head, body: EntryBody): Promise<Entry> {
    const { variables, by } = this.options;
    const entry = nextEntry(after, this.now().toISOString(), by, body);
    const path = nameOf(entry.number);
    const text = JSON.stringify(entry);
    let made: boolean;
    try {
      made = await variables.create(path, { number: String(entry.number), at: entry.at, by, kind: body.kind, entry: text });
    } catch (error) {
      throw new Error(`entry ${entry.number} of the cutover's ledger could not be written, so that what was done last may not be recorded; run the same command again, which looks first (${(error as Error).message})`, { cause: error });
    }
    // Its own, when the answer to an earlier request was lost on its way.
    if (made || (await variables.read(path)).entry === text) return entry;
    throw new LedgerMoved(entry.number);
  }

  async lock(): Promise<HeldLock | LockHolder> {
    const own = await this.acquire();
    if (own) return own;
    const left = this.leftHere();
    if (left === undefined || !(await this.options.variables.release(LOCK, left))) return this.holder();
    return (await this.acquire()) ?? this.holder();
  }

  private async acquire(): Promise<HeldLock | undefined> {
    const { variables, by, pid, folder } = this.options;
    const id = randomUUID();
    if (!(await variables.lock(LOCK, { by, pid: String(pid), since: this.now().toISOString() }, { id, ttl: `${LOCK_TTL.seconds}s`, delay: `${LOCK_DELAY.seconds}s` }))) return undefined;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(this.kept(), JSON.stringify({ id, pid }), { mode: 0o600 });
    return this.renewed(id);
  }

  private renewed(id: string): HeldLock {
    const { variables } = this.options;
    const lost = new AbortController();
    const lose = (): void => {
      clearInterval(timer);
      lost.abort();
    };
    let renewedAt = performance.now();
    const timer = setInterval(() => {
      const began = performance.now();
      void variables.renew(LOCK, id).then(
        (stands) => (stands ? (renewedAt = began) : lose()),
        // A change of Nomad's leader: the next one may be answered.
        () => undefined,
      );
      if (began - renewedAt > LOCK_TTL.milliseconds) lose();
    }, RENEW_EVERY.milliseconds);
    timer.unref();
    return {
      held: true,
      signal: lost.signal,
      release: async () => {
        clearInterval(timer);
        // One that is not answered ends by itself.
        await variables.release(LOCK, id).catch(() => undefined);
        rmSync(this.kept(), { force: true });
      },
    };
  }

  /** @returns the id of a lock that a dead process of this machine left */
  private leftHere(): string | undefined {
    const kept = existsSync(this.kept()) ? keptSchema.safeParse(parseJson(readFileSync(this.kept(), "utf8"))).data : undefined;
    return kept && !this.options.alive(kept.pid) ? kept.id : undefined;
  }

  private async holder(): Promise<LockHolder> {
    const { by = "somebody", pid = "?", since = "" } = await this.options.variables.read(LOCK);
    return { held: false, who: `${by}, process ${pid}`, since };
  }

  private kept(): string {
    return join(this.options.folder, "lock.json");
  }
}
