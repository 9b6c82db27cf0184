/** What two snapshots have otherwise, document by document. */
import { silentProgress, type ProgressStep } from "../progress";
import { contents } from "./contents";
import { MultisetDigest } from "./digest";
import { Fingerprint, IdTable } from "./id-table";
import { eachLine } from "./lines";
import { STORAGE } from "./members";
import { openSnapshot, type OpenedSnapshot } from "./open";
import { DocumentScanner } from "./scanner";
import { storageRow } from "./storage-row";
import { SnapshotError, type DiffKind, type SnapshotOptions, type TableDiff } from "./types";

export interface DiffOptions extends SnapshotOptions {
  /** Documents named for each table. @default 10 */
  readonly samples?: number;
  /** Slots of the table of ids at most: fewer make more passes over the data. For tests. @default what 64 MiB hold */
  readonly mostSlots?: number;
}

/**
 * Compares every table, and the stored files as table "_storage". Documents are compared byte by byte (by their
 * SHA-256), in any order. Tables that only one of them has count as empty in the other.
 * @returns all tables by name, the equal ones as well
 * @throws SnapshotError when one of them is no sound snapshot
 */
export async function diffSnapshots(a: string, b: string, options: DiffOptions = {}): Promise<TableDiff[]> {
  const first = await openSnapshot(a);
  try {
    const second = await openSnapshot(b);
    try {
      return await compare(first, second, options);
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}

async function compare(first: OpenedSnapshot, second: OpenedSnapshot, { progress = silentProgress, signal, samples = 10, mostSlots }: DiffOptions): Promise<TableDiff[]> {
  const tables = [...new Set([...first.tables(), ...second.tables(), ...(first.hasFiles || second.hasFiles ? [STORAGE] : [])])].sort();
  const step = progress.step("comparing the snapshots", tables.reduce((sum, table) => sum + first.tableBytes(table) + second.tableBytes(table), 0));
  try {
    const diffs: TableDiff[] = [];
    for (const table of tables) diffs.push(await new TableComparison(first, second, table, { step, signal, samples, mostSlots }).run());
    const different = diffs.filter(({ added, removed, changed }) => added + removed + changed > 0).length;
    step.done(different === 0 ? `${diffs.length} tables, all equal` : `${different} of ${diffs.length} tables differ`);
    return diffs;
  } catch (error) {
    step.failed((error as Error).message);
    throw error;
  }
}

interface Comparing {
  readonly step: ProgressStep;
  readonly signal: AbortSignal | undefined;
  readonly samples: number;
  readonly mostSlots: number | undefined;
}

/** Ids of the first go into a table with their documents' hashes; those of the second take them out again; what is left was removed. */
class TableComparison {
  private readonly samples: { id: string; kind: DiffKind }[] = [];
  private added = 0;
  private removed = 0;
  private changed = 0;

  constructor(private readonly first: OpenedSnapshot, private readonly second: OpenedSnapshot, private readonly table: string, private readonly options: Comparing) {}

  async run(): Promise<TableDiff> {
    const ids = new IdTable({ values: true, mostSlots: this.options.mostSlots });
    const digests = [new MultisetDigest(), new MultisetDigest()] as const;
    for (let pass = 0; pass === 0 || ids.nextPart(); pass++) await this.pass(ids, pass === 0 ? digests : undefined);
    const { table, added, removed, changed, samples } = this;
    // Hashes in the table of ids are shortened to 64 bits; the digests are not.
    if (added + removed + changed === 0 && digests[0].hex() !== digests[1].hex()) throw new SnapshotError(this.second.path, { place: table, what: "its documents differ from those of the other snapshot in a way that cannot be named", fix: "Validate both snapshots first: gvfx data validate" });
    return { table, added, removed, changed, samples };
  }

  private async pass(ids: IdTable, digests: readonly [MultisetDigest, MultisetDigest] | undefined): Promise<void> {
    const hash = digests?.[0] ?? new MultisetDigest();
    await this.each(this.first, hash, (fingerprint, id) => {
      const seen = ids.add(fingerprint.high, fingerprint.low);
      if (seen === "again") throw new SnapshotError(this.first.path, { place: this.table, what: `the _id ${id()} is there twice`, fix: "Validate it first: gvfx data validate" });
      if (seen === "new") ids.set(hash.high, hash.low);
    });
    const other = digests?.[1] ?? new MultisetDigest();
    await this.each(this.second, other, (fingerprint, id) => {
      const seen = ids.find(fingerprint.high, fingerprint.low);
      if (seen === "elsewhere") return;
      if (seen === "new") {
        this.added++;
        this.sample(id, "added");
      } else if (!ids.mark()) throw new SnapshotError(this.second.path, { place: this.table, what: `the _id ${id()} is there twice`, fix: "Validate it first: gvfx data validate" });
      else if (!ids.has(other.high, other.low)) {
        this.changed++;
        this.sample(id, "changed");
      }
    });
    const left = ids.unmarked();
    this.removed += left;
    // Their names are in the first snapshot only; it is read again as far as is needed.
    let wanted = Math.min(left, this.options.samples - this.samples.length);
    if (wanted <= 0) return;
    await this.each(this.first, new MultisetDigest(), (fingerprint, id) => {
      if (wanted === 0 || ids.find(fingerprint.high, fingerprint.low) !== "again" || ids.marked()) return;
      this.sample(id, "removed");
      wanted--;
    });
  }

  private sample(id: () => string, kind: DiffKind): void {
    if (this.samples.length < this.options.samples) this.samples.push({ id: id(), kind });
  }

  /** Calls `onDocument` for each document after its text was added to `hash`. */
  private async each(snapshot: OpenedSnapshot, hash: MultisetDigest, onDocument: (fingerprint: Fingerprint, id: () => string) => void): Promise<void> {
    const member = snapshot.member(this.table);
    if (member === undefined) return;
    const scanner = new DocumentScanner();
    const fingerprint = new Fingerprint();
    const { step, signal } = this.options;
    const onLine = (buffer: Buffer, start: number, end: number, line: number): void => {
      if (!scanner.scan(buffer, start, end) || scanner.idStart === -1) throw new SnapshotError(snapshot.path, { place: `${member.name} line ${line}`, what: scanner.problem || "the document has no _id", fix: `All that is wrong: gvfx data validate ${snapshot.path}` });
      const { idStart, idEnd } = scanner;
      const id = (): string => buffer.toString("latin1", idStart, idEnd);
      hash.add(this.table === STORAGE ? this.storedFile(snapshot, buffer.toString("utf8", start, end)) : buffer.subarray(start, end));
      onDocument(fingerprint.of(buffer, idStart, idEnd), id);
    };
    await eachLine(contents(snapshot.archive, member, signal), onLine, (bytes) => step.advance(bytes));
  }

  /** What makes a stored file the same: its row without the order of its fields, and the bytes in the archive. */
  private storedFile(snapshot: OpenedSnapshot, line: string): string {
    const row = storageRow(line);
    if (typeof row === "string") throw new SnapshotError(snapshot.path, { place: "_storage/documents.jsonl", what: row, fix: `All that is wrong: gvfx data validate ${snapshot.path}` });
    const member = snapshot.fileMember(row.id);
    return JSON.stringify([row.sha256, row.size, row.contentType ?? null, row.creationTime ?? null, row.internalId ?? null, member?.crc32 ?? null, member?.bytes ?? null]);
  }
}
