/** File storage: metadata in the table _storage, contents among the objects. */
import { createHash, createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { Files } from "./functions/definition";
import type { Objects } from "./objects/objects";
import { STORAGE_TABLE } from "./schema";
import type { Reader } from "./store/documents";
import type { DocumentStore } from "./store/store";
import { fieldsOf } from "./values/document";
import type { Fields } from "./values/value";

/** Convex's own: an upload URL is good for an hour. */
const UPLOAD_URL_SECONDS = 3600;

/** What a document of the table _storage says. */
export interface FileEntry {
  /** The last part of the file's URL; it survives export and import. */
  readonly internalId: string;
  /** The object that holds the content; an import puts it under a new name. */
  readonly storageKey: string;
  /** Base64. */
  readonly sha256: string;
  readonly size: number;
  readonly contentType: string | null;
}

export function fileFields({ size, ...entry }: FileEntry): Fields {
  return { ...entry, size: BigInt(size) };
}

export function fileEntry(fields: Fields): FileEntry {
  const { internalId, storageKey, sha256, size, contentType } = fields as Record<string, string | null | undefined>;
  return { internalId: internalId!, storageKey: storageKey ?? internalId!, sha256: sha256!, size: Number(size), contentType: contentType ?? null };
}

export class StorageFiles implements Files {
  constructor(private readonly store_: DocumentStore, private readonly objects: Objects, private readonly origin: string, private readonly key: Buffer) {}

  async store(content: Uint8Array, contentType: string): Promise<string> {
    const internalId = randomUUID();
    // The object first: metadata without a file would be a broken link, a file without metadata only takes room.
    await this.objects.put("files", internalId, content, contentType);
    const fields = fileFields({ internalId, storageKey: internalId, sha256: createHash("sha256").update(content).digest("base64"), size: content.length, contentType });
    const [document] = await this.store_.mutate([STORAGE_TABLE], (db) => db.insert(STORAGE_TABLE, [fields]));
    return document.id;
  }

  async url(db: Reader, storageId: string): Promise<string | null> {
    const document = await db.get(STORAGE_TABLE, storageId);
    return document ? `${this.origin}/api/storage/${fileEntry(fieldsOf(document)).internalId}` : null;
  }

  async remove(db: Parameters<Files["remove"]>[0], storageId: string): Promise<void> {
    const document = await db.get(STORAGE_TABLE, storageId);
    if (!document) throw new Error(`storage id ${storageId} not found`);
    await db.remove(STORAGE_TABLE, [storageId]);
    await this.objects.remove("files", fileEntry(fieldsOf(document)).storageKey);
  }

  private sign(text: string): string {
    return createHmac("sha256", this.key).update(text).digest("base64url");
  }

  uploadUrl(now = Date.now()): string {
    const claim = `${Math.floor(now / 1000) + UPLOAD_URL_SECONDS}.${randomUUID()}`;
    return `${this.origin}/api/storage/upload?token=${claim}.${this.sign(claim)}`;
  }

  /** Whether a token was made by uploadUrl and is not past its hour. */
  mayUpload(token: string, now = Date.now()): boolean {
    const [, claim, signature] = /^(\d+\.[0-9a-f-]+)\.([\w-]+)$/.exec(token) ?? [];
    if (!claim) return false;
    const [given, right] = [Buffer.from(signature), Buffer.from(this.sign(claim))];
    return given.length === right.length && timingSafeEqual(given, right) && Number(claim.split(".")[0]) * 1000 >= now;
  }

  /** A stored file by the last part of its URL. */
  async open(internalId: string): Promise<{ stream: ReadableStream<Uint8Array>; contentType: string; size: number; sha256: string } | undefined> {
    const entry = await this.store_.query(async (db) => {
      for await (const document of db.scan(STORAGE_TABLE, [["internalId", internalId]])) return fileEntry(fieldsOf(document));
      return undefined;
    });
    if (!entry) return undefined;
    const { storageKey, contentType, size, sha256 } = entry;
    return { stream: this.objects.stream("files", storageKey), contentType: contentType ?? "application/octet-stream", size, sha256 };
  }
}
