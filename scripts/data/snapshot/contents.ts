/** A member's uncompressed bytes, as they stream; its CRC-32 and size are checked by the time the last is handed on. */
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { crc32, createInflateRaw, inflateRaw, type InflateRaw } from "node:zlib";
import type { Archive, Member } from "./archive";
import { SnapshotError } from "./types";

/** Below this a member is read in one piece: streams cost more than its bytes. */
const AT_ONCE_BYTES = 256 * 1024;
/** Read from the file in pieces of this size. */
const READ_BYTES = 256 * 1024;
/** Handed on in pieces of this size: large enough that changing threads costs little, small enough for flat memory. */
const CHUNK_BYTES = 256 * 1024;

/**
 * A member's bytes.
 * @throws SnapshotError at the end or where it breaks, when they are not what the archive's directory says
 */
export async function* contents(archive: Archive, member: Member, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const damaged = (what: string): SnapshotError => new SnapshotError(archive.path, { place: member.name, what, fix: "The file was damaged or changed after the export. Export again, or copy the file anew" });
  let read = 0;
  let crc = 0;
  for await (const chunk of member.compressedBytes <= AT_ONCE_BYTES && member.bytes <= 4 * AT_ONCE_BYTES ? atOnce(archive, member, damaged) : streamed(archive, member, damaged)) {
    signal?.throwIfAborted();
    read += chunk.length;
    if (read > member.bytes) throw damaged(`it has more bytes than the ${member.bytes} that the archive's directory gives`);
    crc = crc32(chunk, crc);
    yield chunk;
  }
  if (read !== member.bytes) throw damaged(`it has ${read} bytes, and the archive's directory gives ${member.bytes}`);
  if (crc !== member.crc32) throw damaged(`its bytes have the CRC-32 ${hex(crc)}, and the archive's directory gives ${hex(member.crc32)}`);
}

const hex = (crc: number): string => crc.toString(16).padStart(8, "0");

const inflateWithEngine = promisify(inflateRaw as unknown as (data: Buffer, options: object, callback: (error: Error | null, result: { buffer: Buffer; engine: InflateRaw }) => void) => void);

async function* atOnce(archive: Archive, member: Member, damaged: (what: string) => SnapshotError): AsyncGenerator<Buffer> {
  const raw = Buffer.allocUnsafe(member.compressedBytes);
  const { bytesRead } = await archive.handle.read(raw, 0, raw.length, member.start);
  if (bytesRead < raw.length) throw damaged("the file ends inside of it");
  if (!member.compressed) return yield raw;
  const { buffer, engine } = await inflateWithEngine(raw, { info: true, maxOutputLength: member.bytes + 1 }).catch((error: Error) => {
    throw damaged(`its compressed data are broken (${error.message})`);
  });
  if (engine.bytesWritten !== raw.length) throw damaged("bytes follow its compressed data");
  yield buffer;
}

/** A part of the file. Not a stream of the handle: destroying one would close the handle, which other members are read by. */
async function* pieces(archive: Archive, start: number, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; ) {
    const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, length - at));
    const { bytesRead } = await archive.handle.read(piece, 0, piece.length, start + at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function* streamed(archive: Archive, member: Member, damaged: (what: string) => SnapshotError): AsyncGenerator<Buffer> {
  const raw = pieces(archive, member.start, member.compressedBytes);
  if (!member.compressed) return yield* raw;
  const source = Readable.from(raw, { objectMode: false, highWaterMark: READ_BYTES });
  const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES });
  source.on("error", (error) => inflate.destroy(error));
  source.pipe(inflate);
  try {
    for await (const chunk of inflate) yield chunk as Buffer;
  } catch (error) {
    throw damaged(`its compressed data are broken (${(error as Error).message})`);
  } finally {
    source.destroy();
    inflate.destroy();
  }
  if (inflate.bytesWritten !== member.compressedBytes) throw damaged("bytes follow its compressed data");
}
