/**
 * The zip file around a snapshot. yauzl reads the central directory; here every
 * byte of the file is accounted for: a member's header against the directory, no
 * byte between members, behind the last or after the end.
 */
import { open, type FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import * as yauzl from "yauzl";
import { layoutProblems, tailProblems } from "./archive-layout";
import { unreadable } from "./archive-explain";
import type { Problem } from "./types";
import { SnapshotError } from "./types";

/** One file inside the archive, as the central directory has it. */
export interface Member {
  readonly name: string;
  readonly compressed: boolean;
  readonly crc32: number;
  readonly compressedBytes: number;
  /** Uncompressed. */
  readonly bytes: number;
  /** Offset of its local header in the archive. */
  readonly header: number;
  /** Offset of its first data byte. */
  readonly start: number;
}

export interface Archive {
  readonly path: string;
  /** Of the whole file. */
  readonly bytes: number;
  /** In the file's order. */
  readonly members: readonly Member[];
  readonly problems: readonly Problem[];
  readonly handle: FileHandle;
  close(): Promise<void>;
}

const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

/** @throws SnapshotError when it is no zip file, is cut off, or its directory cannot be read */
export async function openArchive(path: string): Promise<Archive> {
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw new SnapshotError(path, { place: "the file", what: error.code === "ENOENT" ? "there is no such file" : `it cannot be opened (${error.code ?? error.message})`, fix: "Give the path of a snapshot's zip file" }, false);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new SnapshotError(path, { place: "the file", what: "it is not a regular file", fix: "Give the path of a snapshot's zip file, not of a folder" }, false);
    const { zip, entries, directoryStart, directoryEnd } = await readDirectory(path, handle, stat.size);
    try {
      const problems: Problem[] = await tailProblems(handle, stat.size, { comment: zip.comment.length, entries: entries.length, directoryStart, directoryEnd });
      const members: Member[] = [];
      const spans = [];
      const names = new Set<string>();
      for (const entry of entries.sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)) {
        const twice = names.has(entry.fileName);
        names.add(entry.fileName);
        const local = await zip.readLocalFileHeaderPromise(entry).catch((error: Error) => error);
        const what = twice ? "the archive has two members of this name" : unusable(entry) ?? (local instanceof Error ? `its header is damaged (${local.message})` : undefined);
        if (what !== undefined) problems.push({ place: entry.fileName, what, fix: "Export again: what an import would read of it is not certain" });
        if (local instanceof Error || twice) {
          if (!(local instanceof Error)) spans.push({ entry, local });
          continue;
        }
        spans.push({ entry, local });
        if (what === undefined) members.push({ name: entry.fileName, compressed: entry.compressionMethod === DEFLATED, crc32: entry.crc32, compressedBytes: entry.compressedSize, bytes: entry.uncompressedSize, header: entry.relativeOffsetOfLocalHeader, start: local.fileDataStart });
      }
      // Where a header could not be read, what belongs to whom is not known, and the damage is named already.
      if (spans.length === entries.length) problems.push(...(await layoutProblems(handle, spans, directoryStart)));
      return { path, bytes: stat.size, members, problems, handle, close: () => handle.close() };
    } finally {
      zip.close();
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function unusable(entry: yauzl.Entry): string | undefined {
  if ((entry.generalPurposeBitFlag & ENCRYPTED) !== 0) return "it is encrypted";
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) return `it is compressed by method ${entry.compressionMethod}, which a snapshot never has`;
  const unixType = (entry.externalFileAttributes >>> 28) & 0xf;
  return unixType === 0xa ? "it is a symbolic link" : undefined;
}

interface Directory {
  readonly zip: yauzl.ZipFile;
  readonly entries: yauzl.Entry[];
  readonly directoryStart: number;
  readonly directoryEnd: number;
}

/** Reads through our handle, which outlives yauzl's reader. */
class HandleReader extends yauzl.RandomAccessReader {
  constructor(private readonly handle: FileHandle) {
    super();
  }
  override _readStreamForRange(): Readable {
    throw new Error("members are read by contents.ts");
  }
  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null, bytesRead?: number) => void): void {
    // A damaged directory can point to anywhere.
    if (!Number.isSafeInteger(position) || position < 0) return callback(new Error(`it points to byte ${position} of the file, which cannot be`));
    this.handle.read(buffer, offset, length, position).then(
      ({ bytesRead }) => callback(bytesRead < length ? new Error(`the file ends before byte ${position + length}`) : null, bytesRead),
      (error: Error) => callback(error),
    );
  }
  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

function readDirectory(path: string, handle: FileHandle, size: number): Promise<Directory> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => void unreadable(path, handle, size, error).then(reject, reject);
    const begin = (error: Error | null, zip: yauzl.ZipFile): void => {
      if (error) return fail(error);
      const cursor = (): number => zip.readEntryCursor as unknown as number; // the types call the offset a boolean
      const directoryStart = cursor();
      const entries: yauzl.Entry[] = [];
      zip.on("error", fail);
      zip.on("end", () => resolve({ zip, entries, directoryStart, directoryEnd: cursor() }));
      zip.on("entry", (entry: yauzl.Entry) => {
        entries.push(entry);
        zip.readEntry();
      });
      zip.readEntry();
    };
    yauzl.fromRandomAccessReader(new HandleReader(handle), size, { lazyEntries: true, autoClose: false, strictFileNames: true, validateEntrySizes: false }, begin);
  });
}
