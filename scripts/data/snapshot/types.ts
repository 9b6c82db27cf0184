/** What is known of a snapshot: the zip file that `convex export` writes and `convex import` reads. */
import type { Readable } from "node:stream";
import type { Progress } from "../progress";

/** Something that is wrong in a snapshot. */
export interface Problem {
  /** Where, as precisely as it is known: "bingx_trades/documents.jsonl line 17", "_storage/kg2….bin", "bytes 120 to 180 of the file". */
  readonly place: string;
  readonly what: string;
  /** What an operator does about it. */
  readonly fix: string;
  /** How many more of the same kind are in the same file of the snapshot and not listed one by one. @default none */
  readonly more?: number;
}

export interface SnapshotTable {
  readonly name: string;
  /** Lines of documents.jsonl. */
  readonly documents: number;
  /** Of documents.jsonl, uncompressed. */
  readonly bytes: number;
  /** Hexadecimal; the same for the same documents in any order (digest.ts). */
  readonly digest: string;
}

/** The stored files. */
export interface SnapshotFiles {
  readonly count: number;
  /** Of the files themselves, uncompressed. */
  readonly bytes: number;
  /** Hexadecimal; over ids, contents' hashes and content types, the same in any order. */
  readonly digest: string;
}

export interface SnapshotReport {
  readonly path: string;
  /** Of the zip file. */
  readonly bytes: number;
  /** Hexadecimal, of the zip file. */
  readonly sha256: string;
  /** By name. */
  readonly tables: readonly SnapshotTable[];
  /** Undefined: the snapshot was exported without files. */
  readonly files: SnapshotFiles | undefined;
  /** Empty: nothing that can be seen offline is wrong. */
  readonly problems: readonly Problem[];
}

export interface SnapshotOptions {
  /** @default silent */
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface SnapshotDocument {
  readonly id: string;
  /** Exactly the bytes of the line, without its end. */
  readonly line: Buffer;
}

export interface SnapshotFile {
  /** `_id` of its row in _storage. */
  readonly id: string;
  /** Base64, as the row has it. */
  readonly sha256: string;
  /** Bytes, as the row has it. */
  readonly size: number;
  /** Undefined: the row has none. */
  readonly contentType: string | undefined;
  /** The file's bytes, their CRC-32 checked. */
  stream(): Promise<Readable>;
}

/** An opened snapshot. Its structure was sound when it was opened; its contents are checked as they are read. */
export interface Snapshot {
  readonly path: string;
  /** Of the zip file. */
  readonly bytes: number;
  /** Whether it was exported with --include-file-storage. */
  readonly hasFiles: boolean;
  /** Names of the tables, sorted; without `_storage`. */
  tables(): readonly string[];
  /** Bytes of the table's documents, uncompressed; 0 when there is no such table. */
  tableBytes(table: string): number;
  /** Documents of a table (also "_storage") in the file's order. @throws SnapshotError at a line that is no document */
  documents(table: string): AsyncIterable<SnapshotDocument>;
  files(): AsyncIterable<SnapshotFile>;
  close(): Promise<void>;
}

/** What became of a document. */
export type DiffKind = "added" | "removed" | "changed";

export interface TableDiff {
  /** "_storage" for the files: a file is changed when its hash, size, content type or creation time is. */
  readonly table: string;
  /** In the second only. */
  readonly added: number;
  /** In the first only. */
  readonly removed: number;
  readonly changed: number;
  /** The first few. */
  readonly samples: readonly { readonly id: string; readonly kind: DiffKind }[];
}

/** The file cannot be read as a snapshot at all. The message says what, where, and how to mend it. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
  constructor(
    readonly path: string,
    readonly problem: Problem,
    /** Whether the file was read and is bad; false: it could not be read. */
    readonly found: boolean = true,
  ) {
    super(`${path}: ${problem.place}: ${problem.what}. ${problem.fix}`);
  }
}
