/** Rows of _storage/documents.jsonl. */

/** What a row of _storage says of a file. */
export interface StorageRow {
  readonly id: string;
  /** Base64. */
  readonly sha256: string;
  readonly size: number;
  readonly contentType: string | undefined;
  readonly creationTime: number | undefined;
  /** Names the file in the URLs that the app hands out. */
  readonly internalId: string | undefined;
}

/** @param text a line that is JSON. @returns what is wrong with the row, as a string */
export function storageRow(text: string): StorageRow | string {
  const row = JSON.parse(text) as Record<string, unknown>;
  const { _id: id, _creationTime: creationTime, sha256, size, contentType, internalId } = row;
  if (typeof id !== "string") return "it has no _id";
  if (typeof sha256 !== "string" || Buffer.from(sha256, "base64").length !== 32 || Buffer.from(sha256, "base64").toString("base64") !== sha256) return "its sha256 is not the base64 of 32 bytes";
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return "its size is not a number of bytes";
  if (contentType !== undefined && contentType !== null && typeof contentType !== "string") return "its contentType is not a text";
  return { id, sha256, size, contentType: contentType ?? undefined, creationTime: typeof creationTime === "number" ? creationTime : undefined, internalId: typeof internalId === "string" ? internalId : undefined };
}
