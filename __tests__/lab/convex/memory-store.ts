/** Documents in memory, behind the interface that the double's functions write to. */
import type { IndexRange, Writer } from "../../../lab/doubles/convex/store/documents";
import { fieldsOf, newDocument, patched, type StoredDocument } from "../../../lab/doubles/convex/values/document";
import type { Fields, Value } from "../../../lab/doubles/convex/values/value";
import { publicFunction } from "../../../lab/doubles/convex/functions/registry";
import { validateArguments } from "../../../lab/doubles/convex/functions/validate";
import type { Files } from "../../../lab/doubles/convex/functions/definition";

const noFiles: Files = {
  store: async () => "stored",
  url: async (_db, storageId) => `http://files/${storageId}`,
  remove: async () => undefined,
  uploadUrl: () => "http://upload",
};

export class MemoryStore implements Writer {
  readonly tables = new Map<string, StoredDocument[]>();

  private of(table: string): StoredDocument[] {
    const documents = this.tables.get(table) ?? [];
    this.tables.set(table, documents);
    return documents;
  }

  async range({ table, equal, by, order, limit }: IndexRange): Promise<StoredDocument[]> {
    const field = (document: StoredDocument, name: string) => (fieldsOf(document)[name] ?? null) as string | null;
    const found = this.of(table)
      .filter((document) => equal.every(([name, value]) => field(document, name) === value))
      .filter((document) => by?.from === undefined || field(document, by.field)! >= by.from)
      .filter((document) => by?.to === undefined || field(document, by.field)! <= by.to);
    const key = (document: StoredDocument) => [by ? (field(document, by.field) ?? "") : "", String(document.creationTime).padStart(30)].join("\0");
    found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
    if (order === "desc") found.reverse();
    return found.slice(0, limit);
  }

  async *scan(table: string): AsyncGenerator<StoredDocument> {
    yield* [...this.of(table)];
  }

  async get(table: string, id: string): Promise<StoredDocument | undefined> {
    return this.of(table).find((document) => document.id === id);
  }

  async insert(table: string, rows: readonly Fields[]): Promise<StoredDocument[]> {
    const documents = rows.map(newDocument);
    this.of(table).push(...documents);
    return documents;
  }

  async patch(table: string, changes: readonly { document: StoredDocument; fields: Fields }[]): Promise<void> {
    for (const { document, fields } of changes) this.tables.set(table, this.of(table).map((present) => (present.id === document.id ? patched(document, fields) : present)));
  }

  async remove(table: string, ids: readonly string[]): Promise<void> {
    this.tables.set(table, this.of(table).filter(({ id }) => !ids.includes(id)));
  }

  /** Runs a public function as the backend does, arguments checked. */
  async call(path: string, args: Fields = {}): Promise<Value> {
    const found = publicFunction(path);
    validateArguments(args, found.args);
    if (found.kind === "action") return found.run(noFiles, args);
    return found.run(this, args, noFiles);
  }

  rows(table: string): Fields[] {
    return this.of(table).map(fieldsOf);
  }
}
