/** Writes a zip piece by piece: sizes and CRC follow each entry's data, so that nothing is held in memory. */
import { Readable } from "node:stream";
import { createDeflateRaw } from "node:zlib";
import type { ObjectSink } from "../objects/objects";
import { Crc32 } from "./crc32";

const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
/** Bit 3: sizes follow the data; bit 11: names are UTF-8. */
const FLAGS = 0x0808;
const DEFLATE = 8;
/** Version 2.0 of the format: deflate and folders. */
const VERSION = 20;
/** 1 January 1980, the format's first day: times say nothing here, and the same data make the same file. */
const DATE = 0x0021;
const MAX_SIZE = 0xffffffff;
const MAX_ENTRIES = 0xffff;

interface Entry {
  readonly name: Buffer;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

/** Fields that a local and a central header share, from "version needed" on. */
function common({ name, crc, compressed, size }: Omit<Entry, "offset">): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(VERSION, 0);
  fields.writeUInt16LE(FLAGS, 2);
  fields.writeUInt16LE(DEFLATE, 4);
  fields.writeUInt16LE(DATE, 8);
  fields.writeUInt32LE(crc, 10);
  fields.writeUInt32LE(compressed, 14);
  fields.writeUInt32LE(size, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function word(value: number, bytes: 2 | 4): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 2) buffer.writeUInt16LE(value);
  else buffer.writeUInt32LE(value);
  return buffer;
}

export class ZipWriter {
  private readonly entries: Entry[] = [];
  private offset = 0;
  constructor(private readonly sink: ObjectSink) {}

  private async put(...parts: Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(parts);
    this.offset += bytes.length;
    if (this.offset > MAX_SIZE) throw new Error("the export is over 4 GiB, more than the double's zip files can hold: remove rows from the lab's tables");
    await this.sink.write(bytes);
  }

  /** Adds a file. @returns its size before compression, in bytes */
  async add(path: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    const name = Buffer.from(path);
    const offset = this.offset;
    await this.put(word(LOCAL, 4), common({ name, crc: 0, compressed: 0, size: 0 }), name);
    const crc = new Crc32();
    let size = 0;
    async function* counted() {
      for await (const chunk of content) {
        crc.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    }
    const start = this.offset;
    const source = Readable.from(counted(), { objectMode: false });
    const deflate = createDeflateRaw();
    source.once("error", (error) => deflate.destroy(error));
    for await (const chunk of source.pipe(deflate) as AsyncIterable<Uint8Array>) await this.put(chunk);
    const compressed = this.offset - start;
    await this.put(word(DESCRIPTOR, 4), word(crc.value, 4), word(compressed, 4), word(size, 4));
    this.entries.push({ name, crc: crc.value, compressed, size, offset });
    return size;
  }

  /** Writes the directory and ends the sink. */
  async end(): Promise<void> {
    if (this.entries.length > MAX_ENTRIES) throw new Error(`the export has ${this.entries.length} files, more than the double's zip files can hold (${MAX_ENTRIES}): remove files from the lab's storage`);
    const start = this.offset;
    for (const entry of this.entries) {
      const tail = Buffer.alloc(14);
      tail.writeUInt32LE(entry.offset, 10);
      // "Version made by", then the shared fields, then comment, disk, attributes (none) and the offset.
      await this.put(word(CENTRAL, 4), word(VERSION, 2), common(entry), tail, entry.name);
    }
    const size = this.offset - start;
    const count = word(this.entries.length, 2);
    await this.put(word(END, 4), word(0, 2), word(0, 2), count, count, word(size, 4), word(start, 4), word(0, 2));
    await this.sink.end();
  }
}
