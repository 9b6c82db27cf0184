/** A snapshot of all tables, and of the files when asked, into the exports' bucket. */
import { randomUUID } from "node:crypto";
import type { Objects } from "../objects/objects";
import { STORAGE_TABLE } from "../schema";
import { fileEntry } from "../storage-files";
import type { DocumentStore } from "../store/store";
import { fieldsOf, type StoredDocument } from "../values/document";
import { toText } from "../values/text";
import { filePath, documentsPath, README, schemaPath, STORAGE_PATH, TABLES_PATH } from "./layout";
import { ZipWriter } from "./zip-writer";

/** As `_system/cli/exports:getLatest` tells it; times are nanoseconds since 1970, as digits. */
export type ExportState =
  | { readonly state: "requested" | "in_progress" | "failed"; readonly start_ts: string; readonly reason?: string }
  | { readonly state: "completed"; readonly start_ts: string; readonly complete_ts: string; readonly zip_object_key: string };

const FACT = "export";
/** Lines are handed on in pieces of this size, bytes. */
const CHUNK = 64 * 1024;
const README_TEXT = "# Convex double export\n\nData exported from a double of a Convex deployment, in the form of a Convex snapshot.\n";

export function nanoseconds(): string {
  return (BigInt(Date.now()) * 1_000_000n).toString();
}

async function* textLines(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
  let held = "";
  for await (const text of texts) {
    held += `${text}\n`;
    if (held.length >= CHUNK) {
      yield Buffer.from(held);
      held = "";
    }
  }
  if (held) yield Buffer.from(held);
}

async function* texts(documents: AsyncIterable<StoredDocument>): AsyncGenerator<string> {
  for await (const { text } of documents) yield text;
}

/** Files' metadata, in the real one's order of fields; the object's name is nobody else's business. */
async function* storageLines(documents: AsyncIterable<StoredDocument>): AsyncGenerator<string> {
  for await (const document of documents) {
    const { sha256, size, contentType, internalId } = fileEntry(fieldsOf(document));
    const parts = [["_id", document.id], ["_creationTime", document.creationTime], ["sha256", sha256], ["size", BigInt(size)], ["contentType", contentType], ["internalId", internalId]] as const;
    yield `{${parts.map(([name, value]) => `"${name}":${toText(value)}`).join(",")}}`;
  }
}

/** Writes a snapshot of a moment. */
export async function writeSnapshot(store: DocumentStore, objects: Objects, zip: ZipWriter, includeStorage: boolean): Promise<void> {
  await store.snapshot(async (tables) => {
    const users = tables.filter(({ table }) => !table.name.startsWith("_"));
    await zip.add(README, [Buffer.from(README_TEXT)]);
    await zip.add(TABLES_PATH, textLines(users.map(({ table }) => JSON.stringify({ name: table.name, id: table.number }))));
    for (const { table, documents } of users) {
      await zip.add(documentsPath(table.name), textLines(texts(documents())));
      // As the real one since 2025: every value is written without loss. Without this word an import makes floats of all numbers.
      await zip.add(schemaPath(table.name), [Buffer.from('"uniform"\n')]);
    }
    const storage = tables.find(({ table }) => table.name === STORAGE_TABLE);
    if (!includeStorage || !storage) return;
    await zip.add(STORAGE_PATH, textLines(storageLines(storage.documents())));
    for await (const document of storage.documents()) {
      const { storageKey, contentType } = fileEntry(fieldsOf(document));
      await zip.add(filePath(document.id, contentType ?? undefined), objects.stream("files", storageKey) as unknown as AsyncIterable<Uint8Array>);
    }
  });
}

export class Exports {
  private state: ExportState | undefined;
  constructor(private readonly store: DocumentStore, private readonly objects: Objects, private readonly log: (line: string) => void) {}

  /** Reads what was there before a restart; an export that was under way is over. */
  async load(): Promise<void> {
    const text = await this.store.fact(FACT);
    this.state = text === undefined ? undefined : (JSON.parse(text) as ExportState);
    if (this.inProgress) await this.become({ state: "failed", start_ts: this.state!.start_ts, reason: "the backend was restarted" });
  }

  get latest(): ExportState | undefined {
    return this.state;
  }

  get inProgress(): boolean {
    return this.state?.state === "requested" || this.state?.state === "in_progress";
  }

  private async become(state: ExportState): Promise<void> {
    this.state = state;
    await this.store.setFact(FACT, JSON.stringify(state));
  }

  /** Starts an export; `latest` tells how it goes. */
  async request(includeStorage: boolean): Promise<void> {
    const start_ts = nanoseconds();
    await this.become({ state: "requested", start_ts });
    void this.run(start_ts, includeStorage).catch(async (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.log(`export ${start_ts} failed: ${reason}`);
      await this.become({ state: "failed", start_ts, reason }).catch(() => undefined);
    });
  }

  private async run(start_ts: string, includeStorage: boolean): Promise<void> {
    const started = Date.now();
    await this.become({ state: "in_progress", start_ts });
    const zip_object_key = randomUUID();
    await this.objects.put("exports", `${start_ts}.key`, Buffer.from(zip_object_key));
    const zip = new ZipWriter(this.objects.sink("exports", zip_object_key, "application/zip"));
    await writeSnapshot(this.store, this.objects, zip, includeStorage);
    await zip.end();
    await this.become({ state: "completed", start_ts, complete_ts: nanoseconds(), zip_object_key });
    this.log(`export ${start_ts} completed in ${Date.now() - started} ms`);
  }

  /** The zip of a completed export, an older one included. */
  async open(start_ts: string): Promise<ReadableStream<Uint8Array> | undefined> {
    if (!(await this.objects.exists("exports", `${start_ts}.key`))) return undefined;
    const key = Buffer.from(await this.objects.read("exports", `${start_ts}.key`, 0, 36)).toString();
    return (await this.objects.exists("exports", key)) ? this.objects.stream("exports", key) : undefined;
  }
}
