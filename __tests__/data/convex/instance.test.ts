import { ConvexFake, KEY } from "./convex-fake";

let fake: ConvexFake;
beforeEach(async () => (fake = await new ConvexFake().start()));
afterEach(() => fake.close());

const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ _id: `k${i}`, n: BigInt(i) }));

test("tables are counted, and waited for while the backend has not counted them itself", async () => {
  fake.tables.set("b", rows(2)).set("a", []);
  fake.uncountedFor = 3;
  expect([...(await fake.instance().counts())]).toEqual([["a", 0], ["b", 2]]);
  expect(fake.asked.filter((line) => line.includes("tableSize"))).toHaveLength(5);
});

test("a backend that never counts its tables is said to be one", async () => {
  fake.tables.set("a", []);
  fake.uncountedFor = Infinity;
  await expect(fake.instance().count("a")).rejects.toThrow(/has not counted its tables after 500ms.*TableSummariesUnavailable.*see its log/s);
});

test("documents come over pages, in either order, with their kinds", async () => {
  fake.tables.set("t", rows(2_500));
  const seen = async (order: "asc" | "desc") => {
    const ids: unknown[] = [];
    for await (const { n } of fake.instance().documents("t", order)) ids.push(n);
    return ids;
  };
  expect(await seen("asc")).toEqual(rows(2_500).map(({ n }) => n));
  expect(await seen("desc")).toEqual(rows(2_500).map(({ n }) => n).reverse());
});

test("a page that is too large is asked for again, smaller, and no row is lost or twice", async () => {
  fake.tables.set("t", rows(700));
  fake.pageLimit = 3_000;
  const ids: unknown[] = [];
  for await (const { _id } of fake.instance().documents("t")) ids.push(_id);
  expect(ids).toEqual(rows(700).map(({ _id }) => _id));
});

test("a refused key: which side, what to do, and never the key", async () => {
  const wrong = `${KEY.slice(0, -2)}00`;
  const failure = await fake.instance({ key: wrong }).tables().catch((error: Error) => error);
  expect(failure).toMatchObject({ reason: "key-refused" });
  expect((failure as Error).message).toMatch(/refuses the admin key.*gvfx data admin-key --side nomad/s);
  expect((failure as Error).message).not.toContain(wrong);
});

test("what an answer repeats of the key is not shown", async () => {
  const failure = await fake.instance().admin(`/api/import/upload_part?uploadToken=none&partNumber=1`, new Uint8Array(3)).catch((error: Error) => error);
  expect((failure as Error).message).toMatch(/status 400 to \/api\/import\/upload_part: NoSuchUpload/);
  expect((failure as Error).message).not.toContain(KEY);
});

test("a query is asked again while the backend is away; a mutation is not, for nobody knows whether it was done", async () => {
  fake.tables.set("ingestion_runs", []);
  fake.awayFor = 2;
  await expect(fake.instance().tables()).resolves.toEqual(["ingestion_runs"]);
  fake.awayFor = 1;
  await expect(fake.instance().call("mutation", "ingestion_runs:complete", { id: "x" })).rejects.toMatchObject({ reason: "unavailable" });
  expect(fake.asked.filter((line) => line === "ingestion_runs:complete")).toHaveLength(1);
});

test("functions that are not deployed are told from functions that fail", async () => {
  fake.deployed = false;
  await expect(fake.instance().call("query", "storage:getFileUrl", { storageId: "x" })).rejects.toMatchObject({ reason: "no-function" });
});

test("a stored file is hashed as it comes; one that is gone is undefined", async () => {
  const row = fake.store("f1", Buffer.from("hello"));
  const { internalId } = fake.files.get("f1")!;
  expect(await fake.instance().hashFile(internalId)).toEqual({ sha256: row.sha256, size: 5 });
  fake.files.get("f1")!.content = undefined;
  expect(await fake.instance().hashFile(internalId)).toBeUndefined();
});
