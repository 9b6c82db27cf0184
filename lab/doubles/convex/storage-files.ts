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

/** Metadata as a snapshot shows it: internalId names the object, and the file's URL. */
export function fileFields(internalId: string, content: { sha256: string; size: number; contentType?: string }): Fields {
  return { contentType: content.contentType, internalId, sha256: content.sha256, size: BigInt(content.size) };
}

export class StorageFiles implements Files {
  constructor(private readonly store_: DocumentStore, private readonly objects: Objects, private readonly origin: string, private readonly key: Buffer) {}

  async store(content: Uint8Array, contentType: string): Promise<string> {
    const internalId = randomUUID();
    // The object first: metadata without a file would be a broken link, a file without metadata only takes room.
    await this.objects.put("files", internalId, content, contentType);
    const fields = fileFields(internalId, { sha256: createHash("sha256").update(content).digest("base64"), size: content.length, contentType });
    const [document] = await this.store_.mutate([STORAGE_TABLE], (db) => db.insert(STORAGE_TABLE, [fields]));
    return document.id;
  }

  async url(db: Reader, storageId: string): Promise<string | null> {
    const document = await db.get(STORAGE_TABLE, storageId);
    return document ? `${this.origin}/api/storage/${fieldsOf(document).internalId as string}` : null;
  }

  async remove(db: Parameters<Files["remove"]>[0], storageId: string): Promise<void> {
    const document = await db.get(STORAGE_TABLE, storageId);
    if (!document) throw new Error(`storage id ${storageId} not found`);
    await db.remove(STORAGE_TABLE, [storageId]);
    await this.objects.remove("files", fieldsOf(document).internalId as string);
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
    const fields = await this.store_.query(async (db) => {
      for await (const document of db.scan(STORAGE_TABLE, [["internalId", internalId]])) return fieldsOf(document);
      return undefined;
    });
    if (!fields) return undefined;
    return { stream: this.objects.stream("files", internalId), contentType: (fields.contentType as string | undefined) ?? "application/octet-stream", size: Number(fields.size), sha256: fields.sha256 as string };
  }
}
