/** Whether the parts of a zip file fit each other and fill it without a gap. */
import type { FileHandle } from "node:fs/promises";
import type { Entry, LocalFileHeader } from "yauzl";
import type { Problem } from "./types";

const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const LOCATOR = 0x07064b50;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const DESCRIPTOR = 0x08074b50;
const HAS_DESCRIPTOR = 8;
const UNKNOWN_32 = 0xffffffff;
const UNKNOWN_16 = 0xffff;

const FIX = "The file was changed or damaged after the export. Export again, or copy the file anew";

export interface Span {
  readonly entry: Entry;
  readonly local: LocalFileHeader;
}

async function bytes(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, length));
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
  return buffer.subarray(0, bytesRead);
}

/** The records behind the directory: its size, its place and its count, and that nothing stands between. */
export async function tailProblems(handle: FileHandle, size: number, seen: { readonly comment: number; readonly entries: number; readonly directoryStart: number; readonly directoryEnd: number }): Promise<Problem[]> {
  const endStart = size - END_BYTES - seen.comment;
  const end = await bytes(handle, endStart, END_BYTES);
  const problems: Problem[] = [];
  const wrong = (what: string): void => void problems.push({ place: "the archive's last record", what, fix: FIX });
  const length = seen.directoryEnd - seen.directoryStart;
  const check = (what: string, value: number, expected: number, unknown: number): void => {
    if (value !== expected && !(zip64 && value === unknown)) wrong(`it gives ${value} as ${what}, and it is ${expected}`);
  };
  const locator = await bytes(handle, Math.max(0, endStart - LOCATOR_BYTES), LOCATOR_BYTES);
  const zip64 = endStart >= LOCATOR_BYTES && locator.length === LOCATOR_BYTES && locator.readUInt32LE(0) === LOCATOR;
  check("the number of this part", end.readUInt16LE(4), 0, UNKNOWN_16);
  check("the part with the directory", end.readUInt16LE(6), 0, UNKNOWN_16);
  check("the count of members in this part", end.readUInt16LE(8), seen.entries, UNKNOWN_16);
  check("the count of members", end.readUInt16LE(10), seen.entries, UNKNOWN_16);
  check("the directory's length", end.readUInt32LE(12), length, UNKNOWN_32);
  check("the directory's place", end.readUInt32LE(16), seen.directoryStart, UNKNOWN_32);
  let next = endStart;
  if (zip64) {
    const start64 = Number(locator.readBigUInt64LE(8));
    const end64 = await bytes(handle, start64, END64_BYTES);
    if (locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) > 1) wrong("its zip64 locator names a part of a split archive");
    if (end64.length < END64_BYTES || end64.readUInt32LE(0) !== END64) wrong("its zip64 record is damaged");
    else {
      const values = [["zip64 count in this part", 24, seen.entries], ["zip64 count", 32, seen.entries], ["zip64 directory length", 40, length], ["zip64 directory place", 48, seen.directoryStart]] as const;
      for (const [what, at, expected] of values) if (end64.readBigUInt64LE(at) !== BigInt(expected)) wrong(`it gives ${end64.readBigUInt64LE(at)} as ${what}, and it is ${expected}`);
      if (start64 + 12 + Number(end64.readBigUInt64LE(4)) !== endStart - LOCATOR_BYTES) wrong("its zip64 record has a wrong length");
      if (end64.readUInt32LE(16) !== 0 || end64.readUInt32LE(20) !== 0) wrong("its zip64 record names a part of a split archive");
    }
    next = start64;
  }
  if (seen.directoryEnd !== next) problems.push({ place: `bytes ${Math.min(seen.directoryEnd, next)} to ${Math.max(seen.directoryEnd, next)} of the file`, what: seen.directoryEnd < next ? "they belong to nothing: they stand between the archive's directory and its end" : "the archive's directory runs into its end", fix: FIX });
  return problems;
}

/** @param spans sorted by place */
export async function layoutProblems(handle: FileHandle, spans: readonly Span[], directoryStart: number): Promise<Problem[]> {
  const problems: Problem[] = [];
  let expected = 0;
  for (const [index, span] of spans.entries()) {
    const { entry, local } = span;
    const start = entry.relativeOffsetOfLocalHeader;
    if (start !== expected) problems.push({ place: `bytes ${Math.min(expected, start)} to ${Math.max(expected, start)} of the file`, what: start > expected ? `they belong to no member: they stand before ${JSON.stringify(entry.fileName)}` : `${JSON.stringify(entry.fileName)} overlaps the member before it`, fix: FIX });
    const dataEnd = local.fileDataStart + entry.compressedSize;
    const limit = spans[index + 1]?.entry.relativeOffsetOfLocalHeader ?? directoryStart;
    for (const what of headerDifferences(span)) problems.push({ place: entry.fileName, what, fix: FIX });
    const streamed = (entry.generalPurposeBitFlag & HAS_DESCRIPTOR) !== 0;
    const descriptor = streamed ? await descriptorLength(handle, entry, dataEnd, limit) : 0;
    if (descriptor === undefined) problems.push({ place: entry.fileName, what: "the record behind its data does not agree with the archive's directory", fix: FIX });
    expected = descriptor === undefined ? limit : dataEnd + descriptor;
  }
  if (expected !== directoryStart) problems.push({ place: `bytes ${Math.min(expected, directoryStart)} to ${Math.max(expected, directoryStart)} of the file`, what: expected < directoryStart ? "they belong to no member: they stand before the archive's directory" : "the last member runs into the archive's directory", fix: FIX });
  return problems;
}

/** What the header in front of a member's data says otherwise than the directory. */
function headerDifferences({ entry, local }: Span): string[] {
  const found: string[] = [];
  const check = (what: string, inHeader: number, inDirectory: number): void => {
    if (inHeader !== inDirectory) found.push(`its header gives ${inHeader} as ${what}, the archive's directory ${inDirectory}`);
  };
  if (!local.fileName.equals(entry.fileNameRaw)) found.push(`its header calls it ${JSON.stringify(local.fileName.toString("utf8"))}`);
  check("flags", local.generalPurposeBitFlag, entry.generalPurposeBitFlag);
  check("compression", local.compressionMethod, entry.compressionMethod);
  check("time", local.lastModFileTime, entry.lastModFileTime);
  check("date", local.lastModFileDate, entry.lastModFileDate);
  // Written before the data were known: then the record behind the data says it.
  const streamed = (entry.generalPurposeBitFlag & HAS_DESCRIPTOR) !== 0;
  const known = (value: number, inDirectory: number): boolean => value === inDirectory || (streamed && value === 0) || value === UNKNOWN_32;
  if (!known(local.crc32, entry.crc32)) check("CRC-32", local.crc32, entry.crc32);
  if (!known(local.compressedSize, entry.compressedSize)) check("compressed size", local.compressedSize, entry.compressedSize);
  if (!known(local.uncompressedSize, entry.uncompressedSize)) check("size", local.uncompressedSize, entry.uncompressedSize);
  return found;
}

/** The length of the record behind a member's data: with or without its signature, of 32 or of 64 bits. Undefined: it is none. */
async function descriptorLength(handle: FileHandle, entry: Entry, start: number, limit: number): Promise<number | undefined> {
  const record = await bytes(handle, start, Math.min(24, Math.max(0, limit - start)));
  for (const length of [16, 24, 12, 20]) {
    if (record.length < length || limit - start !== length) continue;
    const signed = length === 16 || length === 24;
    const at = signed ? 4 : 0;
    const wide = length >= 20;
    const number = (offset: number): number => (wide ? Number(record.readBigUInt64LE(offset)) : record.readUInt32LE(offset));
    if (signed && record.readUInt32LE(0) !== DESCRIPTOR) continue;
    if (record.readUInt32LE(at) === entry.crc32 && number(at + 4) === entry.compressedSize && number(at + (wide ? 12 : 8)) === entry.uncompressedSize) return length;
  }
  return undefined;
}
