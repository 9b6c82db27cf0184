import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lines, readDirectory, readEntry } from "../../../lab/doubles/convex/transfer/zip-reader";
import { Backend, describeWithContainers, docker, removeAll, startStores, until } from "./containers";

// Image, two databases and a CLI: each has a limit of its own; a busy machine must not end a test before it.
jest.setTimeout(300_000);

/** Lines and files of a snapshot, by path; its README left out. */
async function snapshotOf(path: string): Promise<Record<string, string[]>> {
  const bytes = readFileSync(path);
  const file = { size: bytes.length, read: async (start: number, end: number) => bytes.subarray(start, end) };
  const content: Record<string, string[]> = {};
  for (const entry of await readDirectory(file)) {
    if (entry.path === "README.md") continue;
    content[entry.path] = [];
    for await (const line of lines(readEntry(file, entry))) content[entry.path].push(line);
  }
  return content;
}

describeWithContainers("the Convex double, with the real CLI, Postgres and MinIO", () => {
  let legacy: Backend;
  let cluster: Backend;
  let stores: Record<string, string>;
  let folder: string;
  let storageId: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-convex-"));
    stores = await startStores();
    [legacy, cluster] = [await Backend.start("legacy", {}), await Backend.start("first", stores)];
    const trades = Array.from({ length: 1200 }, (_, i) => ({ pair: "Gold-USDT", trade_id: String(i), price: 2300 + i / 4, quantity: 1, side: "buy", executed_at: new Date(1_700_000_000_000 + i).toISOString() }));
    await legacy.call("mutation", "bingx_trades:upsertBatch", { rows: trades });
    // An int64 and a float that differ by the dot alone.
    await legacy.call("mutation", "data:write", { table: "notes", action: "insert", payload: { id: "n", whole: { $integer: "BQAAAAAAAAA=" }, float: 5, text: "é\u0001" } });
    ({ storageId } = (await legacy.call("action", "storage:storeTextFile", { content: "model", contentType: "text/plain" })) as { storageId: string });
    await cluster.call("mutation", "data:write", { table: "left_over", action: "insert", payload: { id: "x" } });
  });
  afterAll(() => {
    removeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  test("says that it is a double, and which stores it is on", async () => {
    expect(await (await fetch(`${cluster.url}/version`)).text()).toContain("double");
    expect(await cluster.logs()).toContain("documents in Postgres, files in S3");
    expect(await legacy.logs()).toContain("POSTGRES_URL not set");
  });

  test("a snapshot moves by the real CLI, to the letter; tables that it lacks go", async () => {
    const [before, after] = [join(folder, "before.zip"), join(folder, "after.zip")];
    await legacy.cli("export", "--path", before, "--include-file-storage");
    const output = await cluster.cli("import", "--replace-all", "-y", before);
    expect(output).toContain("Added 1201 documents");
    expect(await cluster.counts()).toEqual(await legacy.counts());
    expect(await cluster.counts()).toMatchObject({ bingx_trades: 1200, notes: 1 });
    expect(await cluster.counts()).not.toHaveProperty("left_over");

    await cluster.cli("export", "--path", after, "--include-file-storage");
    const [left, right] = [await snapshotOf(before), await snapshotOf(after)];
    expect(right).toEqual(left);
    expect(right["notes/documents.jsonl"][0]).toContain('"whole":5');
    expect(right["notes/documents.jsonl"][0]).toContain('"float":5.0');
    expect(right[`_storage/${storageId}.txt`]).toEqual(["model"]);
  });

  test("a file is served by its URL, and deleted", async () => {
    const { storageId: id } = (await cluster.call("action", "storage:storeTextFile", { content: "hello", contentType: "text/plain" })) as { storageId: string };
    const url = (await cluster.call("query", "storage:getFileUrl", { storageId: id })) as string;
    expect(await (await fetch(url)).text()).toBe("hello");
    await cluster.call("mutation", "storage:deleteFile", { storageId: id });
    expect((await fetch(url)).status).toBe(404);
    const upload = (await cluster.call("mutation", "storage:generateUploadUrl")) as string;
    const uploaded = (await (await fetch(upload, { method: "POST", headers: { "content-type": "text/plain" }, body: "up" })).json()) as { storageId: string };
    expect(await (await fetch((await cluster.call("query", "storage:getFileUrl", uploaded)) as string)).text()).toBe("up");
    expect((await fetch(`${upload}x`, { method: "POST", body: "up" })).status).toBe(401);
    await cluster.call("mutation", "storage:deleteFile", uploaded);
  });

  test("a snapshot goes in without the CLI; a damaged one changes nothing", async () => {
    const snapshot = readFileSync(join(folder, "before.zip"));
    const put = async (body: Buffer) => {
      const response = await fetch(`${cluster.url}/api/import?format=zip&mode=replaceAll`, { method: "POST", headers: { authorization: `Convex ${await cluster.key()}` }, body: new Uint8Array(body) });
      return (await response.json()) as { numWritten?: number; message?: string };
    };
    expect(await put(snapshot)).toEqual({ numWritten: 1201 });
    const counts = await cluster.counts();
    expect((await put(snapshot.subarray(0, snapshot.length - 100))).message).toContain("not a usable zip file");
    expect(await cluster.counts()).toEqual(counts);
  });

  test("admin calls need this instance's key", async () => {
    await expect(cluster.call("query", "_system/cli/tables:default", {})).rejects.toThrow("MissingAdminKey");
    await expect(cluster.call("query", "_system/cli/tables:default", {}, "tv-goldviewfx|01")).rejects.toThrow("BadAdminKey");
    expect((await fetch(`${cluster.url}/api/export/request/zip`, { method: "POST" })).status).toBe(401);
  });

  test.each([["legacy"], ["cluster"]])("SIGTERM does nothing, SIGINT stops it, a restart loses nothing (%s)", async (which) => {
    const backend = which === "legacy" ? legacy : cluster;
    const counts = await backend.counts();
    await docker("kill", "--signal", "TERM", backend.name);
    await until(async () => (await backend.logs()).includes("SIGTERM ignored"), "SIGTERM is heard");
    expect(await backend.state()).toBe("running 0");
    await docker("kill", "--signal", "INT", backend.name);
    await until(async () => (await backend.state()) === "exited 0", "it stops at SIGINT");
    await docker("start", backend.name);
    await backend.answers();
    expect(await backend.counts()).toEqual(counts);
    expect(await (await fetch((await backend.call("query", "storage:getFileUrl", { storageId })) as string)).text()).toBe("model");
  });

  test("runs of one feed do not overlap, however many ask at once", async () => {
    const ask = { source_type: "bingx", source_id: "Gold-USDT", feed: "trades", trigger: "test", timeout_minutes: 30 };
    const answers = (await Promise.all(Array.from({ length: 20 }, () => cluster.call("mutation", "ingestion_runs:startIfIdle", ask)))) as { created: boolean }[];
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
  });

  test("a newer backend takes the lease; the old one exits with 0 at its next write, which is not made", async () => {
    const newer = await Backend.start("second", stores);
    const runs = (await newer.counts()).ingestion_runs;
    // Until it writes, the old one does not know.
    expect(await cluster.call("query", "e2e:ping")).toMatchObject({ ok: true });
    await cluster.call("mutation", "ingestion_runs:create", { source_type: "late", trigger: "test", status: "running" }).then(
      () => Promise.reject(new Error("the write was answered")),
      () => undefined,
    );
    await until(async () => (await cluster.state()) === "exited 0", "the old one exits");
    expect(await cluster.logs()).toContain("taken by a newer one");
    await newer.call("mutation", "ingestion_runs:create", { source_type: "new", trigger: "test", status: "running" });
    expect((await newer.counts()).ingestion_runs).toBe(runs + 1);
  });
});
