import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lines, readDirectory, readEntry } from "../../../lab/doubles/convex/transfer/zip-reader";
import { ZipWriter } from "../../../lab/doubles/convex/transfer/zip-writer";
import { describeWithBun, Process, PROJECT } from "./processes";

// A start and some runs of the CLI each, of two seconds on an idle machine.
jest.setTimeout(180_000);

const id = (i: number) => `k${String(i).padStart(31, "0")}`;
const rows = (count: number, members: (i: number) => string) => Array.from({ length: count }, (_, i) => `{"_creationTime":${1_700_000_000_000 + i}.5,"_id":"${id(i)}",${members(i)}}`);
/** Every kind of value, in the words of an export. */
const KINDS = '"big":9007199254740993,"bytes":{"$bytes":"AP8B"},"e21":1e21,"empty":"","float":1.0,"inf":{"$float":"AAAAAAAA8H8="},"least":-9223372036854775808,"nan":{"$float":"AAAAAAAA+H8="},"nested":{"Z":true,"_a":[1,1.0,{"b":null}],"b":{}},"none":null,"text":"é😀\\u0001\\"\\\\","tiny":5e-324,"zero":-0.0';
const CONTENT = {
  "_tables/documents.jsonl": ['{"name":"kinds","id":10001}', '{"name":"trades","id":10002}'],
  "kinds/documents.jsonl": rows(3, () => KINDS),
  "kinds/generated_schema.jsonl": ['"uniform"'],
  "trades/documents.jsonl": rows(5000, (i) => `"n":${i},"price":${i}.25`),
  "trades/generated_schema.jsonl": ['"uniform"'],
  "_storage/documents.jsonl": ['{"_id":"f1","_creationTime":1700000000000.5,"sha256":"k3LEcO6t1ezZw8dMKzy2M/ji8vrXmSUKD3DWUra4JeQ=","size":5,"contentType":"text/plain","internalId":"0f4bd0a8-0f4c-4c3a-9d59-9a1b9b0d6f11"}'],
  "_storage/f1.txt": ["model"],
};

async function snapshot(path: string): Promise<string> {
  const file = createWriteStream(path);
  const zip = new ZipWriter({ write: (chunk) => new Promise((resolve) => file.write(chunk, () => resolve())), end: () => new Promise((resolve) => file.end(() => resolve())) });
  for (const [name, content] of Object.entries(CONTENT)) await zip.add(name, [Buffer.from(content.map((line) => (name.endsWith(".jsonl") ? `${line}\n` : line)).join(""))]);
  await zip.end();
  return path;
}

/** A snapshot's lines by path. */
async function contentOf(path: string): Promise<Record<string, string[]>> {
  const bytes = readFileSync(path);
  const file = { size: bytes.length, read: async (start: number, end: number) => bytes.subarray(start, end) };
  const content: Record<string, string[]> = {};
  for (const entry of await readDirectory(file)) {
    content[entry.path] = [];
    for await (const line of lines(readEntry(file, entry))) content[entry.path].push(line);
  }
  return content;
}

/** A project as the app's: its functions' folder beside a package.json that lists convex. */
function project(folder: string, schema: string): string {
  mkdirSync(join(folder, "convex"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "app", dependencies: { convex: "1.48.0" } }));
  writeFileSync(join(folder, "convex/schema.ts"), schema);
  writeFileSync(join(folder, "convex/e2e.ts"), 'import { query } from "./_generated/server";\nexport const ping = query({ args: {}, handler: async () => ({ ok: true }) });\n');
  symlinkSync(join(PROJECT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

const schemaText = (tables: string) => `import { defineSchema, defineTable } from "convex/server";\nimport { v } from "convex/values";\nexport default defineSchema({ ${tables} }, { schemaValidation: false });\n`;

describeWithBun("the Convex double as a process, with the real CLI", () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-convex-process-"));
  const started: Process[] = [];
  const start = async (name: string, env: Record<string, string> = {}) => {
    const made = await Process.start(join(folder, name), env);
    started.push(made);
    return made;
  };
  let zip: string;
  beforeAll(async () => {
    zip = await snapshot(join(folder, "snapshot.zip"));
  });
  afterAll(async () => {
    await Promise.all(started.map((each) => each.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  test("deploy: functions are there after it, the schema and hashes are kept, a second one changes nothing", async () => {
    const backend = await start("deploy", { DOUBLE_NEEDS_DEPLOY: "true" });
    const app = project(join(folder, "app"), schemaText('trades: defineTable({ n: v.int64() }).index("by_n", ["n"]), notes: defineTable(v.any())'));
    await expect(backend.value("e2e:ping")).rejects.toThrow("Did you forget to run `npx convex dev`");
    const deploy = ["deploy", "--typecheck", "disable", "-y"];
    const first = await backend.cli(deploy, { cwd: app });
    expect(first).toMatchObject({ code: 0, output: expect.stringMatching(/\[\+\] trades\.by_n\s+n/) });
    expect(await backend.value("e2e:ping")).toMatchObject({ ok: true });
    // What was not in the folder is not there, though the double knows it.
    await expect(backend.value("data:query", { table: "trades", filters: [] })).rejects.toThrow("Could not find public function");
    expect(JSON.parse(((await backend.value("_system/frontend/getSchemas:default")) as { active: string }).active)).toMatchObject({ tables: [{ tableName: "trades", indexes: [{ indexDescriptor: "by_n", fields: ["n"] }] }, { tableName: "notes" }], schemaValidation: false });
    expect((await backend.cli(["function-spec"])).output).toContain('"identifier": "e2e.js:ping"');

    await backend.stop();
    await backend.begin();
    expect(await backend.value("e2e:ping")).toMatchObject({ ok: true });
    const second = await backend.cli(deploy, { cwd: app });
    expect(second.code).toBe(0);
    expect(second.output).not.toContain("Added table indexes");

    // Tables of the schema that the snapshot lacks stay, and others go.
    expect((await backend.cli(["import", "--replace-all", "-y", zip])).output).toContain("Added 5003 documents");
    const { page } = (await backend.value("_system/cli/tables:default", { paginationOpts: { cursor: null, numItems: 10 } })) as { page: { name: string }[] };
    expect(page.map(({ name }) => name).sort()).toEqual(["kinds", "notes", "trades"]);
  });

  test("env: set from stdin, list, get, remove; kept over a restart", async () => {
    const backend = await start("env");
    const value = 'a=b "c" $d';
    expect((await backend.cli(["env", "set", "ONE"], { input: value })).code).toBe(0);
    expect((await backend.cli(["env", "set", "TWO=2"])).code).toBe(0);
    await backend.stop();
    await backend.begin();
    expect((await backend.cli(["env", "list", "--include-values"])).output).toContain("TWO=2");
    expect((await backend.cli(["env", "get", "ONE"])).output).toContain(value);
    expect((await backend.cli(["env", "remove", "TWO"])).code).toBe(0);
    expect((await backend.cli(["env", "list", "--include-values"])).output).not.toContain("TWO");
    expect(await backend.cli(["env", "set", "CONVEX_CLOUD_URL=x"])).toMatchObject({ code: 1, output: expect.stringContaining("set by the backend itself") });
  });

  test("a snapshot with every kind of value comes out as it went in, files' names in URLs included; data shows it", async () => {
    const backend = await start("round-trip");
    expect(await backend.cli(["import", "--replace-all", "-y", zip])).toMatchObject({ code: 0, output: expect.stringContaining("Added 5003 documents") });
    const out = join(folder, "out.zip");
    expect((await backend.cli(["export", "--path", out, "--include-file-storage"])).code).toBe(0);
    const { "README.md": _, ...content } = await contentOf(out);
    expect(content).toEqual(CONTENT);
    expect(await (await fetch(`${backend.url}/api/storage/0f4bd0a8-0f4c-4c3a-9d59-9a1b9b0d6f11`)).text()).toBe("model");

    const newest = (await backend.cli(["data", "trades", "--limit", "2", "--format", "jsonl"])).output;
    expect(newest).toContain('"n": 4999n, "price": 4999.25');
    expect(newest).toContain('"n": 4998n');
    expect((await backend.cli(["data", "kinds", "--limit", "1", "--order", "asc", "--format", "jsonl"])).output).toContain('Bytes("AP8B")');
    expect((await backend.cli(["data", "_storage", "--format", "jsonl"])).output).toContain('"size": 5');
  });

  test("pages of a table follow each other in both orders, to the end", async () => {
    const backend = await start("pages");
    await backend.cli(["import", "--replace-all", "-y", zip]);
    for (const order of ["asc", "desc"]) {
      const found: string[] = [];
      let [cursor, isDone] = [null as string | null, false];
      while (!isDone) {
        const answer = (await backend.value("_system/cli/tableData:default", { table: "trades", order, paginationOpts: { cursor, numItems: 1999 } })) as { page: { _id: string }[]; isDone: boolean; continueCursor: string };
        found.push(...answer.page.map((document) => document._id));
        [cursor, isDone] = [answer.continueCursor, answer.isDone];
      }
      expect(order === "asc" ? found : found.reverse()).toEqual(Array.from({ length: 5000 }, (_, i) => id(i)));
    }
    expect(await backend.value("_system/cli/tableData:default", { table: "nothing", order: "asc", paginationOpts: { cursor: null, numItems: 5 } })).toMatchObject({ page: [], isDone: true });
  });

  test("an import goes on after a crash of the backend, followed by the same CLI; a refused part ends the CLI", async () => {
    const backend = await start("faults", { DOUBLE_IMPORT_FAULTS: "upload-part=1,exit-after=3000" });
    expect(await backend.cli(["import", "--replace-all", "-y", zip])).toMatchObject({ code: 1, output: expect.stringContaining("503") });
    const importing = backend.cli(["import", "--replace-all", "-y", zip]);
    expect(await backend.ended()).toBe(1);
    await backend.begin();
    expect(await importing).toMatchObject({ code: 0, output: expect.stringContaining("Added 5003 documents") });
    expect(await backend.value("_system/cli/queryImport:list")).toMatchObject([{ mode: "replaceAll", format: { format: "zip" }, state: { state: "completed", num_rows_written: "5003" } }]);
    expect(await backend.value("_system/cli/tableSize:default", { tableName: "trades" })).toBe(5000);
  });

  test("an import that fails changes nothing", async () => {
    const backend = await start("failing", { DOUBLE_IMPORT_FAULTS: "fail-after=4000" });
    expect(await backend.cli(["import", "--replace-all", "-y", zip])).toMatchObject({ code: 1, output: expect.stringContaining("interrupted by DOUBLE_IMPORT_FAULTS") });
    expect(await backend.value("_system/cli/tableSize:default", { tableName: "kinds" })).toBe(0);
  });

  test("tables cannot be counted for a while after a start, where that is asked for", async () => {
    const backend = await start("summaries", { DOUBLE_TABLE_SUMMARIES_AFTER: "3600" });
    expect(await backend.post("_system/cli/tableSize:default", { tableName: "ingestion_runs" })).toMatchObject({ status: 503, body: { code: "TableSummariesUnavailable" } });
    expect(await backend.value("_system/cli/tables:default", { paginationOpts: { cursor: null, numItems: 10 } })).toMatchObject({ isDone: true });
  });
});
