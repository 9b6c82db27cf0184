/** The journal of a move: JSON lines that are only ever added, each on the disk before the next thing happens. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync, ftruncateSync } from "node:fs";
import { join } from "node:path";
import { parseJson } from "../../json";
import type { KillSwitch } from "./world";

export interface MoveOptions {
  /** The target's data is given up: kept in a file, and replaced. */
  readonly replaceEverything: boolean;
  /** The operator states that the app does not trade, so that a kill switch which cannot be read is none. */
  readonly appCannotTrade: boolean;
  /** The app writes int64 and floats with a fraction to one field by itself. @default false */
  readonly acceptMixedNumbers?: boolean;
  /** What is deployed, as AppSource names it: a move that is taken up must deploy the same. */
  readonly app: string;
}

/** One line. `facts` are what a step found or did, as later steps and the undo need it; never a secret. */
export type Entry = { readonly at: string } & (
  | { readonly event: "start"; readonly move: string; readonly environment: string; readonly options: MoveOptions }
  | { readonly event: "begin"; readonly step: string }
  | { readonly event: "done"; readonly step: string; readonly facts: unknown }
  | { readonly event: "failed"; readonly step: string; readonly message: string }
  | { readonly event: "undo"; readonly gaveUpNewWrites: boolean }
  | { readonly event: "undo-begin"; readonly step: string }
  | { readonly event: "undo-done"; readonly step: string; /** The platform's Convex did not answer: what it holds stays there. */ readonly left?: true; /** Somebody else's emergency stop, which stays on. */ readonly killSwitch?: KillSwitch }
  | { readonly event: "undo-failed"; readonly step: string; readonly message: string }
  | { readonly event: "undone" }
  | { readonly event: "finished" }
);
type Unstamped<T> = T extends Entry ? Omit<T, "at"> : never;
export type NewEntry = Unstamped<Entry>;

export interface Journal {
  entries(): readonly Entry[];
  /** Returns when it is on the disk. */
  append(entry: NewEntry): void;
}

const FILE = "journal.jsonl";

export class JournalFile implements Journal {
  private readonly known: Entry[];
  private readonly path: string;
  /** Bytes of whole lines, when a torn one follows. */
  private torn: number | undefined;

  /** @throws Error when a line other than the last is damaged */
  constructor(folder: string, private readonly now: () => Date = () => new Date()) {
    this.path = join(folder, FILE);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.known = existsSync(this.path) ? this.read() : [];
  }

  entries(): readonly Entry[] {
    return this.known;
  }

  append(entry: NewEntry): void {
    const stamped = { at: this.now().toISOString(), ...entry } as Entry;
    // Only now: whoever merely reads has no lock, and must change nothing.
    if (this.torn !== undefined) this.cut(this.torn);
    this.torn = undefined;
    const file = openSync(this.path, "a", 0o600);
    try {
      writeSync(file, `${JSON.stringify(stamped)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.known.push(stamped);
  }

  /** A line without its end is one that was being written when the power went: what it says was not yet relied on. */
  private read(): Entry[] {
    const text = readFileSync(this.path, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) this.torn = Buffer.byteLength(whole);
    return whole.split("\n").filter(Boolean).map((line, i) => {
      const entry = parseJson(line) as Entry | undefined;
      if (!entry || typeof entry !== "object" || typeof entry.event !== "string") throw new Error(`${this.path}: line ${i + 1} is no entry of a move's journal, so that nobody knows how far the move is; look at the file, and mend that line by hand: nothing was changed`);
      return entry;
    });
  }

  private cut(length: number): void {
    const file = openSync(this.path, "r+");
    try {
      ftruncateSync(file, length);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Where an environment's moves are kept. */
export const movesFolder = (environment: string): string => join(".gvfx", environment, "data", "move");

/** Folders of moves, the oldest first: their names are times. */
export function moves(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, FILE))).sort();
}

/** "20260101T120000Z": sorts as time goes. */
export const moveId = (now: Date): string => now.toISOString().replace(/[-:]|\.\d+/g, "");

/**
 * Keeps a second `gvfx data move` of the same environment away.
 * @returns what gives it back
 * @throws Error that names the process that has it
 */
export function lockMoves(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "lock");
  for (;;) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
      if (alive(pid)) throw new Error(`a data move is at work already (process ${pid}); wait for it, or stop it by Ctrl-C there. If that process is something else: rm ${path}`);
      rmSync(path, { force: true });
    }
  }
}

function alive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
