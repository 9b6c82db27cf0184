/** A snapshot as an import reads it: its directory, its tables' lines, its files. */
import { importedDocument, type StoredDocument } from "../values/document";
import { fromText, type Notation } from "../values/text";
import type { Fields } from "../values/value";
import { fileOf, schemaPath, STORAGE_PATH, TABLE_NAME, tableOf, TABLES_PATH } from "./layout";
import { lines, readDirectory, readEntry, type Ranges, type ZipEntry } from "./zip-reader";

/** Documents go in by this many: some 500 KB of the app's rows. */
const BATCH = 2000;

/** A snapshot whose directory has been read. */
export class Snapshot {
  private constructor(private readonly file: Ranges, private readonly entries: readonly ZipEntry[]) {}

  /** @throws when it is no snapshot */
  static async open(file: Ranges): Promise<Snapshot> {
    const entries = await readDirectory(file);
    const snapshot = new Snapshot(file, entries);
    for (const table of snapshot.tables) if (!TABLE_NAME.test(table)) throw new Error(`the snapshot has a table ${JSON.stringify(table)}: Convex's table names are letters, digits and _, a letter first, 64 at most`);
    if (snapshot.tables.length === 0 && !snapshot.hasStorage) throw new Error("the file has no <table>/documents.jsonl: it is no snapshot");
    return snapshot;
  }

  get tables(): string[] {
    return this.entries.flatMap(({ path }) => tableOf(path) ?? []);
  }

  get hasStorage(): boolean {
    return this.entries.some(({ path }) => path === STORAGE_PATH);
  }

  async *lines(path: string): AsyncGenerator<string> {
    const entry = this.entries.find((candidate) => candidate.path === path);
    if (entry) yield* lines(readEntry(this.file, entry));
  }

  /** Stored files by id. */
  files(): Map<string, AsyncIterable<Uint8Array>> {
    return new Map(this.entries.flatMap((entry) => {
      const id = fileOf(entry.path);
      return id ? [[id, { [Symbol.asyncIterator]: () => readEntry(this.file, entry) }] as const] : [];
    }));
  }

  /** The tables' numbers, where the snapshot says them. */
  async numbers(): Promise<Map<string, number>> {
    const numbers = new Map<string, number>();
    for await (const line of this.lines(TABLES_PATH)) {
      const { name, id } = fromText(line) as Fields;
      if (typeof name === "string" && id !== undefined) numbers.set(name, Number(id));
    }
    return numbers;
  }

  /** How a table's lines are read: as its generated schema says. Without one, as the real import does without. */
  async notation(table: string): Promise<Notation> {
    for await (const line of this.lines(schemaPath(table))) {
      const shape = JSON.parse(line) as unknown;
      if (shape === "uniform") return "uniform";
      if (shape !== "any") throw new Error(`InvalidGeneratedSchema: cannot parse ${schemaPath(table)}: the Convex double reads "uniform" (what exports say) and "any", and this is ${line.slice(0, 100)}`);
      return "legacy";
    }
    return "legacy";
  }

  async count(path: string): Promise<number> {
    let count = 0;
    for await (const _ of this.lines(path)) count++;
    return count;
  }
}

/** A table's documents, or the files' metadata, as they go in. @throws the row that is no document */
export async function* batches(snapshot: Snapshot, path: string, notation: Notation): AsyncGenerator<StoredDocument[]> {
  let batch: StoredDocument[] = [];
  let row = 0;
  for await (const line of snapshot.lines(path)) {
    row++;
    try {
      batch.push(importedDocument(line, notation));
    } catch (error) {
      throw new Error(`Row ${row} of ${path} wasn't a valid Convex value: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
