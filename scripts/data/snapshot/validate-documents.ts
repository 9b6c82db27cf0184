/** Checks of a documents.jsonl: every line a document, its `_id`, its `_creationTime`, the kinds of its numbers. */
import type { Archive, Member } from "./archive";
import { contents } from "./contents";
import { MultisetDigest } from "./digest";
import { eachLine, LineTooLong } from "./lines";
import type { Problems } from "./problems";
import { DocumentScanner } from "./scanner";
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

const AGAIN = "Export again; a snapshot that was changed by hand or by a JSON tool must not be imported";
const ID = /^[0-9a-z]{31,37}$/;

interface DocumentsOptions {
  readonly ids: UniqueIds;
  /** Is given each line that is a document. */
  readonly onDocument?: (line: Buffer, place: string) => void;
}

export async function validateDocuments(reading: Reading, member: Member, { ids, onDocument }: DocumentsOptions): Promise<{ documents: number; digest: string }> {
  const { problems, archive, signal, acceptMixedNumbers, advance } = reading;
  const digest = new MultisetDigest();
  const scanner = new DocumentScanner();
  const at = (line: number): string => `${member.name} line ${line}`;
  const add = (line: number, what: string, kind: string, fix = AGAIN): void => problems.add(member.name, { place: at(line), what, fix }, kind);

  const check = (window: Buffer, start: number, end: number, line: number): void => {
    digest.add(window.subarray(start, end));
    if (!scanner.scan(window, start, end)) return add(line, `${scanner.problem} (column ${scanner.column})`, scanner.problem);
    if (scanner.idStart === -1) add(line, "the document has no _id, so that an import would give it a new one and break what points to it", "no _id");
    else {
      ids.add(window, scanner.idStart, scanner.idEnd);
      if (scanner.idEnd - scanner.idStart < 31 || scanner.idEnd - scanner.idStart > 37) wrongId(window, line);
    }
    if (scanner.creationTime !== "float") add(line, CREATION_TIME[scanner.creationTime], scanner.creationTime);
    onDocument?.(window.subarray(start, end), at(line));
  };
  const wrongId = (window: Buffer, line: number): void => {
    const id = window.toString("utf8", scanner.idStart, scanner.idEnd);
    if (!ID.test(id)) add(line, `its _id ${JSON.stringify(id.slice(0, 50))} is no id of Convex`, "no id");
  };

  const documents = await damageNamed(reading, member, () => eachLine(contents(archive, member, signal), check, advance));
  const touched = acceptMixedNumbers ? [] : scanner.numbers.touched();
  for (const { field, int64, brokenFloats } of touched) {
    problems.add(member.name, { place: `${member.name}, field ${field}`, what: `${int64} of its numbers are int64 and ${brokenFloats} are floats with a fraction, but none is a whole float such as 1.0: a JSON tool has dropped the dots`, fix: "Use the export's own file. If the app does write both kinds to this field: --accept-mixed-numbers" });
  }
  return { documents: documents ?? 0, digest: digest.hex() };
}

const CREATION_TIME = {
  missing: "the document has no _creationTime, so that an import would give it a new one",
  int64: "its _creationTime has no dot, so that it is an int64: a JSON tool rewrote the file, and turned other floats to int64 as well",
  other: "its _creationTime is no number",
  float: "",
} as const;

/** Reads a member; damage to it becomes a problem, and the reading goes on with the next. */
export async function damageNamed<T>({ problems, signal }: Reading, member: Member, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (signal?.aborted) throw error;
    if (error instanceof SnapshotError) problems.add(member.name, error.problem);
    else if (error instanceof LineTooLong) problems.add(member.name, { place: `${member.name} line ${error.line}`, what: error.message.replace(/^line \d+ /, "it "), fix: AGAIN });
    else throw error;
    return undefined;
  }
}
