import { createHash } from "node:crypto";
import type { Objects } from "../../../lab/doubles/convex/objects/objects";
import type { DocumentStore, StagedTable } from "../../../lab/doubles/convex/store/store";
import { Faults, importFaultsFrom } from "../../../lab/doubles/convex/transfer/faults";
import { Importer, type ImportMode } from "../../../lab/doubles/convex/transfer/import";
import { Snapshot } from "../../../lab/doubles/convex/transfer/snapshot";
import { ZipWriter } from "../../../lab/doubles/convex/transfer/zip-writer";
import type { StoredDocument } from "../../../lab/doubles/convex/values/document";
import { MemoryFacts } from "./memory-facts";

/** Tables in memory, as an import sees them. */
class Tables {
  readonly content = new Map<string, StoredDocument[]>();
  private readonly staged = new Map<number, StoredDocument[]>();
  tables = () => [...this.content.keys()].map((name) => ({ name }));
  count = async (table: string) => this.content.get(table)?.length ?? 0;
  query = async <T>(run: (db: { scan: (table: string) => AsyncIterable<StoredDocument> }) => Promise<T>) => run({ scan: (table) => each(this.content.get(table) ?? []) });
  stage = async (name: string): Promise<StagedTable> => {
    this.staged.set(this.staged.size, []);
    return { name, relation: this.staged.size - 1 };
  };
  fill = async ({ relation }: StagedTable, documents: readonly StoredDocument[]) => void this.staged.get(relation)!.push(...documents);
  finish = async () => undefined;
  dropStaged = async () => undefined;
  swap = async (staged: readonly StagedTable[], _numbers: ReadonlyMap<string, number>, remove: readonly string[]) => {
    for (const { name, relation } of staged) this.content.set(name, this.staged.get(relation)!);
    for (const name of remove) this.content.delete(name);
  };
}

async function* each<T>(list: readonly T[]): AsyncGenerator<T> {
  yield* list;
}

async function snapshotOf(files: Record<string, string>): Promise<Snapshot> {
  const parts: Uint8Array[] = [];
  const zip = new ZipWriter({ write: async (chunk) => void parts.push(chunk), end: async () => undefined });
  for (const [path, content] of Object.entries(files)) await zip.add(path, [Buffer.from(content)]);
  await zip.end();
  const file = Buffer.concat(parts);
  return Snapshot.open({ size: file.length, read: async (start, end) => file.subarray(start, end) });
}

function setUp({ faults = "", schema = [] as string[] } = {}) {
  const [tables, objects, facts] = [new Tables(), new Map<string, string>(), new MemoryFacts()];
  const exits: string[] = [];
  const store = { sink: (_bucket: string, key: string) => ({ write: async (chunk: Uint8Array) => void objects.set(key, (objects.get(key) ?? "") + Buffer.from(chunk).toString()), end: async () => undefined }), remove: async (_bucket: string, key: string) => void objects.delete(key) };
  const importer = new Importer(tables as unknown as DocumentStore, store as unknown as Objects, new Faults(importFaultsFrom(faults), facts, (why) => exits.push(why)), () => schema);
  const told: string[] = [];
  const run = async (files: Record<string, string>, mode: ImportMode = "replaceAll") => importer.perform(await snapshotOf(files), mode, { message: () => undefined, checkpoint: (text) => told.push(text) });
  return { tables, objects, exits, told, run, importer };
}

const line = (id: string, members = "") => `{"_creationTime":1.5,"_id":"${id}"${members}}\n`;
const sha256 = (text: string) => createHash("sha256").update(text).digest("base64");
const file = (id: string, text: string) => `{"_id":"${id}","_creationTime":1.5,"sha256":"${sha256(text)}","size":${text.length},"contentType":null,"internalId":"u-${id}"}\n`;

test('numbers are read as generated_schema.jsonl says: whole ones are int64 with "uniform" and floats without', async () => {
  const { tables, run } = setUp();
  const count = await run({
    "a/documents.jsonl": line("1", ',"n":5'), "a/generated_schema.jsonl": '"uniform"\n',
    "b/documents.jsonl": line("2", ',"n":5'), "b/generated_schema.jsonl": '"any"\n',
    "c/documents.jsonl": line("3", ',"n":5'),
  });
  expect(count).toBe(3);
  expect(["a", "b", "c"].map((table) => tables.content.get(table)![0].text.replace(/.*"n":/, ""))).toEqual(["5}", "5.0}", "5.0}"]);
});

test.each([
  ["a shape that it does not read", '"{\\"n\\": int64}"\n', 'reads "uniform"'],
  ["what is no JSON", "uniform\n", "JSON"],
])("a generated schema with %s is refused before anything is asked", async (_what, schema, message) => {
  const { importer } = setUp();
  await expect(importer.preview(await snapshotOf({ "a/documents.jsonl": "", "a/generated_schema.jsonl": schema }), "replaceAll")).rejects.toThrow(message);
});

test("a line that is no document is refused by its row, and nothing changes", async () => {
  const { tables, run } = setUp();
  await run({ "a/documents.jsonl": line("1"), "a/generated_schema.jsonl": '"uniform"\n' });
  await expect(run({ "a/documents.jsonl": `${line("2")}\n${line("3")}`, "a/generated_schema.jsonl": '"uniform"\n' })).rejects.toThrow("Row 2 of a/documents.jsonl wasn't a valid Convex value");
  expect(tables.content.get("a")!.map(({ id }) => id)).toEqual(["1"]);
});

test("files keep the name in their URL; metadata without a file go silently, a file without metadata is taken", async () => {
  const { tables, objects, told, run } = setUp();
  expect(await run({ "_storage/documents.jsonl": file("k1", "one") + file("k2", "two"), "_storage/k1.txt": "one", "_storage/k3": "three" })).toBe(0);
  const stored = tables.content.get("_storage")!.map(({ text }) => JSON.parse(text) as Record<string, string>);
  expect(stored).toMatchObject([{ _id: "k1", internalId: "u-k1", sha256: sha256("one"), size: 3, contentType: null }, { _id: "k3", sha256: sha256("three"), size: 5 }]);
  expect(stored.map(({ storageKey }) => objects.get(storageKey))).toEqual(["one", "three"]);
  expect(told).toEqual(['Imported "_storage" (2 files)']);
});

test.each([["sha256", file("k1", "one").replace(sha256("one"), sha256("two")), "SHA-256"], ["size", file("k1", "one").replace('"size":3', '"size":4'), "3 bytes, and the snapshot says 4"]])("a file whose %s differs is refused", async (_what, metadata, message) => {
  await expect(setUp().run({ "_storage/documents.jsonl": metadata, "_storage/k1": "one" })).rejects.toThrow(message);
});

test("replace-all empties the tables of the deployed schema that the snapshot lacks, and removes others", async () => {
  const { tables, run } = setUp({ schema: ["kept", "new"] });
  for (const table of ["kept", "gone"]) tables.content.set(table, [{ id: table, creationTime: 1, text: line(table).trim() }]);
  await run({ "new/documents.jsonl": line("1"), "new/generated_schema.jsonl": '"uniform"\n' });
  expect(Object.fromEntries([...tables.content].map(([name, documents]) => [name, documents.length]))).toEqual({ kept: 0, new: 1 });
});

describe("faults", () => {
  const files = { "a/documents.jsonl": Array.from({ length: 5000 }, (_, i) => line(String(i))).join(""), "a/generated_schema.jsonl": '"uniform"\n' };

  test("an import fails once, and changes nothing", async () => {
    const { tables, run } = setUp({ faults: "fail-after=3000" });
    await expect(run(files)).rejects.toThrow("interrupted by DOUBLE_IMPORT_FAULTS after 4000 documents");
    expect(tables.content.size).toBe(0);
    expect(await run(files)).toBe(5000);
  });

  test("the process exits once", async () => {
    const { exits, run } = setUp({ faults: "exit-after=2000,pause-ms=1" });
    await run(files);
    await run(files);
    expect(exits).toEqual(["DOUBLE_IMPORT_FAULTS: exit after 2000 documents"]);
  });

  test("a part is refused once, restarts included", async () => {
    const facts = new MemoryFacts();
    const asked: boolean[] = [];
    for (const _start of [1, 2]) {
      const faults = new Faults(importFaultsFrom("upload-part=2"), facts, () => undefined);
      for (const part of [1, 2, 2]) asked.push(await faults.refusesPart(part));
    }
    expect(asked).toEqual([false, true, false, false, false, false]);
  });

  test.each(["upload-part", "fail-after=0", "later=3", "pause-ms=1.5"])("%s is refused with what it must be", (text) => {
    expect(() => importFaultsFrom(text)).toThrow(/it must be a list of upload-part=<whole number from 1>/);
  });
});
