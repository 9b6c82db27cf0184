/** A snapshot's way into the tables: beside the present ones, then in their place at one moment. */
import { createHash, randomUUID } from "node:crypto";
import type { Objects } from "../objects/objects";
import { STORAGE_TABLE } from "../schema";
import { fileEntry, fileFields } from "../storage-files";
import type { DocumentStore, StagedTable } from "../store/store";
import { fieldsOf, importedDocument, newCreationTime, patched, type StoredDocument } from "../values/document";
import { toText } from "../values/text";
import type { Faults } from "./faults";
import { documentsPath, STORAGE_PATH } from "./layout";
import { batches, type Snapshot } from "./snapshot";

export const IMPORT_MODES = ["replaceAll", "replace", "requireEmpty", "append"] as const;
export type ImportMode = (typeof IMPORT_MODES)[number];

export interface TableCount {
  readonly table: string;
  readonly create: number;
  readonly present: number;
}

/** What the CLI shows while it waits. */
export interface ImportProgress {
  message(text: string): void;
  /** Something that is done. */
  checkpoint(text: string): void;
}

export class Importer {
  /** @param schemaTables tables of the deployed schema: an import that lacks them leaves them empty, but there */
  constructor(
    private readonly store: DocumentStore,
    private readonly objects: Objects,
    private readonly faults: Faults,
    private readonly schemaTables: () => readonly string[],
  ) {}

  /** What an import would do, table by table; reads the whole snapshot, so that a damaged one fails before anything changes. */
  async preview(snapshot: Snapshot, mode: ImportMode): Promise<TableCount[]> {
    const counts: TableCount[] = [];
    for (const table of snapshot.tables) {
      await snapshot.notation(table);
      counts.push({ table, create: await snapshot.count(documentsPath(table)), present: await this.store.count(table) });
    }
    if (snapshot.hasStorage) counts.push({ table: STORAGE_TABLE, create: await snapshot.count(STORAGE_PATH), present: await this.store.count(STORAGE_TABLE) });
    const full = mode === "requireEmpty" ? counts.find(({ present, create }) => present > 0 && create > 0) : undefined;
    if (full) throw new Error(`table ${full.table} has ${full.present} documents already: choose --replace, --replace-all or --append`);
    if (mode !== "replaceAll") return counts;
    const absent = this.store.tables().filter(({ name }) => !name.startsWith("_") && !snapshot.tables.includes(name));
    for (const { name } of absent) counts.push({ table: name, create: 0, present: await this.store.count(name) });
    return counts;
  }

  /** @returns the number of documents written; files do not count */
  async perform(snapshot: Snapshot, mode: ImportMode, progress: ImportProgress): Promise<number> {
    return mode === "append" ? this.append(snapshot, progress) : this.replace(snapshot, mode, progress);
  }

  private async documents(snapshot: Snapshot, table: string): Promise<AsyncGenerator<StoredDocument[]>> {
    return batches(snapshot, documentsPath(table), await snapshot.notation(table));
  }

  private async append(snapshot: Snapshot, progress: ImportProgress): Promise<number> {
    let written = 0;
    for (const table of snapshot.tables) {
      for await (const batch of await this.documents(snapshot, table)) {
        await this.store.append(table, batch);
        written += batch.length;
        await this.faults.written(written);
      }
      progress.checkpoint(`Imported "${table}"`);
    }
    for await (const batch of this.storedFiles(snapshot)) await this.store.append(STORAGE_TABLE, batch);
    return written;
  }

  private async replace(snapshot: Snapshot, mode: ImportMode, progress: ImportProgress): Promise<number> {
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
          progress.message(`Importing "${table}" (${count} ${table === STORAGE_TABLE ? "files" : "documents"})`);
          await this.faults.written(written + count);
        }
        await this.store.finish(target);
        progress.checkpoint(`Imported "${table}" (${count} ${table === STORAGE_TABLE ? "files" : "documents"})`);
        if (table !== STORAGE_TABLE) written += count;
      };
      for (const table of snapshot.tables) await load(table, await this.documents(snapshot, table));
      if (snapshot.hasStorage) await load(STORAGE_TABLE, this.storedFiles(snapshot));
      const absent = mode === "replaceAll" ? this.store.tables().map(({ name }) => name).filter((name) => !name.startsWith("_") && !snapshot.tables.includes(name)) : [];
      const kept = this.schemaTables().filter((name) => absent.includes(name));
      for (const table of kept) await load(table, none());
      await this.store.swap(staged, await snapshot.numbers(), absent.filter((name) => !kept.includes(name)));
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
      for await (const document of db.scan(STORAGE_TABLE)) keys.push(fileEntry(fieldsOf(document)).storageKey);
      return keys;
    });
  }

  /**
   * Puts each file among the objects, under a new name, and yields its metadata. As in the
   * real import, metadata without a file are dropped, and a file without metadata is taken.
   */
  private async *storedFiles(snapshot: Snapshot): AsyncGenerator<StoredDocument[]> {
    const files = snapshot.files();
    for await (const batch of batches(snapshot, STORAGE_PATH, "uniform")) {
      const documents: StoredDocument[] = [];
      for (const document of batch) {
        const content = files.get(document.id);
        files.delete(document.id);
        if (content) documents.push(await this.stored(document, content));
      }
      yield documents;
    }
    for (const [id, content] of files) yield [await this.stored(importedDocument(`{"_creationTime":${toText(newCreationTime())},"_id":${JSON.stringify(id)}}`), content)];
  }

  private async stored(document: StoredDocument, content: AsyncIterable<Uint8Array>): Promise<StoredDocument> {
    const { contentType, sha256, size, internalId } = fieldsOf(document);
    const storageKey = randomUUID();
    const sink = this.objects.sink("files", storageKey, (contentType as string | null | undefined) ?? "application/octet-stream");
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.length;
      await sink.write(chunk);
    }
    await sink.end();
    const actual = hash.digest("base64");
    if (sha256 !== undefined && sha256 !== null && sha256 !== actual) throw new Error(`the file ${document.id} has the SHA-256 ${actual}, and the snapshot says ${String(sha256)}: it is damaged, export again`);
    if (size !== undefined && size !== null && Number(size) !== bytes) throw new Error(`the file ${document.id} has ${bytes} bytes, and the snapshot says ${String(size)}: it is damaged, export again`);
    return patched(document, fileFields({ internalId: (internalId as string | null | undefined) ?? storageKey, storageKey, sha256: actual, size: bytes, contentType: (contentType as string | null | undefined) ?? null }));
  }
}

async function* none(): AsyncGenerator<StoredDocument[]> {}
