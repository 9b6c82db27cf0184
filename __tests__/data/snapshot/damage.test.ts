/** Properties: whatever is done to the bytes of a snapshot is found, and the place is named. */
import { readFileSync, writeFileSync } from "node:fs";
import fc from "../../properties";
import { SnapshotError, type Problem, type SnapshotReport } from "../../../scripts/data/snapshot/types";
import { validateSnapshot } from "../../../scripts/data/snapshot/validate";
import { linesIn, smallDataset, temporary, unzip, withLines, type Files } from "./zip-files";

let bytes: Buffer;
let files: Files;
let sound: SnapshotReport;
let path: string;
beforeAll(async () => {
  const dataset = await smallDataset(3, 2_000);
  bytes = readFileSync(dataset);
  files = await unzip(dataset);
  sound = await validateSnapshot(dataset);
  path = temporary();
});

async function problemsOf(content: Uint8Array): Promise<readonly Problem[] | SnapshotReport> {
  writeFileSync(path, content);
  try {
    const report = await validateSnapshot(path);
    return report.problems.length > 0 ? report.problems : report;
  } catch (error) {
    if (error instanceof SnapshotError) return [error.problem];
    throw error;
  }
}

const CENTRAL_HEADER = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;

/** Bytes of a zip file that no reader of its contents looks at: who made it, for which version, permissions, and extra fields. */
function idle(): Set<number> {
  const set = new Set<number>();
  const range = (start: number, length: number): void => { for (let i = start; i < start + length; i++) set.add(i); };
  for (let at = 0; at + 46 < bytes.length; at++) {
    const signature = bytes.readUInt32LE(at);
    if (signature === LOCAL_HEADER) {
      range(at + 4, 2);
      range(at + 30 + bytes.readUInt16LE(at + 26), bytes.readUInt16LE(at + 28));
    }
    if (signature === CENTRAL_HEADER) {
      range(at + 4, 4);
      range(at + 34, 8);
      range(at + 46 + bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30));
    }
  }
  return set;
}

test("any changed byte is found and its place named, or is one that nobody reads", async () => {
  const nobodyReads = idle();
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= change;
      const found = await problemsOf(damaged);
      if (Array.isArray(found)) {
        for (const { place, what, fix } of found as Problem[]) for (const text of [place, what, fix]) expect(text).toMatch(/\w/);
      } else {
        expect([...nobodyReads]).toContain(at);
        expect({ ...found, path: "", sha256: "" }).toEqual({ ...sound, path: "", sha256: "" });
      }
    }),
    { numRuns: 80 },
  );
});

test("any truncation is found", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
      expect(await problemsOf(bytes.subarray(0, length))).toEqual([expect.objectContaining({ place: expect.stringMatching(/the end of the file|the file|directory/), fix: expect.stringMatching(/Export again|Give the zip/) })]);
    }),
    { numRuns: 30 },
  );
});

test("any bytes that are put in or taken out are found", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.uint8Array({ minLength: 0, maxLength: 20 }), fc.nat(20), async (at, added, removed) => {
      fc.pre(added.length !== removed);
      const taken = Math.min(removed, bytes.length - at);
      fc.pre(added.length !== taken);
      expect(Array.isArray(await problemsOf(Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + taken)])))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

const tables = ["set_kinds", "set_nested", "set_ticks"].map((name) => `${name}/documents.jsonl`);
const anyLine = fc.tuple(fc.constantFrom(...tables), fc.nat());

test("any line that comes twice is found, with both places, although the archive is sound", async () => {
  await fc.assert(
    fc.asyncProperty(anyLine, fc.constantFrom(...tables), async ([member, pick], target) => {
      const lines = linesIn(files, member);
      const line = pick % lines.length;
      // A line of another table brings numbers of its own, which may be of two kinds in one field: that is another finding.
      const report = await validateSnapshot(await withLines(files, target, (others) => [...others, lines[line]]), { acceptMixedNumbers: true });
      const places = report.problems.map(({ place, what }) => `${place} ${what}`).join("\n");
      expect(places).toContain(`${member} line ${line + 1}`);
      expect(places).toContain(`${target} line ${linesIn(files, target).length + 1}`);
      expect(report.problems).toHaveLength(1);
    }),
    { numRuns: 10 },
  );
});

test("any line that is taken out changes its table's count and digest, and no other's", async () => {
  await fc.assert(
    fc.asyncProperty(anyLine, async ([member, pick]) => {
      const report = await validateSnapshot(await withLines(files, member, (lines) => lines.toSpliced(pick % lines.length, 1)));
      for (const [index, table] of report.tables.entries()) {
        const own = `${table.name}/documents.jsonl` === member;
        expect(table.documents).toBe(sound.tables[index].documents - (own ? 1 : 0));
        expect(table.digest === sound.tables[index].digest).toBe(!own);
      }
    }),
    { numRuns: 10 },
  );
});
