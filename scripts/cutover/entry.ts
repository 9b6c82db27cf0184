/**
 * The ledger's entries. Each carries the hash of the one before, so that a plan can
 * name the state that it was made of, and a ledger that somebody mended shows it.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { isRecord } from "../json";

export const DIRECTIONS = ["forward", "roll-back"] as const;
/** forward: from legacy to Nomad. roll-back: legacy serves again. */
export type Direction = (typeof DIRECTIONS)[number];

const verdict = z.enum(["pass", "fail", "inconclusive"]);
/** What a step saw or did, for the steps after it, the roll-back and the record; never a secret. */
const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
export type Facts = z.infer<typeof facts>;

export const planSchema = z.strictObject({
  /** SHA-256 of all the rest, hex. */
  hash: z.string(),
  /** Hash of the ledger's last entry when the plan was made; NO_ENTRY for the first. */
  parent: z.string(),
  environment: z.string(),
  direction: z.enum(DIRECTIONS),
  /** Also the platform's data goes back to what legacy had before it was moved. */
  data: z.boolean(),
  /** ISO time. */
  madeAt: z.string(),
  /** SHA-256 of what the environment says of a cutover: another threshold makes another plan. */
  settings: z.string(),
  steps: z.array(z.string()).min(1),
});
/** Immutable: what is to be done, in order. */
export type Plan = z.infer<typeof planSchema>;

const bodySchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("plan"), plan: planSchema }),
  z.strictObject({ kind: z.literal("began"), step: z.string() }),
  z.strictObject({ kind: z.literal("ended"), step: z.string(), verdict, detail: z.string(), mend: z.string().optional(), facts }),
  /** A roll-back trigger failed before a step, which was not begun. */
  z.strictObject({ kind: z.literal("triggered"), step: z.string(), detail: z.string() }),
  /** An operator answers what an inconclusive gate asks. */
  z.strictObject({ kind: z.literal("accepted"), step: z.string(), reason: z.string() }),
  z.strictObject({ kind: z.literal("finished") }),
]);
export type EntryBody = z.infer<typeof bodySchema>;

/** What is before the first entry. */
export const NO_ENTRY = "none";

export interface Entry {
  /** From 1, without gaps. */
  readonly number: number;
  /** ISO time. */
  readonly at: string;
  /** "user@host". */
  readonly by: string;
  /** Hash of the entry before. */
  readonly parent: string;
  readonly body: EntryBody;
  /** SHA-256 of all the rest, hex. */
  readonly hash: string;
}

export interface Head {
  readonly number: number;
  readonly hash: string;
}
export const EMPTY: Head = { number: 0, hash: NO_ENTRY };

export function headOf(entries: readonly Entry[]): Head {
  return entries.at(-1) ?? EMPTY;
}

/** The entry that follows. */
export function nextEntry(after: Head, at: string, by: string, body: EntryBody): Entry {
  const entry = { number: after.number + 1, at, by, parent: after.hash, body };
  return { ...entry, hash: sha256(entry) };
}

/**
 * Reads entries, the first one first.
 * @throws Error that names the first one that is missing, not an entry, or not what was written
 */
export function readChain(texts: readonly string[]): Entry[] {
  const entries: Entry[] = [];
  for (const [index, text] of texts.entries()) {
    const number = index + 1;
    const entry = parseEntry(text, number);
    const { hash, ...rest } = entry;
    const { hash: before } = headOf(entries);
    const wrong = entry.number !== number ? `has the number ${entry.number}` : entry.parent !== before ? "does not follow the one before it" : sha256(rest) !== hash ? "is not what was written" : undefined;
    if (wrong) throw new Error(`entry ${number} of the cutover's ledger ${wrong}: entries were removed or changed by hand, so that nobody knows how far the cutover is. Look at who runs the worker and where traffic goes (gvfx lease status), and restore the variables from a snapshot of Nomad; nothing was changed`);
    entries.push(entry);
  }
  return entries;
}

const entrySchema = z.strictObject({ number: z.number(), at: z.string(), by: z.string(), parent: z.string(), body: bodySchema, hash: z.string() });

function parseEntry(text: string, number: number): Entry {
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch {
    throw new Error(`entry ${number} of the cutover's ledger is none that this version knows; use the version of gvfx that wrote it (the newest checkout of main), or see what it says: it is a Nomad variable`);
  }
}

/** SHA-256 of a value's JSON with sorted keys, hex. */
export function sha256(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, (_, part: unknown) => (isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part))).digest("hex");
}
