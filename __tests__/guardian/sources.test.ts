import { Api, double, TOKENS, type Double } from "./doubles";
import { program, type Run } from "./program";

const { probe, Sources } = program;
const now = () => 1_000;
const answered = (status: number) => probe(Promise.resolve({ status, text: "" }), now);
const broken = (code: string) => probe(Promise.reject(Object.assign(new Error("no"), { code })), now);

describe("a probe", () => {
  test.each([200, 204])("answered %d is well", async (status) => expect((await answered(status)).sample).toEqual({ at: 1_000, error: false }));
  test.each([500, 502, 503, 504])("answered %d is an error", async (status) => expect((await answered(status)).sample).toEqual({ at: 1_000, error: true }));
  test.each([401, 403, 404, 429, 302])("answered %d says nothing of the service's health", async (status) => expect((await answered(status)).sample).toHaveProperty("missing"));
  test.each(["ECONNREFUSED", "ConnectionRefused", "ECONNRESET", "TIMEOUT", "ENOTFOUND"])("that ends in %s is an error", async (code) => expect((await broken(code)).sample).toEqual({ at: 1_000, error: true }));
  test("whose name the node's resolver cannot look up is missing data", async () => expect((await broken("EAI_AGAIN")).sample).toHaveProperty("missing"));
});

describe("a read of what ingestion leaves", () => {
  const WINDOWS = { duplicates: 600_000, failures: 600_000 };
  let api: Api;
  let server: Double;
  const read = async (fresh = false) => new Sources({ api: server.url, rlService: server.url, probeTimeoutMs: 300, readTimeoutMs: 300, runTimeoutMs: 1_800_000, lookBackMs: 86_400_000 }, { apiToken: TOKENS.API_TOKEN }, Date.now).readIngestion(WINDOWS, fresh);
  const run = (secondsAgo: number, more: Partial<Run> = {}): Run => ({ id: `${Math.random()}`, source_type: "bingx", feed: "trades", status: "succeeded", started_at: new Date(Date.now() - secondsAgo * 1_000).toISOString(), finished_at: new Date(Date.now() - secondsAgo * 1_000 + 500).toISOString(), ...more });
  const retry = (secondsAgo: number) => ({ id: `${Math.random()}`, status: "pending", created_at: new Date(Date.now() - secondsAgo * 1_000).toISOString() });

  beforeEach(async () => {
    api = new Api();
    server = await double((request) => api.answer(request));
  });
  afterEach(() => server.close());

  test("an empty 200 is missing data, unless another read proves that data arrives", async () => {
    expect(await read()).toEqual({ duplicates: expect.objectContaining({ missing: expect.stringContaining("empty list") }), failures: expect.objectContaining({ missing: expect.stringContaining("empty list") }) });
    expect(await read(true)).toEqual({ duplicates: expect.objectContaining({ count: 0 }), failures: expect.objectContaining({ count: 0 }) });
  });

  test("runs speak for themselves, and recent ones for an empty retry queue; old ones do not", async () => {
    api.runs = [run(60)];
    expect(await read()).toEqual({ duplicates: expect.objectContaining({ count: 0 }), failures: expect.objectContaining({ count: 0 }) });
    api.runs = [run(6_000)];
    expect(await read()).toEqual({ duplicates: expect.objectContaining({ count: 0 }), failures: expect.objectContaining({ missing: expect.stringContaining("retry-queue") }) });
  });

  test("counts duplicates, failed runs and old retries", async () => {
    api.runs = [run(10, { status: "failed", feed: "ticker" }), run(60), run(60.2)];
    api.retries = [retry(700), retry(10)];
    expect(await read()).toEqual({ duplicates: expect.objectContaining({ count: 1 }), failures: expect.objectContaining({ count: 2 }) });
  });

  test("a refusal, a failure and nonsense are missing data", async () => {
    for (const body of [{ status: 401 }, { status: 500 }, { status: 200, body: "<html>" }, { status: 200, body: { rows: [] } }]) {
      await server.close();
      server = await double(() => body);
      const { duplicates, failures } = await read(true);
      expect([duplicates, failures].every((sample) => "missing" in sample)).toBe(true);
    }
  });

  test("no answer in time is missing data", async () => {
    await server.close();
    server = await double(() => new Promise((resolve) => setTimeout(() => resolve({ status: 200, body: { data: [] } }), 600)));
    expect((await read(true)).duplicates).toHaveProperty("missing", expect.stringContaining("no answer within 300 ms"));
  });

  test("pages are read until they reach behind the window; where they never do, nothing is concluded", async () => {
    await server.close();
    const page = (from: number) => Array.from({ length: 250 }, (_, i) => run(from + i * 0.1));
    let deepest = 3_000;
    server = await double(({ path, query }) => (path === "/ops/ingestion/runs" ? { status: 200, body: { data: query.get("page") === "3" ? page(deepest) : page(Number(query.get("page")) * 30) } } : { status: 200, body: [] }));
    expect((await read()).duplicates).toHaveProperty("count");
    expect(server.requests.filter((request) => request.path === "/ops/ingestion/runs")).toHaveLength(3);
    deepest = 100;
    expect((await read()).duplicates).toHaveProperty("missing", expect.stringContaining("do not reach back"));
  });
});
