import { createHash } from "node:crypto";
import { validateAgainst } from "../../../scripts/data/convex/against";
import { textAgainst } from "../../../scripts/data/convex/text";
import type { Fields } from "../../../scripts/data/convex/values";
import { ConvexFake } from "./convex-fake";
import { memorySnapshot } from "./memory-snapshot";

let fake: ConvexFake;
beforeEach(async () => (fake = await new ConvexFake().start()));
afterEach(() => fake.close());

const MODEL = Buffer.from("the weights of a model");
const hex = (content: Buffer) => createHash("sha256").update(content).digest("hex");

/** The same in the instance and in the snapshot; whoever calls spoils one of them. */
function world() {
  const trades: Fields[] = Array.from({ length: 30 }, (_, i) => ({ _id: `t${i}`, _creationTime: i + 0.5, price: 1 + i / 8, size: BigInt(i) }));
  const runs: Fields[] = [{ _id: "r1", _creationTime: 1.5, id: "u1", status: "running", finished_at: null, error_summary: null, error_count: 0, updated_at: "a" }];
  const rows = [fake.store("f1", MODEL, "application/octet-stream"), fake.store("f2", Buffer.from("text"), undefined)];
  const artifacts: Fields[] = [
    { _id: "m1", _creationTime: 1.5, artifact_uri: "convex://storage/f1", artifact_checksum: hex(MODEL), artifact_size_bytes: MODEL.length },
    { _id: "m2", _creationTime: 2.5, artifact_uri: "timescale://model_artifacts/x", artifact_checksum: hex(MODEL) },
    { _id: "m3", _creationTime: 3.5, artifact_uri: "timescale://model_artifacts/y", artifact_base64: MODEL.toString("base64"), artifact_checksum: hex(MODEL), artifact_size_bytes: MODEL.length },
  ];
  const { snapshot, report } = memorySnapshot({ trades, ingestion_runs: runs, model_artifacts: artifacts }, rows);
  for (const [table, documents] of Object.entries({ trades, ingestion_runs: runs, model_artifacts: artifacts })) fake.tables.set(table, documents.map((document) => ({ ...document })));
  const check = (samples = 10) => validateAgainst(report, snapshot, fake.instance(), { criticalTables: ["trades", "agents"], samples });
  return { check, trades: fake.tables.get("trades")!, runs: fake.tables.get("ingestion_runs")!, artifacts: fake.tables.get("model_artifacts")! };
}

test("the same on both sides: counts, samples, files and artefacts, and what nobody can look at is named", async () => {
  const result = await world().check();
  expect(result.problems).toEqual([]);
  expect(result.files).toEqual({ inSnapshot: 2, inInstance: 2, whole: 2, bytes: MODEL.length + 4 });
  expect(result.artifacts).toEqual({ whole: 2, uncheckable: [{ place: "model_artifacts m2", why: expect.stringContaining("TIMESCALE_RL_OPS_ENABLED") }] });
  expect(result.tables.find(({ name }) => name === "trades")).toEqual({ name: "trades", inSnapshot: 30, inInstance: 30, compared: 20, critical: true });
  expect(textAgainst(result, "nomad")).toMatch(/agents +0 +none +0 +critical, and empty/);
});

test("without the app's functions the files are found by what the snapshot says of them", async () => {
  const { check } = world();
  fake.deployed = false;
  // The instance shows no address, and neither did this snapshot: nothing may pass for whole.
  const { problems, files } = await check();
  expect(files.whole).toBe(0);
  expect(problems.filter(({ what }) => what.includes("cannot be fetched"))).toHaveLength(2);
});

test.each<[string, (w: ReturnType<typeof world>) => void, string | RegExp]>([
  ["a document is missing", ({ trades }) => void trades.splice(12, 1), /^trades: critical table: the snapshot has 30 documents, nomad has 29/],
  ["a document too many, counted", ({ trades }) => void trades.push({ _id: "new", _creationTime: 99 }), /^trades: critical table: the snapshot has 30 documents, nomad has 31/],
  ["a document too many, by its id", ({ trades }) => void trades.splice(0, 1, { _id: "new", _creationTime: 0.1 }), /^trades new: nomad has this document, the snapshot has not/],
  ["a table is gone", () => void fake.tables.delete("trades"), /^trades: .*has no such table/],
  ["a table that the snapshot has not", () => void fake.tables.set("other", [{ _id: "o1" }]), /^other: the snapshot has 0 documents, nomad has 1/],
  ["an int64 became a float", ({ trades }) => void Object.assign(trades[0], { size: 0 }), /^trades t0: differs between the snapshot and nomad in size/],
  ["a price by its last bit, in the newest document", ({ trades }) => void Object.assign(trades[29], { price: 4.625000000000001 }), /^trades t29: differs .* in price/],
  ["a creation time", ({ trades }) => void Object.assign(trades[1], { _creationTime: 1.75 }), /^trades t1: differs .* in _creationTime/],
  ["a file's row is gone", () => void fake.files.delete("f2"), /^_storage f2: the snapshot has this file, nomad has not/],
  ["a file too many", () => void fake.store("f3", Buffer.from("new")), /^_storage f3: nomad has this file, the snapshot has not/],
  ["a file's bytes are gone", () => void (fake.files.get("f1")!.content = undefined), /^_storage f1: its row is there, and its bytes cannot be fetched .*answers 404/],
  ["a file's bytes were changed", () => void (fake.files.get("f1")!.content = Buffer.from("the weights of a modeL")), /^_storage f1: its bytes at nomad have sha256/],
  ["a file's content type", () => void Object.assign(fake.files.get("f1")!.row, { contentType: "text/html" }), /^_storage f1: .*text\/html.*application\/octet-stream/],
  ["an artefact's bytes were changed", () => void (fake.files.get("f1")!.content = Buffer.from("the weights of a modeL")), /^model_artifacts m1: the stored file f1 has SHA-256/],
  ["an artefact names no file", ({ artifacts }) => void Object.assign(artifacts[0], { artifact_uri: "convex://storage/f9" }), /^model_artifacts m1: convex:\/\/storage\/f9 is not among the stored files/],
  ["an artefact in its row was changed", ({ artifacts }) => void Object.assign(artifacts[2], { artifact_base64: "AAAA" }), /^model_artifacts m3: its own bytes .* artifact_checksum/],
  ["an artefact's size", ({ artifacts }) => void Object.assign(artifacts[0], { artifact_size_bytes: 1 }), /^model_artifacts m1: .*artifact_size_bytes is 1/],
])("found: %s", async (_what, spoil, expected) => {
  const w = world();
  spoil(w);
  const { problems } = await w.check();
  expect(problems.map(({ place, what }) => `${place}: ${what}`)).toContainEqual(expect.stringMatching(expected));
  for (const { fix } of problems) expect(fix.length).toBeGreaterThan(20);
});

test("a run that the import closed is as it should be; one that somebody else changed is not", async () => {
  const closed = world();
  Object.assign(closed.runs[0], { status: "failed", finished_at: "b", updated_at: "b", error_count: 1, error_summary: "closed by data import" });
  expect(await closed.check()).toMatchObject({ closedRuns: 1, problems: [] });
  Object.assign(closed.runs[0], { error_summary: "timeout" });
  expect((await closed.check()).problems).toMatchObject([{ place: "ingestion_runs r1" }]);
});

test("many of one kind are counted, not listed one by one", async () => {
  const w = world();
  for (const trade of w.trades) Object.assign(trade, { price: 0 });
  const { problems } = await w.check();
  expect(problems).toHaveLength(5);
  expect(problems[4].more).toBe(15);
});
