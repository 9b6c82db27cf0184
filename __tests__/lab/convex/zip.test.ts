import { crc32 } from "./reference-crc";
import { fileOf, filePath, tableOf } from "../../../lab/doubles/convex/transfer/layout";
import { lines, readDirectory, readEntry, type Ranges } from "../../../lab/doubles/convex/transfer/zip-reader";
import { ZipWriter } from "../../../lab/doubles/convex/transfer/zip-writer";
import { Crc32 } from "../../../lab/doubles/convex/transfer/crc32";

async function zipped(files: Record<string, Uint8Array[]>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const zip = new ZipWriter({ write: async (chunk) => void parts.push(chunk), end: async () => undefined });
  for (const [path, content] of Object.entries(files)) await zip.add(path, content);
  await zip.end();
  return Buffer.concat(parts);
}

const ranges = (file: Buffer): Ranges => ({ size: file.length, read: async (start, end) => file.subarray(start, end) });

async function unzipped(file: Buffer): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const entry of await readDirectory(ranges(file))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of readEntry(ranges(file), entry)) chunks.push(chunk);
    content[entry.path] = Buffer.concat(chunks).toString();
  }
  return content;
}

test("what is written is read again, empty files and large ones included", async () => {
  const large = Array.from({ length: 40 }, (_, i) => Buffer.alloc(100_000, 64 + i));
  const file = await zipped({ "README.md": [Buffer.from("read "), Buffer.from("me")], "t/documents.jsonl": [], "large": large });
  const content = await unzipped(file);
  expect(Object.keys(content)).toEqual(["README.md", "t/documents.jsonl", "large"]);
  expect(content["README.md"]).toBe("read me");
  expect(content["t/documents.jsonl"]).toBe("");
  expect(content.large === Buffer.concat(large).toString()).toBe(true);
  expect(file.length).toBeLessThan(100_000);
});

test("a damaged file is found out", async () => {
  const file = await zipped({ "a": [Buffer.from("x".repeat(1000))] });
  const changed = Buffer.from(file);
  // The CRC in the directory, 16 bytes into its only entry.
  changed[changed.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 16] ^= 1;
  await expect(unzipped(changed)).rejects.toThrow("a is damaged");
  await expect(unzipped(file.subarray(0, file.length - 30))).rejects.toThrow("no directory at its end");
  await expect(unzipped(Buffer.from("no zip"))).rejects.toThrow("not a usable zip file");
});

test("a directory in ZIP64 form is read", async () => {
  const content = Buffer.from("stored");
  const name = Buffer.from("s");
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  extra.writeBigUInt64LE(BigInt(content.length), 4);
  extra.writeBigUInt64LE(BigInt(content.length), 12);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt32LE(crc32(content), 16);
  for (const field of [20, 24, 42]) central.writeUInt32LE(0xffffffff, field);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt16LE(extra.length, 30);
  const start = local.length + name.length + content.length;
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(1n, 32);
  end64.writeBigUInt64LE(BigInt(central.length + name.length + extra.length), 40);
  end64.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(start + central.length + name.length + extra.length), 8);
  const end = Buffer.alloc(22, 0xff);
  end.writeUInt32LE(0x06054b50, 0);
  expect(await unzipped(Buffer.concat([local, name, content, central, name, extra, end64, locator, end]))).toEqual({ s: "stored" });
});

test("CRC-32 is the common one, over chunks", () => {
  const crc = new Crc32();
  crc.update(Buffer.from("1234"));
  crc.update(Buffer.from("56789"));
  expect(crc.value).toBe(0xcbf43926);
  expect(crc32(Buffer.from("123456789"))).toBe(0xcbf43926);
});

test("lines come whole from chunks that cut them, blank ones included", async () => {
  const text = Buffer.from('{"a":"é"}\n\n{"b":1}');
  async function* chunks() {
    for (const byte of text) yield Buffer.from([byte]);
  }
  const found: string[] = [];
  for await (const line of lines(chunks())) found.push(line);
  expect(found).toEqual(['{"a":"é"}', "", '{"b":1}']);
});

test("paths of a snapshot", () => {
  expect(tableOf("bingx_trades/documents.jsonl")).toBe("bingx_trades");
  expect(tableOf("_storage/documents.jsonl")).toBeUndefined();
  expect(tableOf("bingx_trades/generated_schema.jsonl")).toBeUndefined();
  expect(filePath("k1", "application/zip")).toBe("_storage/k1.zip");
  expect(filePath("k1", "x/unknown")).toBe("_storage/k1");
  expect(fileOf("_storage/k1.zip")).toBe("k1");
  expect(fileOf("_storage/k1")).toBe("k1");
  expect(fileOf("_storage/documents.jsonl")).toBeUndefined();
});
