/** Reads a zip from its directory at the end, by ranges; ZIP64 included, as real exports may be. */
import { Readable } from "node:stream";
import { createInflateRaw } from "node:zlib";
import { Crc32 } from "./crc32";

/** Something of known size that is read by ranges. */
export interface Ranges {
  readonly size: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

export interface ZipEntry {
  readonly path: string;
  readonly size: number;
  readonly compressed: number;
  readonly crc: number;
  readonly method: number;
  readonly offset: number;
}

const END = 0x06054b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const END_LENGTH = 22;
const LOCATOR_LENGTH = 20;
const MAX_COMMENT = 0xffff;
/** One range at a time: large against the way to the store, small against memory. */
const READ_SIZE = 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;
const IN_EXTRA = 0xffffffff;

const broken = (what: string) => new Error(`not a usable zip file: ${what}; export it again`);

async function bytes(file: Ranges, start: number, end: number): Promise<Buffer> {
  const read = Buffer.from(await file.read(start, end));
  if (read.length !== end - start) throw broken(`it ends at byte ${start + read.length}, before ${end}`);
  return read;
}

/** Sizes and offset that do not fit the directory's own fields stand in extra field 1, in order. */
function wide(extra: Buffer, values: number[]): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let next = at + 4;
    return values.map((value) => (value === IN_EXTRA ? Number(extra.readBigUInt64LE((next += 8) - 8)) : value));
  }
  return values;
}

async function directory(file: Ranges): Promise<{ start: number; size: number; count: number }> {
  const from = Math.max(0, file.size - END_LENGTH - MAX_COMMENT);
  const tail = await bytes(file, from, file.size);
  let at = tail.length - END_LENGTH;
  while (at >= 0 && tail.readUInt32LE(at) !== END) at--;
  if (at < 0) throw broken("it has no directory at its end");
  const locator = at - LOCATOR_LENGTH;
  if (locator >= 0 && tail.readUInt32LE(locator) === END64_LOCATOR) {
    const position = Number(tail.readBigUInt64LE(locator + 8));
    const end = await bytes(file, position, position + 56);
    return { count: Number(end.readBigUInt64LE(32)), size: Number(end.readBigUInt64LE(40)), start: Number(end.readBigUInt64LE(48)) };
  }
  return { count: tail.readUInt16LE(at + 10), size: tail.readUInt32LE(at + 12), start: tail.readUInt32LE(at + 16) };
}

export async function readDirectory(file: Ranges): Promise<ZipEntry[]> {
  const { start, size, count } = await directory(file);
  const all = await bytes(file, start, start + size);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    if (at + 46 > all.length || all.readUInt32LE(at) !== CENTRAL) throw broken(`entry ${entries.length + 1} of ${count} of its directory is damaged`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => all.readUInt16LE(at + field));
    const name = all.subarray(at + 46, at + 46 + nameLength);
    const extra = all.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    const [full, compressed, offset] = wide(extra, [all.readUInt32LE(at + 24), all.readUInt32LE(at + 20), all.readUInt32LE(at + 42)]);
    entries.push({ path: name.toString(), size: full, compressed, offset, crc: all.readUInt32LE(at + 16), method: all.readUInt16LE(at + 10) });
    at += 46 + nameLength + extraLength + commentLength;
  }
  return entries;
}

/** An entry's content. @throws when its size or CRC is not what the directory says */
export async function* readEntry(file: Ranges, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  if (entry.method !== STORED && entry.method !== DEFLATED) throw broken(`${entry.path} is compressed by method ${entry.method}; stored (0) and deflate (8) can be read`);
  const header = await bytes(file, entry.offset, entry.offset + 30);
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const end = start + entry.compressed;
  async function* raw() {
    for (let at = start; at < end; at += READ_SIZE) yield bytes(file, at, Math.min(end, at + READ_SIZE));
  }
  const source = Readable.from(raw(), { objectMode: false });
  const inflate = createInflateRaw();
  source.once("error", (error) => inflate.destroy(error));
  const crc = new Crc32();
  let size = 0;
  for await (const chunk of (entry.method === STORED ? source : source.pipe(inflate)) as AsyncIterable<Uint8Array>) {
    crc.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  if (size !== entry.size || crc.value !== entry.crc) throw broken(`${entry.path} is damaged: ${size} bytes with CRC ${crc.value.toString(16)}, and the directory says ${entry.size} with ${entry.crc.toString(16)}`);
}

/** Text lines; one that is blank counts, as in a real import, which refuses it. */
export async function* lines(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of content) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
