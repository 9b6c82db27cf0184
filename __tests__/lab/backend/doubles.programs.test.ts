/** The doubles' images together: ingestion, orders, faults, as Nomad would run them. */
import { duplicateRows, gaps, missingTrades, overlaps, type IngestionRun } from "../../../lab/doubles/backend/count";
import { FEEDS, type Feed } from "../../../contracts/markets";
import { describeUnless } from "../../terraform/terraform";
import { buildLabImage, docker, Engine, imagesMissing } from "./engine";

const TOKEN = "a-token-of-this-test";
const ENV = {
  CONVEX_URL: "http://convex:3210",
  TIMESCALE_URL: "postgres://app@postgres/app",
  DISABLE_TEST_DATA_IN_DB: "true",
  BINGX_BASE_URL: "http://exchange:8080",
  BINGX_API_KEY: "key",
  BINGX_SECRET_KEY: "secret",
  RL_SERVICE_URL: "http://rl-service:9101",
};
const WORKER_COMMAND = ["bun", "run", "src/jobs/worker.ts"];
const CRASHING = { tag: "doubles-test-crash", buildArgs: { LAB_FAULT: "crash", LAB_VERSION: "2" } };

async function eventually<T>(seconds: number, check: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await new Promise((done) => setTimeout(done, 500));
    }
  }
}

async function json<T>(url: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(url, { ...init, headers: { authorization: `Bearer ${TOKEN}`, ...init.headers }, signal: AbortSignal.timeout(20_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}

describeUnless(imagesMissing(), "the doubles' images", () => {
  const engine = new Engine();
  let exchange: string;
  let convex: string;
  let api: string;
  const backend = "gvfx-lab/backend:lab";

  const startWorker = (name: string) => engine.start(name, backend, { env: { ...ENV, BINGX_WS_URL: "ws://exchange:8080/ws", METRICS_PORT: "9464" }, port: 9464, command: WORKER_COMMAND });
  const startApi = (name: string, env: Record<string, string> = {}) => engine.start(name, backend, { env: { ...ENV, API_TOKEN: TOKEN, ...env }, port: 8787 });

  async function table<T>(name: string): Promise<T[]> {
    const { value } = await json<{ value: { data: T[] } }>(`${convex}/api/query`, { method: "POST", body: JSON.stringify({ path: "data:query", args: { table: name, filters: [] }, format: "json" }), headers: { "content-type": "application/json" } });
    return value.data;
  }
  const runs = async (): Promise<IngestionRun[]> => (await table<IngestionRun>("ingestion_runs")).filter((run) => !run.source_id);

  beforeAll(async () => {
    await buildLabImage("exchange");
    await buildLabImage("backend");
    await engine.open();
    exchange = await engine.start("exchange", "gvfx-lab/exchange:lab", { port: 8080 });
    convex = await engine.start("convex", "gvfx-lab/convex:lab", { env: { INSTANCE_NAME: "doubles", INSTANCE_SECRET: "ab".repeat(32) }, port: 3210 });
    api = await startApi("api");
    await startWorker("worker-a");
    await eventually(60, async () => json(`${api}/health`));
  }, 180_000);
  afterAll(() => engine.close(), 60_000);

  test("the worker writes all nine pairs and seven feeds, by REST and stream", async () => {
    await eventually(60, async () => {
      for (const feed of Object.keys(FEEDS) as Feed[]) expect([feed, new Set((await table<{ pair: string }>(FEEDS[feed])).map((row) => row.pair)).size]).toEqual([feed, 9]);
    });
    expect((await json<{ connections: unknown[] }>(`${exchange}/lab/connections`)).connections).toHaveLength(1);
    await eventually(30, async () => {
      const sources = (await json<{ source_type: string; last_seen_at: string | null; status: string }[]>(`${api}/data-sources/status`)).filter(({ source_type }) => source_type.startsWith("bingx_"));
      expect(sources.map(({ last_seen_at, status }) => [last_seen_at !== null, status])).toEqual(Array(9 * 8).fill([true, "ok"]));
    });
  }, 100_000);

  test("an order is seen once, under the client order id that the api named", async () => {
    const decided = await json<{ clientOrderId: string }>(`${api}/agents/gold-rl-agent/runs/r/decisions`, { method: "POST", body: JSON.stringify({ market: { candles: [], lastPrice: 1 } }), headers: { "x-request-id": "doubles-order" } });
    expect(await json(`${exchange}/lab/orders`)).toMatchObject({ received: 1, duplicates: [], byClientOrderId: { [decided.clientOrderId]: 1 } });
    expect(await json(`${exchange}/lab/echo?prefix=doubles-order`)).toMatchObject({ received: 1, duplicates: [] });
  });

  test("an id that two instances receive is a duplicate, and a restart forgets none", async () => {
    const second = await startApi("api-2");
    await eventually(30, async () => json(`${second}/health`));
    const echo = (base: string) => json(`${base}/lab/echo`, { method: "POST", body: JSON.stringify({ id: "doubles-echo" }) });
    await echo(api);
    await engine.kill("api", "SIGTERM");
    // No handler: the process is gone at once.
    expect(await engine.exitCode("api")).toBe(143);
    expect(await echo(second)).toMatchObject({ count: 2, here: 1 });
    api = second;
  });

  test("a killed worker, and a second one after it: a gap and no overlap, and no trade is lost", async () => {
    await engine.kill("worker-a", "SIGKILL");
    await new Promise((done) => setTimeout(done, 5_000));
    await startWorker("worker-b");
    await eventually(60, async () => {
      const now = await runs();
      expect(new Set(now.map((run) => run.instance)).size).toBe(2);
      expect(gaps(now, 4_000).filter(({ where }) => where === "between")).toHaveLength(7);
      expect(overlaps(now)).toEqual([]);
    });
    await eventually(40, async () => {
      const missing = Object.values(missingTrades(await table<{ pair: string; trade_id: string }>(FEEDS.trades)));
      expect(missing).toEqual(Array(9).fill(0));
    });
  }, 130_000);

  test("two workers at once are an overlap in every feed, and order books come twice", async () => {
    await startWorker("worker-c");
    await eventually(60, async () => {
      expect(new Set(overlaps(await runs()).map(({ series }) => series.split("/")[2]))).toEqual(new Set(Object.keys(FEEDS)));
      expect(duplicateRows(await table<{ pair: string; captured_at: string }>(FEEDS.orderbook), ["pair", "captured_at"]).length).toBeGreaterThan(0);
    });
    await engine.kill("worker-c", "SIGTERM");
    expect(await engine.exitCode("worker-c")).toBe(143);
  });

  test("a wrong environment ends the process with status 1, names every key and no value", async () => {
    await engine.start("wrong", backend, { env: { BINGX_BASE_URL: "hunter2", API_TOKEN: TOKEN } });
    expect(await engine.exitCode("wrong")).toBe(1);
    const said = await engine.logs("wrong");
    for (const key of ["CONVEX_URL", "TIMESCALE_URL", "BINGX_BASE_URL", "DISABLE_TEST_DATA_IN_DB"]) expect(said).toContain(key);
    expect(said).not.toMatch(new RegExp(`hunter2|${TOKEN}`));
  });

  test("an image built to crash is another image, and ends after a second", async () => {
    const image = await buildLabImage("backend", CRASHING);
    try {
      await engine.start("crash", image, { env: { ...ENV, API_TOKEN: TOKEN } });
      expect(await engine.exitCode("crash")).toBe(1);
      expect(await engine.logs("crash")).toMatch(/version 2.*LAB_FAULT=crash[^]*ends on purpose/);
    } finally {
      await docker("rm", "--force", ...(await docker("ps", "--all", "--quiet", "--filter", `ancestor=${image}`)).split("\n").filter(Boolean));
      await docker("rmi", image);
    }
  }, 120_000);

  test("unhealthy and half-well", async () => {
    const [unhealthy, half] = [await startApi("unhealthy", { LAB_FAULT: "unhealthy" }), await startApi("half", { LAB_FAULT: "half" })];
    const status = async (url: string): Promise<number> => (await fetch(`${url}/health`)).status;
    await eventually(20, async () => expect(await status(unhealthy)).toBe(503));
    await eventually(20, async () => expect(await status(half)).toBe(200));
    await eventually(40, async () => expect(await status(half)).toBe(500));
    expect([await status(half), await status(half), await status(half), await status(half)].sort()).toEqual([200, 200, 500, 500]);
  });
});
