import { readFileSync } from "node:fs";
import fc from "../../properties";
import { floatText, valueText } from "../../../scripts/data/dataset/notation";
import { writeDataset } from "../../../scripts/data/dataset/write";
import { smallDataset, temporary, unzip, linesIn } from "../snapshot/zip-files";

test("the same seed and size give the same bytes, another seed others", async () => {
  const [one, again, other] = await Promise.all([smallDataset(1), smallDataset(1), smallDataset(2)]);
  expect(readFileSync(one).equals(readFileSync(again))).toBe(true);
  expect(readFileSync(one).equals(readFileSync(other))).toBe(false);
});

test("it has the size that was asked for, and what it says it has", async () => {
  const path = temporary();
  const dataset = await writeDataset(path, { seed: 4, bytes: 2_000_000 });
  const files = await unzip(path);
  const size = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  expect(size).toBeGreaterThan(1_900_000);
  expect(size).toBeLessThan(2_200_000);
  for (const [table, documents] of Object.entries(dataset.documents)) expect(linesIn(files, `${table}/documents.jsonl`)).toHaveLength(documents);
  expect(linesIn(files, "_storage/documents.jsonl")).toHaveLength(dataset.files);
});

/** Every kind of value that Convex has, in the letters of an export. */
const KINDS: readonly (readonly [string, RegExp])[] = [
  ["null", /:null[,}]/], ["true", /:true[,}]/], ["false", /:false[,}]/], ["an empty string", /:""/], ["an empty list", /:\[\]|\[\]/], ["an empty object", /\{\}/],
  ["an int64 beyond 2^53", /:9007199254740993[,}]/], ["the smallest int64", /:-9223372036854775808[,}]/], ["the largest int64", /:9223372036854775807[,}]/],
  ["a float with a dot though whole", /:1\.0[,}]/], ["minus zero", /:-0\.0[,}]/], ["the largest float", /:1\.7976931348623157e308[,}]/], ["the smallest float", /:5e-324[,}]/],
  ["NaN", /\{"\$float":"AAAAAAAA\+H8="\}/], ["Infinity", /\{"\$float":"AAAAAAAA8H8="\}/], ["-Infinity", /\{"\$float":"AAAAAAAA8P8="\}/],
  ["bytes", /\{"\$bytes":"[A-Za-z0-9+/]{8,}={0,2}"\}/], ["no bytes", /\{"\$bytes":""\}/],
  ["a pair of surrogates as one character", /𝒳 \u{10ffff}/u], ["control characters, escaped", /\\u0000\\u001f/], ["an escaped quote", /\\"quoted\\"/],
  ["nested objects and lists", /\{"below":\[\{"below":|"level":\d+\},null,\[\[\],\[\d+\]\]/], ["a field that sorts before _id's table fields", /"Z_first":true/],
  ["a table's id in another table", /"storage_id":"kg2/],
];

test("every kind of Convex value is in it, even in the smallest", async () => {
  const files = await unzip(await smallDataset(1, 0));
  const text = [...files].filter(([name]) => name.endsWith("documents.jsonl")).map(([, content]) => content.toString("utf8")).join("");
  expect(KINDS.filter(([, pattern]) => !pattern.test(text)).map(([kind]) => kind)).toEqual([]);
});

test("without files it is a snapshot that was exported without them", async () => {
  const path = temporary();
  await writeDataset(path, { seed: 1, bytes: 10_000, fileShare: 0 });
  expect([...(await unzip(path)).keys()].filter((name) => name.startsWith("_storage"))).toEqual([]);
});

test("a float's text is the float, has a dot or an exponent, and is as ryu writes it", () => {
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    const text = floatText(value);
    expect(Object.is(Number(text), value)).toBe(true);
    expect(text).toMatch(/^-?\d+\.\d+(e-?\d+)?$|^-?\de-?\d+$/);
  }));
  expect([0, -0, 1, 1e15, 1e16, 123456789012345680, 0.0001, 0.00001, 0.000001234, 1.5e300].map(floatText)).toEqual(["0.0", "-0.0", "1.0", "1000000000000000.0", "1e16", "1.2345678901234568e17", "0.0001", "0.00001", "1.234e-6", "1.5e300"]);
});

test("fields are written in the order in which Convex keeps them", () => {
  expect(valueText({ b: 1n, a: 1, Z: [true, null], _x: "é" })).toBe('{"Z":[true,null],"_x":"é","a":1.0,"b":1}');
});
