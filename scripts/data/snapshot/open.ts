/** Opens a snapshot for reading: its documents by table, its stored files. */
import { Readable } from "node:stream";
import { openArchive, type Archive, type Member } from "./archive";
import { contents } from "./contents";
import { lineBlocks, linesOf } from "./lines";
import { snapshotMembers, STORAGE } from "./members";
import { DocumentScanner } from "./scanner";
import { SnapshotError, type Snapshot, type SnapshotDocument, type SnapshotFile } from "./types";
import { storageRow } from "./storage-row";

/** An opened snapshot that also shows its members, for what compares two of them. */
export interface OpenedSnapshot extends Snapshot {
  readonly archive: Archive;
  /** documents.jsonl of a table, also of "_storage". */
  member(table: string): Member | undefined;
  /** The member that holds a stored file. */
  fileMember(id: string): Member | undefined;
}

/** @throws SnapshotError when it is no snapshot, or its archive is damaged: `gvfx data validate` then says all that is wrong */
export async function openSnapshot(path: string): Promise<OpenedSnapshot> {
  const archive = await openArchive(path);
  const members = snapshotMembers(archive);
  const [first] = [...archive.problems, ...members.problems];
  if (first !== undefined) {
    await archive.close();
    throw new SnapshotError(path, { ...first, fix: `${first.fix}. All that is wrong: gvfx data validate ${path}` });
  }
  const member = (table: string): Member | undefined => (table === STORAGE ? members.storage : members.tables.get(table));
  const documents = (table: string): AsyncGenerator<SnapshotDocument> => documentsOf(archive, member(table));
  return {
    path,
    archive,
    bytes: archive.bytes,
    hasFiles: members.storage !== undefined,
    tables: () => [...members.tables.keys()].sort(),
    tableBytes: (table) => member(table)?.bytes ?? 0,
    member,
    fileMember: (id) => members.files.get(id),
    documents,
    files: async function* (): AsyncGenerator<SnapshotFile> {
      for await (const { line } of documents(STORAGE)) {
        const row = storageRow(line.toString("utf8"));
        if (typeof row === "string") throw new SnapshotError(path, { place: "_storage/documents.jsonl", what: row, fix: `gvfx data validate ${path} says where` });
        const file = members.files.get(row.id);
        if (file === undefined) throw new SnapshotError(path, { place: "_storage/documents.jsonl", what: `the stored file ${row.id} is missing`, fix: "Export again" });
        yield { ...row, stream: async () => Readable.from(contents(archive, file), { objectMode: false }) };
      }
    },
    close: () => archive.close(),
  };
}

async function* documentsOf(archive: Archive, member: Member | undefined): AsyncGenerator<SnapshotDocument> {
  if (member === undefined) return;
  const scanner = new DocumentScanner();
  let lines = 0;
  for await (const block of lineBlocks(contents(archive, member), (bytes) => Buffer.allocUnsafeSlow(bytes))) {
    const documents: SnapshotDocument[] = [];
    lines += linesOf(block, (start, end, line) => {
      const sound = scanner.scan(block.buffer, start, end);
      if (!sound || scanner.idStart === -1) throw new SnapshotError(archive.path, { place: `${member.name} line ${lines + line}`, what: sound ? "the document has no _id" : scanner.problem, fix: `gvfx data validate ${archive.path} says all that is wrong` });
      documents.push({ id: block.buffer.toString("latin1", scanner.idStart, scanner.idEnd), line: block.buffer.subarray(start, end) });
    });
    yield* documents;
  }
}
