import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { validateSnapshot } from "../../../scripts/data/snapshot/validate";
import { linesIn, smallDataset, temporary, told, unzip, withLines, zip, type Files } from "./zip-files";

let sound: string;
let files: Files;
beforeAll(async () => {
  sound = await smallDataset();
  files = await unzip(sound);
});
const kinds = "set_kinds/documents.jsonl";
const ticks = "set_ticks/documents.jsonl";
const storage = "_storage/documents.jsonl";
const without = (name: string): [string, Buffer][] => [...files].filter(([other]) => other !== name);
const fileName = (n: number): string => [...files.keys()].filter((name) => name.startsWith("_storage/") && name !== storage)[n];

test("a sound snapshot has no problem, and its counts, sizes and hash are reported", async () => {
  const report = await validateSnapshot(sound);
  expect(report.problems).toEqual([]);
  expect(report.tables.map(({ name, documents }) => [name, documents])).toEqual(["set_artifacts", "set_empty", "set_kinds", "set_nested", "set_ticks"].map((name) => [name, linesIn(files, `${name}/documents.jsonl`).length]));
  expect(report.tables.find(({ name }) => name === "set_ticks")!.bytes).toBe(files.get(ticks)!.length);
  expect(report.files).toMatchObject({ count: 4 });
  expect(report.sha256).toBe(createHash("sha256").update(readFileSync(sound)).digest("hex"));
});

test("digests do not depend on the order of documents, and do on each of them", async () => {
  const digest = async (path: string): Promise<string> => (await validateSnapshot(path)).tables.find(({ name }) => name === "set_ticks")!.digest;
  const own = await digest(sound);
  expect(await digest(await withLines(files, ticks, (lines) => lines.reverse()))).toBe(own);
  expect(await digest(await withLines(files, ticks, (lines) => lines.with(3, lines[3].replace('"bingx"', '"bingy"'))))).not.toBe(own);
});

/** Planted defects: what is done to the snapshot, and what must be said of it. */
const DEFECTS: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
  ["a document's _id is taken out", () => withLines(files, kinds, (lines) => lines.with(4, lines[4].replace(/"_id":"[^"]*",/, ""))), /^set_kinds\/documents\.jsonl line 5: the document has no _id/],
  ["a document's _creationTime is taken out", () => withLines(files, kinds, (lines) => lines.with(4, lines[4].replace(/"_creationTime":[^,]*,/, ""))), /line 5: the document has no _creationTime/],
  ["a _creationTime loses its dot", () => withLines(files, kinds, (lines) => lines.with(0, lines[0].replace(/("_creationTime":\d+)\.\d+/, "$1"))), /line 1: its _creationTime has no dot/],
  ["a document comes twice", () => withLines(files, ticks, (lines) => [...lines, lines[6]]), /line 56: the _id \w{32} is there already: set_ticks\/documents\.jsonl line 7$/],
  ["an _id comes in two tables", () => withLines(files, ticks, (lines) => lines.with(2, lines[2].replace(/"_id":"[^"]*"/, /"_id":"[^"]*"/.exec(linesIn(files, kinds)[8])![0]))), /set_ticks\/documents\.jsonl line 3: the _id \w{32} is there already: set_kinds\/documents\.jsonl line 9/],
  ["a line is cut", () => withLines(files, ticks, (lines) => lines.with(9, lines[9].slice(0, 60))), /line 10: the line ends inside/],
  ["a line is empty", () => withLines(files, ticks, (lines) => lines.with(9, "")), /line 10: the line is empty/],
  ["a line is a list", () => withLines(files, ticks, (lines) => lines.with(9, "[1]")), /line 10: it is not a JSON object/],
  ["a string has half a surrogate pair", () => withLines(files, ticks, (lines) => lines.with(1, lines[1].replace('"bingx"', '"\\ud800"'))), /line 2: a string has the first half of a surrogate pair alone/],
  ["bytes are no base64", () => withLines(files, kinds, (lines) => lines.with(2, lines[2].replace(/\{"\$bytes":"[^"]*"\}/, '{"$bytes":"abc"}'))), /line 3: the value of \$bytes is not base64/],
  ["a field's name begins with $", () => withLines(files, ticks, (lines) => lines.with(1, lines[1].replace('"source"', '"$source"'))), /line 2: a field's name begins with \$/],
  ["a number is written as a JSON tool writes it", () => withLines(files, ticks, (lines) => lines.with(1, lines[1].replace(/"count":\d+/, '"count":1e+21'))), /line 2: a number has an exponent with E or \+/],
  ["a float became a whole number beyond int64", () => withLines(files, ticks, (lines) => lines.with(1, lines[1].replace(/"count":\d+/, '"count":9223372036854775808'))), /line 2: a whole number without a dot is no int64/],
  ["an _id is none of Convex", () => withLines(files, ticks, (lines) => lines.with(1, lines[1].replace(/"_id":"[^"]*"/, '"_id":"BTC"'))), /line 2: its _id "BTC" is no id of Convex/],
  ["a table's folder is gone", async () => zip(without(ticks)), /^set_ticks\/documents\.jsonl: it is missing, and the table's generated_schema/],
  ["a table's folder is gone as a whole", async () => zip([...files].filter(([name]) => !name.startsWith("set_ticks/"))), /_tables\/documents\.jsonl line 5: the table set_ticks is listed, and .* is missing/],
  ["a folder is not in the list", async () => zip([...files, ["extra/documents.jsonl", Buffer.from("")], ["extra/generated_schema.jsonl", Buffer.from('"uniform"\n')]]), /^extra\/documents\.jsonl: the table extra is not listed/],
  ["the list of tables is gone", async () => zip(without("_tables/documents.jsonl")), /^_tables\/documents\.jsonl: it is missing/],
  ["a table is listed twice", () => withLines(files, "_tables/documents.jsonl", (lines) => [...lines, lines[0]]), /line 6: the table set_kinds is listed already, in line 1/],
  ["two tables have a number", () => withLines(files, "_tables/documents.jsonl", (lines) => lines.with(1, lines[1].replace("10002", "10001"))), /the number 10001 of set_nested belongs to set_kinds already/],
  ["a schema is gone", async () => zip(without("set_ticks/generated_schema.jsonl")), /set_ticks\/generated_schema\.jsonl: it is missing/],
  ["a schema is of an old export", async () => zip(new Map([...files, ["set_ticks/generated_schema.jsonl", Buffer.from('"{a: normalfloat64}"\n')]])), /it begins with .* and not with "uniform"/],
  ["a member is none of a snapshot", async () => zip([...files, ["notes.txt", Buffer.from("x")]]), /^notes\.txt: no snapshot has such a member/],
  ["a stored file is gone", async () => zip(without(fileName(0))), /_storage\/documents\.jsonl: the stored file \w+ is missing/],
  ["a stored file has no row", () => withLines(files, storage, (lines) => lines.slice(1)), /^_storage\/\w+\S*: it is surplus/],
  ["a stored file has another byte", async () => zip(new Map([...files, [fileName(0), Buffer.concat([files.get(fileName(0))!.subarray(1), Buffer.from("x")])]])), /^_storage\/\w+\S*: its SHA-256 is \S+ \(base64\), and its row says/],
  ["a stored file is shorter", async () => zip(new Map([...files, [fileName(0), files.get(fileName(0))!.subarray(1)]])), /it has \d+ bytes, and its row says \d+/],
  ["the files' rows are gone", async () => zip(without(storage)), /_storage\/documents\.jsonl: it is missing, and 4 stored files are there/],
  ["it was exported without files", async () => zip([...files].filter(([name]) => !name.startsWith("_storage/"))), /exported without --include-file-storage/],
];

/** A folder that is gone as to its documents is missed by the list as well; a shorter file has another hash too. */
const TWOFOLD = ["a table's folder is gone", "a stored file is shorter"];

// One problem for one defect: others beside it would lead an operator astray.
test.each(DEFECTS)("refused: %s", async (what, damage, expected) => {
  const report = await validateSnapshot(await damage());
  expect(told(report)).toContainEqual(expect.stringMatching(expected));
  expect(report.problems).toHaveLength(TWOFOLD.includes(what) ? 2 : 1);
  for (const { fix } of report.problems) expect(fix).toMatch(/\w/);
});

test("a snapshot that went through a JSON tool is refused, and by its fields where no _creationTime tells", async () => {
  const through = (lines: string[]): string[] => lines.map((line) => JSON.stringify(JSON.parse(line)));
  expect(told(await validateSnapshot(await withLines(files, ticks, through)))).toContainEqual(expect.stringMatching(/its _creationTime has no dot.*\(\+\d+\)|its _creationTime has no dot/));
  const broken = (lines: string[]): string[] => through(lines).map((line) => line.replace(/"_creationTime":(\d+)(\.\d+)?/, '"_creationTime":$1.5'));
  const path = await withLines(files, ticks, broken);
  expect(told(await validateSnapshot(path))).toContainEqual(expect.stringMatching(/field (bid|ask|volume): \d+ of its numbers are int64 and \d+ are floats with a fraction/));
  expect((await validateSnapshot(path, { acceptMixedNumbers: true })).problems).toEqual([]);
});

test("without files is well when it is asked for", async () => {
  const report = await validateSnapshot(await zip([...files].filter(([name]) => !name.startsWith("_storage/"))), { filesRequired: false });
  expect(report).toMatchObject({ problems: [], files: undefined });
});

test("all problems come at once, the tenth of a kind stands for the rest", async () => {
  const damaged = new Map(files);
  damaged.set(ticks, Buffer.from(linesIn(files, ticks).map((line) => `${line.slice(0, -1)}\n`).join("")));
  damaged.delete("set_nested/generated_schema.jsonl");
  const report = await validateSnapshot(await zip(damaged));
  expect(report.problems.filter(({ place }) => place.startsWith("set_ticks/"))).toHaveLength(10);
  expect(report.problems.filter(({ place }) => place.startsWith("set_ticks/")).at(-1)!.more).toBe(45);
  expect(told(report)).toContainEqual(expect.stringMatching(/^set_nested\/generated_schema\.jsonl: it is missing/));
});

const UNREADABLE: readonly (readonly [string, () => string | Buffer, RegExp])[] = [
  ["nothing", () => "", /the file: it is empty\. Export again/],
  ["an error page", () => "<!DOCTYPE html><p>502", /it is not a zip file: it begins with "<!DOCTYPE html><"/],
  ["other bytes", () => Buffer.from("1f8b080000000000", "hex"), /it begins with the bytes 1f8b080000000000/],
  ["a truncated archive", () => readFileSync(sound).subarray(0, 12_000), /the end of the file \(byte 12000\): the archive is truncated/],
  ["bytes behind the end", () => Buffer.concat([readFileSync(sound), Buffer.from("more")]), /bytes follow the archive's end/],
];

test.each(UNREADABLE)("no snapshot: %s", async (_what, content, expected) => {
  const path = temporary();
  writeFileSync(path, content());
  await expect(validateSnapshot(path)).rejects.toThrow(expected);
});

test("what is not there, or is a folder, could not be read", async () => {
  await expect(validateSnapshot("/nowhere/at-all.zip")).rejects.toMatchObject({ found: false, message: expect.stringMatching(/there is no such file/) });
  await expect(validateSnapshot(tmpdir())).rejects.toMatchObject({ found: false, message: expect.stringMatching(/not a regular file/) });
});

test("an interrupt ends it", async () => {
  await expect(validateSnapshot(sound, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});
