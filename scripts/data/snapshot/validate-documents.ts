/** Checks of a documents.jsonl: every line a document, its `_id`, its `_creationTime`, the kinds of its numbers. */
import type { Archive, Member } from "./archive";
import type { Checkers } from "./checkers";
import { contents } from "./contents";
import { MultisetDigest } from "./digest";
import type { BlockResult } from "./line-checker";
import { lineBlocks, LineTooLong } from "./lines";
import { looksTouched, summed } from "./number-kinds";
import type { Problems } from "./problems";
import { SnapshotError } from "./types";
import type { UniqueIds } from "./unique-ids";

/** What a validation carries along. */
export interface Reading {
  readonly archive: Archive;
  readonly problems: Problems;
  readonly signal: AbortSignal | undefined;
  readonly acceptMixedNumbers: boolean;
  /** So many uncompressed bytes are read. */
  readonly advance: (bytes: number) => void;
}

export const CHANGED = "Export again; a snapshot that was changed by hand or by a JSON tool must not be imported";

/** @returns undefined when the member could not be read to its end */
export async function validateDocuments(reading: Reading, member: Member, ids: UniqueIds, checkers: Checkers): Promise<{ documents: number; digest: string } | undefined> {
  const { problems, archive, signal, acceptMixedNumbers, advance } = reading;
  let documents = 0;
  const absorb = ({ lines, ids: fingerprints, problems: found }: BlockResult): void => {
    for (let at = 0; at < fingerprints.length; at += 2) ids.add(fingerprints[at], fingerprints[at + 1]);
    for (const { line, what, kind, more } of found) problems.add(member.name, { place: `${member.name} line ${documents + line}`, what, fix: CHANGED, ...(more > 0 ? { more } : {}) }, kind);
    documents += lines;
  };

  const spare: Buffer[] = [];
  const memory = (bytes: number): Buffer => {
    const given = spare.pop();
    return given !== undefined && given.length >= bytes ? given : Buffer.allocUnsafeSlow(bytes);
  };
  // Results are taken in the blocks' order: line numbers count on.
  const waiting: ReturnType<Checkers["check"]>[] = [];
  const take = async (): Promise<void> => {
    const { result, buffer } = await waiting.shift()!;
    spare.push(buffer);
    absorb(result);
  };
  const read = await damageNamed(reading, member, async () => {
    try {
      for await (const block of lineBlocks(contents(archive, member, signal), memory)) {
        const { length } = block;
        waiting.push(checkers.check(block));
        if (waiting.length > checkers.atOnce) await take();
        advance(length);
      }
    } finally {
      while (waiting.length > 0) await take();
    }
    return true;
  });

  const totals = await checkers.totals();
  const digest = new MultisetDigest();
  for (const { sum } of totals) digest.addSum(sum);
  for (const { field, int64, brokenFloats } of acceptMixedNumbers ? [] : summed(totals.map(({ numbers }) => numbers)).filter(looksTouched)) {
    problems.add(member.name, { place: `${member.name}, field ${field}`, what: `${int64} of its numbers are int64 and ${brokenFloats} are floats with a fraction, but none is a whole float such as 1.0: a JSON tool has dropped the dots`, fix: "Use the export's own file. If the app does write both kinds to this field: --accept-mixed-numbers" });
  }
  return read ? { documents, digest: digest.hex() } : undefined;
}

/** Reads a member; damage to it becomes a problem, and the reading goes on with the next. */
export async function damageNamed<T>({ problems, signal }: Reading, member: Member, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (signal?.aborted) throw error;
    if (error instanceof SnapshotError) problems.add(member.name, error.problem);
    else if (error instanceof LineTooLong) problems.add(member.name, { place: member.name, what: error.message, fix: CHANGED });
    else throw error;
    return undefined;
  }
}
