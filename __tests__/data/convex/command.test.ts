import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { loadEnvironment } from "../../../environments/load";
import { convexCommands } from "../../../scripts/data/convex/command";
import { computeAdminKey } from "../../../scripts/data/convex/admin-key";
import { writeDataset } from "../../../scripts/data/dataset/write";
import { silentProgress } from "../../../scripts/data/progress";
import { unzip, withLines } from "../snapshot/zip-files";
import { ConvexFake, INSTANCE, KEY, SECRET } from "./convex-fake";

const production = loadEnvironment("production");
let fake: ConvexFake;
let folder: string;
let file: string;
beforeEach(async () => {
  fake = await new ConvexFake().start();
  folder = mkdtempSync(join(tmpdir(), "gvfx-data-"));
  file = join(folder, "s.zip");
});
afterEach(async () => {
  process.exitCode = undefined;
  await fake.close();
  rmSync(folder, { recursive: true });
});

async function data(args: readonly string[], { key = KEY, address }: { readonly key?: string; readonly address?: string } = {}) {
  const [written, complaints, stored]: string[][] = [[], [], []];
  const group = new Command("data");
  const access = async () => ({ ...fake.access(key), ...(address ? { address } : {}) });
  const keys = () => ({ path: "gvfx/data/convex-admin", read: async () => ({ key, stored: stored.length > 0, issued: undefined }), store: async (kept: string) => void stored.push(kept) });
  for (const command of convexCommands(() => production, { variables: {}, access, keys, progress: silentProgress, write: (text) => void written.push(text), complain: (text) => void complaints.push(text) })) group.addCommand(command);
  await new Command().addCommand(group).parseAsync(["data", ...args], { from: "user" });
  return { said: written.join("\n"), complained: complaints.join("\n"), stored, code: process.exitCode };
}

const nothingSent = (): void => expect(fake.asked.filter((line) => line.includes("import/") || line.includes("perform"))).toEqual([]);

test("a snapshot that is cut off is refused before the target is spoken to", async () => {
  await writeDataset(file, { seed: 1, bytes: 60_000 });
  truncateSync(file, 20_000);
  const { code, complained, said } = await data(["import", file, "--to", "nomad"]);
  expect([1, 2]).toContain(code);
  expect(complained + said).toMatch(/s\.zip/);
  expect(fake.asked).toEqual([]);
});

test("what is no snapshot is said to be none", async () => {
  writeFileSync(file, "hello");
  const { code, complained } = await data(["import", file, "--to", "nomad"]);
  expect(code).toBe(2);
  expect(complained).toContain("s.zip");
  nothingSent();
});

test("a target with data is refused without the word: what it has, what to do, exit code 1, nothing sent", async () => {
  await writeDataset(file, { seed: 1, bytes: 60_000 });
  fake.tables.set("trades", [{ _id: "k1" }, { _id: "k2" }]).set("empty", []);
  const { code, complained } = await data(["import", file, "--to", "nomad"]);
  expect(code).toBe(1);
  expect(complained).toMatch(/is not empty.*It has 2 documents: trades \(2\)\. Nothing was changed.*--replace-everything; to keep a copy first: gvfx data export --from nomad/s);
  nothingSent();
});

test("with the word it is replaced, and what the target then has is compared: the fake imports nothing, which is found", async () => {
  await writeDataset(file, { seed: 1, bytes: 60_000 });
  fake.tables.set("trades", [{ _id: "k1" }]);
  const { code, said } = await data(["import", file, "--to", "nomad", "--replace-everything", "--json"]);
  expect(code).toBe(1);
  const result = JSON.parse(said) as { imported: boolean; against: { problems: { place: string }[] } };
  expect(result.imported).toBe(true);
  expect(result.against.problems.map(({ place }) => place)).toEqual(expect.arrayContaining(["set_kinds", "trades"]));
});

test("numbers as a JSON tool leaves them are refused before anything is sent, unless the app itself writes them so", async () => {
  await writeDataset(file, { seed: 1, bytes: 60_000 });
  const member = "set_ticks/documents.jsonl";
  const mixed = await withLines(await unzip(file), member, (lines) => lines.map((line) => JSON.stringify(JSON.parse(line)).replace(/"_creationTime":(\d+)(\.\d+)?/, '"_creationTime":$1.5')));
  const refused = await data(["import", mixed, "--to", "nomad"]);
  expect([refused.code, refused.said]).toEqual([1, expect.stringMatching(/Nothing was imported.*--accept-mixed-numbers/s)]);
  nothingSent();
  const { said } = await data(["import", mixed, "--to", "nomad", "--accept-mixed-numbers", "--json"]);
  expect(JSON.parse(said)).toMatchObject({ imported: true });
});

test("runs are closed on request, and the answer says how many", async () => {
  fake.tables.set("ingestion_runs", [{ _id: "k", id: "u", status: "running", finished_at: null }]);
  const { code, said } = await data(["close-runs", "--on", "nomad"]);
  expect(code).toBe(0);
  expect(said).toMatch(/failed now \("closed by data import"\): 1/);
});

test("the admin key is shown only on request; without it nothing of it is printed anywhere", async () => {
  const quiet = await data(["admin-key"]);
  expect(quiet.code).toBe(0);
  expect(quiet.said + quiet.complained).not.toContain(KEY.split("|")[1]);
  expect(quiet.complained).toMatch(/accepts the key of instance fake/);
  expect((await data(["admin-key", "--show"])).said).toBe(KEY);
});

test("the admin key is stored on request, once", async () => {
  const { stored, complained, said } = await data(["admin-key", "--store"]);
  expect(stored).toEqual([KEY]);
  expect(said).toBe("");
  expect(complained).toMatch(/stored at gvfx\/data\/convex-admin/);
  const legacy = await data(["admin-key", "--side", "legacy", "--store"]);
  expect(legacy).toMatchObject({ code: 2, stored: [] });
});

test("a key that Convex refuses: exit code 1 and why", async () => {
  const { code, complained } = await data(["admin-key"], { key: computeAdminKey(INSTANCE, Buffer.from(SECRET).reverse()) });
  expect(code).toBe(1);
  expect(complained).toMatch(/refuses the key of instance fake.*secret/s);
});

test("nobody there: exit code 2, and what to look at", async () => {
  const { code, complained } = await data(["export", "--from", "nomad", "--out", join(folder, "out.zip")], { address: "http://127.0.0.1:9" });
  expect(code).toBe(2);
  expect(complained).toMatch(/127\.0\.0\.1:9.*Nothing answers there.*gvfx doctor/s);
});
