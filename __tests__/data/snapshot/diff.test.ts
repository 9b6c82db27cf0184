import fc from "../../properties";
import { diffSnapshots } from "../../../scripts/data/snapshot/diff";
import type { TableDiff } from "../../../scripts/data/snapshot/types";
import { linesIn, smallDataset, unzip, withLines, zip, type Files } from "./zip-files";

/** Each run writes and reads archives; beside other work that takes seconds. */
const TIMEOUT_MS = 60_000;

let sound: string;
let files: Files;
beforeAll(async () => {
  sound = await smallDataset(5, 60_000);
  files = await unzip(sound);
});
const ticks = "set_ticks/documents.jsonl";
const differing = (diffs: readonly TableDiff[]): TableDiff[] => diffs.filter(({ added, removed, changed }) => added + removed + changed > 0);

test("a snapshot and itself in another order have the same, files included", async () => {
  const diffs = await diffSnapshots(sound, await withLines(files, ticks, (lines) => lines.reverse()));
  expect(differing(diffs)).toEqual([]);
  expect(diffs.map(({ table }) => table)).toEqual(["_storage", "set_artifacts", "set_empty", "set_kinds", "set_nested", "set_ticks"]);
});

test("any documents that were added, removed and changed are counted exactly and named, in one pass or in many", async () => {
  const lines = linesIn(files, ticks);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.tuple(fc.nat(lines.length - 1), fc.constantFrom("removed", "changed", "added")), { selector: ([at]) => at, maxLength: 12 }), fc.boolean(), async (edits, manyPasses) => {
      const idOf = (line: string): string => /"_id":"([^"]*)"/.exec(line)![1];
      const fresh = (line: string): string => line.replace(/"_id":"./, '"_id":"z');
      const edited = new Map(edits);
      const path = await withLines(files, ticks, (own) => own.flatMap((line, at) => {
        const kind = edited.get(at);
        return kind === "removed" ? [] : kind === "changed" ? [line.replace('"bingx"', '"bingy"')] : kind === "added" ? [fresh(line), line] : [line];
      }));
      const count = (kind: string): number => edits.filter(([, done]) => done === kind).length;
      const [diff] = differing(await diffSnapshots(sound, path, { samples: 100, ...(manyPasses ? { mostSlots: 64 } : {}) }));
      if (edits.length === 0) return expect(diff).toBeUndefined();
      expect(diff).toMatchObject({ table: "set_ticks", added: count("added"), removed: count("removed"), changed: count("changed") });
      const expected = edits.map(([at, kind]) => ({ id: idOf(kind === "added" ? fresh(lines[at]) : lines[at]), kind }));
      const sorted = (samples: readonly { id: string; kind: string }[]): string[] => samples.map(({ id, kind }) => `${kind} ${id}`).sort();
      expect(sorted(diff.samples)).toEqual(sorted(expected));
    }),
    { numRuns: 12 },
  );
}, TIMEOUT_MS);

test("one byte of a document is a change: an int64 is no float", async () => {
  const path = await withLines(files, ticks, (lines) => lines.with(7, lines[7].replace(/"count":(\d+)/, '"count":$1.0')));
  expect(differing(await diffSnapshots(sound, path))).toEqual([expect.objectContaining({ table: "set_ticks", changed: 1, added: 0, removed: 0 })]);
});

test("a stored file is changed by its bytes, its row or its content type, not by the order of its row's fields", async () => {
  const storage = "_storage/documents.jsonl";
  const row = (change: (fields: Record<string, unknown>) => unknown) => withLines(files, storage, (lines) => lines.with(0, JSON.stringify(change(JSON.parse(lines[0]) as Record<string, unknown>))));
  expect(differing(await diffSnapshots(sound, await row((fields) => Object.fromEntries(Object.entries(fields).reverse()))))).toEqual([]);
  expect(differing(await diffSnapshots(sound, await row((fields) => ({ ...fields, contentType: "text/html" }))))).toEqual([expect.objectContaining({ table: "_storage", changed: 1 })]);
  const name = [...files.keys()].find((other) => other.startsWith("_storage/k"))!;
  const other = new Map([...files, [name, Buffer.concat([files.get(name)!.subarray(1), Buffer.from("x")])]]);
  expect(differing(await diffSnapshots(sound, await zip(other)))).toEqual([expect.objectContaining({ table: "_storage", changed: 1 })]);
});

test("a table that only one of them has is all added or all removed", async () => {
  const path = await zip([...files].filter(([name]) => !name.startsWith("set_nested/")));
  const documents = linesIn(files, "set_nested/documents.jsonl").length;
  expect(differing(await diffSnapshots(sound, path))).toEqual([expect.objectContaining({ table: "set_nested", removed: documents, samples: Array(10).fill(expect.objectContaining({ kind: "removed" })) })]);
  expect(differing(await diffSnapshots(path, sound))).toEqual([expect.objectContaining({ table: "set_nested", added: documents })]);
});

test("an _id that is there twice, in either, stops it: counts would lie", async () => {
  const path = await withLines(files, ticks, (lines) => [...lines, lines[0]]);
  await expect(diffSnapshots(sound, path)).rejects.toThrow(/set_ticks: the _id \w+ is there twice.*gvfx data validate/);
  await expect(diffSnapshots(path, sound)).rejects.toThrow(/is there twice/);
});
