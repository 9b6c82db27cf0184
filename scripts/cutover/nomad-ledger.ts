/** The ledger in Nomad: a variable for each entry, made only where there is none, and a variable that is locked while somebody works. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CUTOVER_VARIABLES } from "../../contracts/variables";
import { Duration } from "../../contracts/units";
import { json, request, type Answer } from "../clients/http";
import { parseJson } from "../json";
import type { Endpoint } from "../lab/access";
import { nextEntry, readChain, type Entry, type EntryBody, type Head } from "./entry";
import { LedgerMoved, type HeldLock, type Ledger, type LockHolder } from "./ledger";

const ENTRIES = `${CUTOVER_VARIABLES}/entry`;
const LOCK = `${CUTOVER_VARIABLES}/lock`;
/** Six digits, so that names sort as numbers do. */
const nameOf = (number: number): string => `${ENTRIES}/${String(number).padStart(6, "0")}`;
/** The least that Nomad takes (nomad/structs/variables.go, minVariableLockTTL): whoever died is out of the way after it and the delay. */
const LOCK_TTL = Duration.seconds(10);
/** Nomad makes 15 s of none; entries keep each other from being written twice by themselves. */
const LOCK_DELAY = Duration.seconds(1);
const RENEW_EVERY = Duration.seconds(3);
/** Entries read at once. */
const AT_ONCE = 8;

export interface NomadLedgerOptions {
  readonly nomad: Endpoint;
  readonly namespace: string;
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

const holderSchema = z.object({ Items: z.object({ by: z.string(), pid: z.string(), since: z.string() }) });
const keptSchema = z.object({ id: z.string(), pid: z.number() });

export class NomadLedger implements Ledger {
  private readonly now: () => Date;

  constructor(private readonly options: NomadLedgerOptions) {
    this.now = options.now ?? (() => new Date());
  }

  async entries(): Promise<readonly Entry[]> {
    const answer = await this.send("GET", `/v1/vars?prefix=${ENTRIES}/&`);
    const listed = z.array(z.object({ Path: z.string() })).parse(json(this.well(answer, "listing the ledger"), "Nomad's list of variables"));
    const paths = listed.map(({ Path }) => Path).sort();
    const texts: string[] = [];
    for (let at = 0; at < paths.length; at += AT_ONCE) texts.push(...(await Promise.all(paths.slice(at, at + AT_ONCE).map((path) => this.text(path)))));
    return readChain(texts);
  }

  async append(after: Head, body: EntryBody): Promise<Entry> {
    const entry = nextEntry(after, this.now().toISOString(), this.options.by, body);
    const path = nameOf(entry.number);
    const { status } = await this.send("PUT", `/v1/var/${path}?cas=0&`, { Path: path, Items: { number: String(entry.number), at: entry.at, by: entry.by, kind: body.kind, entry: JSON.stringify(entry) } });
    if (status === 200) return entry;
    if (status !== 409) throw new Error(`Nomad answered ${status} to entry ${entry.number} of the cutover's ledger (${path}), so that what was done last may not be recorded; run the same command again, which looks first`);
    // Its own, when the answer to an earlier request was lost on its way.
    if ((await this.text(path)) === JSON.stringify(entry)) return entry;
    throw new LedgerMoved(entry.number);
  }

  async lock(): Promise<HeldLock | LockHolder> {
    const own = await this.acquire();
    if (own) return own;
    const left = this.leftHere();
    if (left === undefined) return this.holder();
    await this.lockOperation("lock-release", left);
    return (await this.acquire()) ?? this.holder();
  }

  private async acquire(): Promise<HeldLock | undefined> {
    const { by, pid, folder } = this.options;
    const id = randomUUID();
    const items = { by, pid: String(pid), since: this.now().toISOString() };
    const answer = await this.send("PUT", `/v1/var/${LOCK}?lock-acquire&`, { Path: LOCK, Items: items, Lock: { ID: id, TTL: nomadTime(LOCK_TTL), LockDelay: nomadTime(LOCK_DELAY) } });
    if (answer.status === 409) return undefined;
    this.well(answer, "taking the cutover's lock");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(this.kept(), JSON.stringify({ id, pid }), { mode: 0o600 });
    return this.renewed(id);
  }

  private renewed(id: string): HeldLock {
    const lost = new AbortController();
    const lose = (): void => {
      clearInterval(timer);
      lost.abort();
    };
    let renewedAt = performance.now();
    const timer = setInterval(() => {
      const began = performance.now();
      void this.lockOperation("lock-renew", id).then(
        ({ status }) => {
          if (status === 200) renewedAt = began;
          else if (status === 409 || status === 404) lose();
        },
        // A change of Nomad's leader: the next one may be answered.
        () => undefined,
      );
      if (performance.now() - renewedAt > LOCK_TTL.milliseconds) lose();
    }, RENEW_EVERY.milliseconds);
    timer.unref();
    return {
      held: true,
      signal: lost.signal,
      release: async () => {
        clearInterval(timer);
        // One that is not answered ends by itself.
        await this.lockOperation("lock-release", id).catch(() => undefined);
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
    const answer = await this.send("GET", `/v1/var/${LOCK}?`);
    const { Items } = holderSchema.parse(json(this.well(answer, "reading the cutover's lock"), "Nomad's variable"));
    return { held: false, who: `${Items.by}, process ${Items.pid}`, since: Items.since };
  }

  private kept(): string {
    return join(this.options.folder, "lock.json");
  }

  private async text(path: string): Promise<string> {
    const answer = await this.send("GET", `/v1/var/${path}?`);
    return z.object({ Items: z.object({ entry: z.string() }) }).parse(json(this.well(answer, `reading ${path}`), "Nomad's variable")).Items.entry;
  }

  private well(answer: Answer, what: string): Answer {
    if (answer.status === 200) return answer;
    throw new Error(`Nomad answered ${answer.status} to ${what}${answer.status === 403 ? ": the token may not; use the cutover operator's (terraform output -raw operator-nomad-token of the cutover stack)" : ""}`);
  }

  private lockOperation(operation: "lock-renew" | "lock-release", id: string): Promise<Answer> {
    return this.send("PUT", `/v1/var/${LOCK}?${operation}&`, { Path: LOCK, Lock: { ID: id } });
  }

  private send(method: "GET" | "PUT", path: string, body?: Readonly<Record<string, unknown>>): Promise<Answer> {
    const { nomad, namespace } = this.options;
    return request(`${nomad.address}${path}namespace=${encodeURIComponent(namespace)}`, { ca: nomad.caPem, headers: { "x-nomad-token": nomad.token }, method, ...(body ? { body: JSON.stringify({ Namespace: namespace, ...body }) } : {}) });
  }
}

const nomadTime = (time: Duration): string => `${time.seconds}s`;
