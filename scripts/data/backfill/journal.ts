/**
 * What a backfill has done, a line an event, written before and after each call: one that is killed goes on where it
 * was, and never makes a call again whose answer it does not know without asking what became of it.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Duration } from "../../../contracts/units";
import { parseJson } from "../../json";
import type { MadeCall } from "./follow";

export const PAIR_OUTCOMES = ["covered", "exhausted", "calls-used-up", "failed", "refused"] as const;
/** `covered`: the window is full at both ends. `exhausted`: the exchange gives no more. The others are not done. */
export type PairOutcome = (typeof PAIR_OUTCOMES)[number];

export interface PairResult {
  readonly pair: string;
  readonly outcome: PairOutcome;
  readonly calls: number;
  /** Rows that the app wrote, new or again. */
  readonly rows: number;
  readonly note?: string;
}

/** What makes two backfills the same one. */
export interface BackfillScope {
  readonly side: string;
  readonly pairs: readonly string[];
  readonly intervals: readonly string[];
  readonly maxBatches: number;
}

const pairResult = z.object({ pair: z.string(), outcome: z.enum(PAIR_OUTCOMES), calls: z.number(), rows: z.number(), note: z.string().optional() });
const eventSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("begun"), at: z.string(), scope: z.object({ side: z.string(), pairs: z.array(z.string()), intervals: z.array(z.string()), maxBatches: z.number() }) }),
  z.object({ event: z.literal("calling"), pair: z.string(), call: z.number(), at: z.number(), known: z.array(z.string()) }),
  z.object({ event: z.literal("called"), pair: z.string(), call: z.number(), outcome: z.string(), rows: z.number() }),
  z.object({ event: z.literal("pair"), result: pairResult }),
  z.object({ event: z.literal("ended"), at: z.string() }),
]);
export type JournalEvent = z.output<typeof eventSchema>;

export interface JournalState {
  /** Of pairs that need nothing more. */
  readonly done: readonly PairResult[];
  /** Calls and rows so far of pairs that are not done. */
  readonly begun: ReadonlyMap<string, { readonly calls: number; readonly rows: number }>;
  /** A call whose answer was never written down. */
  readonly open: (MadeCall & { readonly pair: string }) | undefined;
}

export interface BackfillJournal {
  /** Where it is, for sentences. */
  readonly path: string;
  /** Whether it goes on with one that was not finished. */
  readonly resumed: boolean;
  readonly state: JournalState;
  /** On the disk when it returns. */
  write(event: JournalEvent): void;
  close(): void;
}

const LOCK = "running.pid";
/** What was whole a day ago is not any more. */
const RESUMED_WITHIN = Duration.hours(24);

/**
 * Opens the journal of a backfill: the newest unfinished one of the same scope that began within a day, or a new one.
 * @param folder of the environment's backfills
 * @throws Error when another backfill of this environment runs on this machine
 */
export function openJournal(folder: string, scope: BackfillScope, { fresh = false, now = () => new Date() } = {}): BackfillJournal {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const release = lock(folder);
  try {
    const unfinished = fresh ? undefined : readdirSync(folder).filter((name) => name.endsWith(".jsonl")).sort().reverse().map((name) => join(folder, name)).find((path) => continues(read(path), scope, now()));
    const path = unfinished ?? join(folder, `${now().toISOString().replaceAll(/[:.]/g, "-")}.jsonl`);
    const events = unfinished ? read(unfinished) : [];
    const file = openSync(path, "a", 0o600);
    const write = (event: JournalEvent): void => {
      writeSync(file, `${JSON.stringify(event)}\n`);
      fsyncSync(file);
    };
    // A line that a kill cut off must not swallow the next one.
    if (unfinished && !readFileSync(path, "utf8").endsWith("\n")) writeSync(file, "\n");
    if (!unfinished) write({ event: "begun", at: now().toISOString(), scope: { ...scope, pairs: [...scope.pairs], intervals: [...scope.intervals] } });
    return {
      path,
      resumed: unfinished !== undefined,
      state: stateOf(events),
      write,
      close: () => {
        closeSync(file);
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** What a journal's events amount to. */
export function stateOf(events: readonly JournalEvent[]): JournalState {
  const done = new Map<string, PairResult>();
  const begun = new Map<string, { calls: number; rows: number }>();
  let open: JournalState["open"];
  for (const event of events) {
    if (event.event === "calling") open = { pair: event.pair, at: event.at, known: event.known };
    if (event.event === "called") {
      open = undefined;
      const before = begun.get(event.pair);
      begun.set(event.pair, { calls: event.call, rows: (before?.rows ?? 0) + event.rows });
    }
    // What failed or was not finished is tried again, with its calls counted anew.
    if (event.event === "pair" && (event.result.outcome === "covered" || event.result.outcome === "exhausted")) done.set(event.result.pair, event.result);
    else if (event.event === "pair") begun.delete(event.result.pair);
  }
  return { done: [...done.values()], begun, open };
}

/** Events of a journal; a line that a kill cut off is left out. */
function read(path: string): JournalEvent[] {
  return readFileSync(path, "utf8").split("\n").flatMap((line) => {
    const event = eventSchema.safeParse(parseJson(line));
    return event.success ? [event.data] : [];
  });
}

function continues(events: readonly JournalEvent[], scope: BackfillScope, now: Date): boolean {
  const [first] = events;
  if (first?.event !== "begun" || now.getTime() - Date.parse(first.at) > RESUMED_WITHIN.milliseconds || events.some(({ event }) => event === "ended")) return false;
  return (["side", "pairs", "intervals", "maxBatches"] as const).every((key) => JSON.stringify(first.scope[key]) === JSON.stringify(scope[key]));
}

/** One at a time: two would wait for each other's runs, and each take the other's for its own. */
function lock(folder: string): () => void {
  const path = join(folder, LOCK);
  if (existsSync(path)) {
    const pid = Number(readFileSync(path, "utf8"));
    if (alive(pid)) throw new Error(`another backfill of this environment runs here (PID ${pid}, ${path}); wait for it, or end it, and repeat this: it goes on where that one was`);
    rmSync(path, { force: true });
  }
  try {
    closeSync(writeNew(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw new Error(`another backfill of this environment begins at this moment (${path}); wait for it and repeat`);
    throw error;
  }
  return () => rmSync(path, { force: true });
}

function writeNew(path: string): number {
  const file = openSync(path, "wx", 0o600);
  writeSync(file, String(process.pid));
  return file;
}

function alive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: somebody else's process has the number.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
