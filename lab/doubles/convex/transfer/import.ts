/** A snapshot's way into the tables: beside the present ones, then in their place at one moment. */
import { createHash, randomUUID } from "node:crypto";
import type { Objects } from "../objects/objects";
import { STORAGE_TABLE } from "../schema";
import { fileFields } from "../storage-files";
import type { DocumentStore, StagedTable } from "../store/store";
import { fieldsOf, importedDocument, patched, type StoredDocument } from "../values/document";
import { fromText, type Fields } from "../values/value";
import { fileOf, STORAGE_PATH, TABLE_NAME, tableOf, TABLES_PATH } from "./layout";
import { lines, readDirectory, readEntry, type Ranges, type ZipEntry } from "./zip-reader";

export const IMPORT_MODES = ["replaceAll", "replace", "requireEmpty", "append"] as const;
export type ImportMode = (typeof IMPORT_MODES)[number];

export interface TableCount {
  readonly table: string;
  readonly create: number;
  readonly present: number;
}

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

  async count(path: string): Promise<number> {
    let count = 0;
    for await (const _ of this.lines(path)) count++;
    return count;
  }
}

async function* batches(snapshot: Snapshot, path: string): AsyncGenerator<StoredDocument[]> {
  let batch: StoredDocument[] = [];
  for await (const line of snapshot.lines(path)) {
    batch.push(importedDocument(line));
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

export class Importer {
  constructor(private readonly store: DocumentStore, private readonly objects: Objects) {}

  /** What an import would do, table by table; reads the whole snapshot, so that a damaged one fails before anything changes. */
  async preview(snapshot: Snapshot, mode: ImportMode): Promise<TableCount[]> {
    const counts: TableCount[] = [];
    for (const table of snapshot.tables) counts.push({ table, create: await snapshot.count(`${table}/documents.jsonl`), present: await this.store.count(table) });
    if (snapshot.hasStorage) counts.push({ table: STORAGE_TABLE, create: await snapshot.count(STORAGE_PATH), present: await this.store.count(STORAGE_TABLE) });
    const full = mode === "requireEmpty" ? counts.find(({ present, create }) => present > 0 && create > 0) : undefined;
    if (full) throw new Error(`table ${full.table} has ${full.present} documents already: choose --replace, --replace-all or --append`);
    if (mode !== "replaceAll") return counts;
    const absent = this.store.tables().filter(({ name }) => !name.startsWith("_") && !snapshot.tables.includes(name));
    for (const { name } of absent) counts.push({ table: name, create: 0, present: await this.store.count(name) });
    return counts;
  }

  /** @returns the number of documents and files written */
  async perform(snapshot: Snapshot, mode: ImportMode, progress: (message: string) => void): Promise<number> {
    return mode === "append" ? this.append(snapshot, progress) : this.replace(snapshot, mode, progress);
  }

  private async append(snapshot: Snapshot, progress: (message: string) => void): Promise<number> {
    let written = 0;
    for (const table of snapshot.tables) {
      for await (const batch of batches(snapshot, `${table}/documents.jsonl`)) {
        await this.store.append(table, batch);
        written += batch.length;
      }
      progress(`Added to table "${table}"`);
    }
    for await (const batch of this.storedFiles(snapshot)) {
      await this.store.append(STORAGE_TABLE, batch);
      written += batch.length;
    }
    return written;
  }

  private async replace(snapshot: Snapshot, mode: ImportMode, progress: (message: string) => void): Promise<number> {
    const staged: StagedTable[] = [];
    let written = 0;
    const before = snapshot.hasStorage ? await this.storedObjects() : [];
    try {
      const load = async (table: string, documents: AsyncIterable<StoredDocument[]>) => {
        const target = await this.store.stage(table);
        staged.push(target);
        let count = 0;
        for await (const batch of documents) {
          await this.store.fill(target, batch);
          count += batch.length;
          progress(`Importing "${table}" (${count} documents)`);
        }
        await this.store.finish(target);
        written += count;
      };
      for (const table of snapshot.tables) await load(table, batches(snapshot, `${table}/documents.jsonl`));
      if (snapshot.hasStorage) await load(STORAGE_TABLE, this.storedFiles(snapshot));
      const absent = mode === "replaceAll" ? this.store.tables().map(({ name }) => name).filter((name) => !name.startsWith("_") && !snapshot.tables.includes(name)) : [];
      await this.store.swap(staged, await snapshot.numbers(), absent);
    } catch (error) {
      await this.store.dropStaged().catch(() => undefined);
      throw error;
    }
    for (const key of before) await this.objects.remove("files", key);
    return written;
  }

  private storedObjects(): Promise<string[]> {
    return this.store.query(async (db) => {
      const keys: string[] = [];
      for await (const document of db.scan(STORAGE_TABLE)) keys.push(fieldsOf(document).internalId as string);
      return keys;
    });
  }

  /** Puts each file among the objects, under a new name, and yields its metadata with the old id. */
  private async *storedFiles(snapshot: Snapshot): AsyncGenerator<StoredDocument[]> {
    const files = snapshot.files();
    for await (const batch of batches(snapshot, STORAGE_PATH)) {
      const documents: StoredDocument[] = [];
      for (const document of batch) {
        const content = files.get(document.id);
        if (!content) throw new Error(`the snapshot names the file ${document.id} in ${STORAGE_PATH} and does not have it: export again with --include-file-storage`);
        documents.push(patched(document, await this.store_(document, content)));
      }
      yield documents;
    }
  }

  private async store_(document: StoredDocument, content: AsyncIterable<Uint8Array>): Promise<Fields> {
    const { contentType, sha256, size } = fieldsOf(document);
    const internalId = randomUUID();
    const sink = this.objects.sink("files", internalId, (contentType as string | undefined) ?? "application/octet-stream");
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.length;
      await sink.write(chunk);
    }
    await sink.end();
    const actual = { sha256: hash.digest("base64"), size: bytes, contentType: contentType as string | undefined };
    if (sha256 !== undefined && sha256 !== actual.sha256) throw new Error(`the file ${document.id} has the SHA-256 ${actual.sha256}, and the snapshot says ${String(sha256)}: it is damaged, export again`);
    if (size !== undefined && Number(size) !== bytes) throw new Error(`the file ${document.id} has ${bytes} bytes, and the snapshot says ${String(size)}: it is damaged, export again`);
    return fileFields(internalId, actual);
  }
}
