import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "../../properties";
import { JournalFile, lockMoves, moveId, moves } from "../../../scripts/data/move/journal";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "journal-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const START = { event: "start", move: "m1", environment: "test", options: { replaceEverything: false, appCannotTrade: false, app: "a" } } as const;

function written(): string {
  const journal = new JournalFile(join(folder, "m1"), () => new Date("2026-01-01T00:00:00Z"));
  journal.append(START);
  journal.append({ event: "begin", step: "preflight" });
  journal.append({ event: "done", step: "preflight", facts: { running: ["worker"], umlaut: "ä" } });
  return join(folder, "m1", "journal.jsonl");
}

test("what was appended is there for the next process, for its owner's eyes only", () => {
  const path = written();
  const entries = new JournalFile(join(folder, "m1")).entries();
  expect(entries.map(({ event }) => event)).toEqual(["start", "begin", "done"]);
  expect(entries[0]).toEqual({ at: "2026-01-01T00:00:00.000Z", ...START });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "m1")).mode & 0o777).toBe(0o700);
});

test("cut anywhere, the whole lines before count, and what follows is readable", () => {
  const path = written();
  const bytes = readFileSync(path);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: bytes.length }), (length) => {
      writeFileSync(path, bytes.subarray(0, length));
      const journal = new JournalFile(join(folder, "m1"));
      const whole = bytes.subarray(0, length).toString("utf8").split("\n").length - 1;
      expect(journal.entries()).toHaveLength(whole);
      journal.append({ event: "undone" });
      expect(new JournalFile(join(folder, "m1")).entries()).toHaveLength(whole + 1);
    }),
    { numRuns: 60 },
  );
});

test("a damaged line in the midst is refused, with its place", () => {
  const path = written();
  appendFileSync(path, "{\n{\"event\":\"undone\"}\n");
  expect(() => new JournalFile(join(folder, "m1"))).toThrow(/journal\.jsonl: line 4 is no entry/);
});

test("moves are listed by time, and what is no move is left out", () => {
  for (const id of [moveId(new Date("2026-02-01T00:00:00Z")), moveId(new Date("2025-12-31T23:59:59Z"))]) new JournalFile(join(folder, id)).append(START);
  lockMoves(folder)();
  expect(moves(folder)).toEqual(["20251231T235959Z", "20260201T000000Z"]);
  expect(moves(join(folder, "none"))).toEqual([]);
});

test("a second command is kept away while the first lives, and a dead one's lock is taken over", () => {
  const release = lockMoves(folder);
  expect(() => lockMoves(folder)).toThrow(new RegExp(`at work already \\(process ${process.pid}\\)`));
  release();
  // No process has this number: it is above what Linux gives.
  writeFileSync(join(folder, "lock"), "99999999\n");
  lockMoves(folder)();
});

test("whoever only reads changes nothing: a line that is being written by another is not cut off", () => {
  const path = written();
  appendFileSync(path, '{"event":"done","st');
  const before = readFileSync(path);
  expect(new JournalFile(join(folder, "m1")).entries()).toHaveLength(3);
  expect(readFileSync(path).equals(before)).toBe(true);
});
