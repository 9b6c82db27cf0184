/** The stored files against their rows: missing, surplus, size, SHA-256. */
import { createHash } from "node:crypto";
import type { Member } from "./archive";
import type { Checkers } from "./checkers";
import { contents } from "./contents";
import { MultisetDigest } from "./digest";
import { eachLine } from "./lines";
import { STORAGE, STORAGE_DOCUMENTS, type SnapshotMembers } from "./members";
import { DocumentScanner } from "./scanner";
import { storageRow, type StorageRow } from "./storage-row";
import type { SnapshotFiles } from "./types";
import type { UniqueIds } from "./unique-ids";
import { damageNamed, validateDocuments, type Reading } from "./validate-documents";

/** Files that are read at the same time: inflating runs in other threads, of which Node has four. */
const AT_ONCE = 3;
const AGAIN = "Export again with files; a stored file that is not the one its row names must not be imported";

export async function validateFiles(reading: Reading, { storage, files }: SnapshotMembers, { ids, checkers, required }: { readonly ids: UniqueIds; readonly checkers: Checkers; readonly required: boolean }): Promise<SnapshotFiles | undefined> {
  const { problems } = reading;
  if (storage === undefined && files.size === 0) {
    if (required) problems.add(STORAGE, { place: STORAGE_DOCUMENTS, what: "the snapshot has no stored files: it was exported without --include-file-storage", fix: "Export with files (gvfx data export does), or say that none are wanted: --without-files" });
    return undefined;
  }
  const rows = new Map<string, StorageRow>();
  let broken = false;
  if (storage === undefined) problems.add(STORAGE, { place: STORAGE_DOCUMENTS, what: `it is missing, and ${files.size} stored files are there`, fix: AGAIN });
  else {
    const before = problems.all().length;
    await validateDocuments(reading, storage, ids, checkers);
    const scanner = new DocumentScanner();
    await damageNamed(reading, storage, () => eachLine(contents(reading.archive, storage, reading.signal), (buffer, start, end, line) => {
      if (!scanner.scan(buffer, start, end)) return; // named already
      const row = storageRow(buffer.toString("utf8", start, end));
      if (typeof row === "string") problems.add(STORAGE, { place: `${STORAGE_DOCUMENTS} line ${line}`, what: row, fix: AGAIN });
      else rows.set(row.id, row);
    }));
    broken = problems.all().length > before;
  }
  const digest = new MultisetDigest();
  let bytes = 0;
  const check = async ([id, member]: [string, Member]): Promise<void> => {
    const row = rows.get(id);
    if (row === undefined && !broken && storage !== undefined) problems.add(STORAGE, { place: member.name, what: `it is surplus: no row of ${STORAGE_DOCUMENTS} names it, and an import would take it all the same`, fix: AGAIN }, "surplus");
    const hash = createHash("sha256");
    const read = await damageNamed(reading, member, async () => {
      for await (const chunk of contents(reading.archive, member, reading.signal)) {
        hash.update(chunk);
        reading.advance(chunk.length);
      }
      return true;
    });
    if (row === undefined || read === undefined) return;
    const sha256 = hash.digest("base64");
    if (row.size !== member.bytes) problems.add(STORAGE, { place: member.name, what: `it has ${member.bytes} bytes, and its row says ${row.size}`, fix: AGAIN }, "size");
    if (row.sha256 !== sha256) problems.add(STORAGE, { place: member.name, what: `its SHA-256 is ${sha256} (base64), and its row says ${row.sha256}`, fix: AGAIN }, "hash");
    bytes += member.bytes;
    digest.add(JSON.stringify([id, sha256, member.bytes, row.contentType ?? null]));
  };
  const waiting = [...files].values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const entry of waiting) await check(entry);
  }));
  for (const { id } of rows.values()) if (!files.has(id)) problems.add(STORAGE, { place: STORAGE_DOCUMENTS, what: `the stored file ${id} is missing: its row is there, its bytes are not`, fix: AGAIN }, "missing");
  return { count: files.size, bytes, digest: digest.hex() };
}
