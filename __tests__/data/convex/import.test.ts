import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "../../properties";
import { Duration } from "../../../contracts/units";
import { importSnapshot, type ImportOptions } from "../../../scripts/data/convex/import";
import { ConvexFake } from "./convex-fake";

const PART = 1_000;
let fake: ConvexFake;
let folder: string;
let content: Buffer;
beforeEach(async () => {
  fake = await new ConvexFake().start();
  folder = mkdtempSync(join(tmpdir(), "gvfx-import-"));
  content = randomBytes(3 * PART + 17);
  writeFileSync(join(folder, "s.zip"), content);
});
afterEach(async () => {
  await fake.close();
  rmSync(folder, { recursive: true });
});

const snapshot = () => ({ path: join(folder, "s.zip"), bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") });
const run = (options: Partial<ImportOptions> = {}, signal?: AbortSignal) =>
  importSnapshot(fake.instance({ signal }), snapshot(), { recordFolder: join(folder, "imports"), partBytes: PART, patience: Duration.ms(20), retryEvery: Duration.ms(5), lookEvery: Duration.ms(1), signal, ...options });
const parts = () => fake.asked.filter((line) => line === "POST /api/import/upload_part").length;
const nth = (line: string, n: number) => {
  let seen = 0;
  return (asked: string) => asked === line && ++seen >= n;
};

test("a snapshot is uploaded in parts, confirmed and followed; nothing is left on disk", async () => {
  await expect(run()).resolves.toEqual({ importId: "import1", written: content.length, how: "imported", resumedParts: 0 });
  expect(fake.imports[0].content.equals(content)).toBe(true);
  expect(parts()).toBe(4);
  expect(readdirSync(join(folder, "imports"))).toEqual([]);
});

test("an upload that broke off at the third part goes on there", async () => {
  fake.cutBefore = nth("POST /api/import/upload_part", 3);
  await expect(run()).rejects.toThrow("other side closed");
  fake.cutBefore = () => false;
  fake.asked.length = 0;
  await expect(run()).resolves.toMatchObject({ resumedParts: 2 });
  expect(parts()).toBe(2);
  expect(fake.imports[0].content.equals(content)).toBe(true);
});

test("a record whose last line was cut off loses that line only", async () => {
  fake.cutBefore = nth("POST /api/import/upload_part", 4);
  await expect(run()).rejects.toThrow();
  fake.cutBefore = () => false;
  const record = join(folder, "imports", readdirSync(join(folder, "imports"))[0]);
  appendFileSync(record, '{"kind":"part","number":4,"tok');
  await expect(run()).resolves.toMatchObject({ resumedParts: 3 });
  expect(fake.imports[0].content.equals(content)).toBe(true);
});

test("a passing trouble is tried again within one run", async () => {
  fake.cutAfter = (() => {
    let cuts = 0;
    return (line: string) => line === "POST /api/import/upload_part" && cuts++ < 1;
  })();
  await expect(run({ patience: Duration.minutes(1) })).resolves.toMatchObject({ how: "imported" });
  expect(fake.imports[0].content.equals(content)).toBe(true);
});

test("an upload that the backend has forgotten begins anew", async () => {
  fake.cutBefore = nth("POST /api/import/upload_part", 3);
  await expect(run()).rejects.toThrow();
  fake.cutBefore = () => false;
  fake.forgetUploads();
  await expect(run()).resolves.toMatchObject({ how: "imported", resumedParts: 0 });
  expect(fake.imports.map(({ content: got }) => got.equals(content))).toEqual([true]);
});

test("another file of the same name goes on with nothing", async () => {
  fake.cutBefore = nth("POST /api/import/upload_part", 3);
  await expect(run()).rejects.toThrow();
  fake.cutBefore = () => false;
  content = randomBytes(content.length);
  writeFileSync(join(folder, "s.zip"), content);
  await expect(run()).resolves.toMatchObject({ resumedParts: 0 });
  expect(fake.imports[0].content.equals(content)).toBe(true);
});

test("interrupted while the backend works: the next run follows that import, and begins none", async () => {
  fake.outcome = undefined;
  const stop = new AbortController();
  const first = run({ say: (line) => void (line === "Importing" && stop.abort()) }, stop.signal);
  await expect(first).rejects.toThrow();
  fake.outcome = () => ({ state: "completed", num_rows_written: 7n });
  await expect(run({ mayReplace: () => { throw new Error("asked"); } })).resolves.toMatchObject({ importId: "import1", how: "followed", written: 7 });
  expect(fake.performed).toBe(1);
  expect(fake.imports).toHaveLength(1);
});

test("interrupted before it was confirmed: the upload is not made again", async () => {
  fake.cutBefore = (line) => line === "POST /api/perform_import";
  await expect(run()).rejects.toThrow();
  fake.cutBefore = () => false;
  fake.asked.length = 0;
  await expect(run()).resolves.toMatchObject({ importId: "import1", written: content.length });
  expect(parts()).toBe(0);
});

test("a confirmation whose answer was lost is one", async () => {
  fake.cutAfter = (line) => line === "POST /api/perform_import";
  await expect(run()).resolves.toMatchObject({ importId: "import1" });
  expect(fake.performed).toBe(1);
});

test("a target that may not be replaced: refused before anything is sent", async () => {
  fake.tables.set("trades", [{ _id: "k1" }]).set("empty", []);
  fake.store("f1", Buffer.from("x"));
  const seen: unknown[] = [];
  await expect(run({ mayReplace: (contents) => { seen.push(contents); throw new Error("not empty"); } })).rejects.toThrow("not empty");
  expect(seen).toEqual([{ tables: [{ name: "trades", documents: 1 }], hasFiles: true }]);
  expect(fake.uploadsBegun + fake.imports.length).toBe(0);
});

test("somebody else's import runs: refused, with its id", async () => {
  fake.imports.push({ _id: "theirs", content: Buffer.alloc(0), state: { state: "in_progress", progress_message: "half" } });
  await expect(run()).rejects.toThrow(/importing something else already \(import theirs: half\).*wait until it is over/s);
  expect(fake.uploadsBegun).toBe(0);
});

test("an import that failed says why, and the next run begins anew", async () => {
  fake.outcome = () => ({ state: "failed", error_message: "Hit an error on line 3" });
  await expect(run()).rejects.toThrow(/could not import .*s\.zip: Hit an error on line 3/);
  fake.outcome = () => ({ state: "completed", num_rows_written: 1n });
  await expect(run()).resolves.toMatchObject({ importId: "import2", how: "imported" });
});

test("a file that became shorter is not imported", async () => {
  const whole = snapshot();
  truncateSync(whole.path, PART + 1);
  await expect(importSnapshot(fake.instance(), whole, { recordFolder: join(folder, "imports"), partBytes: PART })).rejects.toThrow("became shorter");
  expect(fake.imports).toEqual([]);
});

test("cut off at any requests whatever, repeating the command imports the whole file, once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ at: fc.integer({ min: 1, max: 14 }), done: fc.boolean() }), { maxLength: 4 }), async (cuts) => {
      const own = await new ConvexFake().start();
      const records = mkdtempSync(join(folder, "r-"));
      const attempt = (cut?: (typeof cuts)[number]) => {
        const stop = new AbortController();
        let count = 0;
        // The connection breaks, and the process with it.
        const cutting = (): boolean => ++count === cut?.at && (stop.abort(), true);
        own.cutBefore = cut && !cut.done ? cutting : () => false;
        own.cutAfter = cut?.done ? cutting : () => false;
        return importSnapshot(own.instance({ signal: stop.signal }), snapshot(), { recordFolder: records, partBytes: PART, lookEvery: Duration.ms(1), retryEvery: Duration.ms(1), signal: stop.signal });
      };
      try {
        let over = false;
        for (const cut of cuts) over ||= await attempt(cut).then(() => true, () => false);
        if (!over) await attempt();
        const completed = own.imports.filter(({ state }) => state.state === "completed");
        expect(own.performed).toBe(1);
        expect(completed.map(({ content: got }) => got.equals(content))).toEqual([true]);
      } finally {
        await own.close();
      }
    }),
    { numRuns: 8 },
  );
});
