/** What the worker ingests and the API orders, counted in the database and at the exchange. */
import { readFileSync } from "node:fs";
import { duplicateRuns, gaps, overlaps } from "../../lab/doubles/backend/count";
import { JOBS } from "../../contracts/services";
import { kvPaths } from "../../contracts/kv";
import { request } from "../../scripts/clients/http";
import { run } from "../../scripts/lab/run";
import { describeUnless } from "../terraform/terraform";
import { apiToken, askConsul, CONVEX, environment, eventually, gvfxLab, inTask, labMissing, namespace, query, runsSince } from "./lab-fixture";

const EXCHANGE = "http://127.0.0.1:18080";
const GATEWAY = "http://127.0.0.1:18787";
const TABLES = ["bingx_candles", "bingx_tickers", "bingx_mark_index_prices", "bingx_trades", "bingx_open_interest", "bingx_funding_rates", "bingx_orderbook_snapshots"];

const rows = async (table: string): Promise<{ readonly count: number; readonly data: readonly { readonly pair: string }[] }> => query("data:query", { table, filters: [], select: ["pair"], includeCount: true, limit: 20_000 });

describeUnless(labMissing(), "ingestion and orders", () => {
  test("all nine pairs are in all seven feeds", async () => {
    const pairs = [...environment.markets.gold, ...environment.markets.crypto].sort();
    expect(pairs).toHaveLength(9);
    await eventually(60, async () => {
      for (const table of TABLES) expect([table, [...new Set((await rows(table)).data.map((row) => row.pair))].sort()]).toEqual([table, pairs]);
    });
  }, 90_000);

  test("one worker: no run overlaps another of its feed, none is written twice, and nothing is missing for long", async () => {
    const since = new Date();
    await new Promise((done) => setTimeout(done, 35_000));
    const runs = await runsSince(since);
    expect(runs.length).toBeGreaterThan(7);
    expect(overlaps(runs)).toEqual([]);
    expect(duplicateRuns(runs)).toEqual([]);
    expect(gaps(runs, 5_000)).toEqual([]);
    expect(new Set(runs.map((row) => row.instance)).size).toBe(1);
  }, 60_000);

  test.each(["restart", "kill"])("%s of Convex under load loses no row, and ingestion goes on", async (action) => {
    const ids = async () => new Set((await query<{ data: readonly { readonly id: string }[] }>("data:query", { table: "ingestion_runs", filters: [], select: ["id"] })).data.map(({ id }) => id));
    const [before, trades] = [await ids(), (await rows("bingx_trades")).count];
    expect(before.size).toBeGreaterThan(0);
    await gvfxLab("break", action, JOBS.convex);
    await eventually(90, async () => expect((await rows("bingx_trades")).count).toBeGreaterThan(trades));
    const after = await ids();
    expect([...before].filter((id) => !after.has(id))).toEqual([]);
    await eventually(60, async () => void (await gvfxLab("status")));
  }, 180_000);

  test("an order placed through the gateway reaches the exchange once, with a client order id", async () => {
    const { traffic } = kvPaths(namespace);
    await askConsul(`/v1/kv/${traffic}`, { method: "PUT", body: "nomad" });
    await eventually(30, async () => expect(JSON.parse((await request(`${GATEWAY}/health`)).text)).toMatchObject({ status: "ok", version: expect.stringMatching(/^\d+$/) }));
    const headers = { authorization: `Bearer ${await apiToken()}`, "content-type": "application/json" };
    const call = async (path: string, body: unknown) => request(GATEWAY + path, { method: "POST", headers, body: JSON.stringify(body) });
    expect((await request(`${GATEWAY}/agents/gold-agent/runs/e2e/decisions`, { method: "POST", body: "{}" })).status).toBe(401);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const answer = await call("/agents/gold-agent/runs/e2e/decisions", { market: { candles: [], lastPrice: 1 } });
      expect([answer.status, answer.text]).toEqual([expect.any(Number), expect.stringContaining("clientOrderId")]);
      ids.push(/"clientOrderId":"([^"]+)"/.exec(answer.text)![1]);
    }
    const orders = (await request(`${EXCHANGE}/lab/orders`)).text;
    for (const id of ids) expect(orders.split(`"${id}"`).length - 1).toBeGreaterThanOrEqual(1);
    expect((JSON.parse(orders) as { duplicates: unknown[] }).duplicates).toEqual([]);
  }, 90_000);

  test("the real convex CLI exports what the platform wrote, files included", async () => {
    const stored = await request(`${CONVEX}/api/action`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path: "storage:storeTextFile", args: { content: "a model artefact", contentType: "text/plain", filename: "artefact.txt" }, format: "json" }) });
    const { storageId } = (JSON.parse(stored.text) as { value: { storageId: string } }).value;
    const key = (await inTask(JOBS.convex, "convex", "./generate_admin_key.sh")).output.trim().split("\n").at(-1)!;
    const folder = (await run("mktemp", ["-d"])).output.trim();
    const { output } = await run("npx", ["--no-install", "convex", "export", "--path", `${folder}/snapshot.zip`, "--include-file-storage"], { env: { CI: "1", CONVEX_SELF_HOSTED_URL: CONVEX, CONVEX_SELF_HOSTED_ADMIN_KEY: key } });
    expect(output + readFileSync(`${folder}/snapshot.zip`).subarray(0, 2).toString()).toMatch(/PK$/);
    const names = (await run("python3", ["-c", "import sys, zipfile; print('\\n'.join(zipfile.ZipFile(sys.argv[1]).namelist()))", `${folder}/snapshot.zip`])).output;
    for (const table of [...TABLES, "ingestion_runs"]) expect(names).toContain(`${table}/documents.jsonl`);
    expect(names).toMatch(new RegExp(`^_storage/${storageId}`, "m"));
  }, 180_000);
});
